import type { AgentEnding } from "../../event/agent_event.ts";
import type { ClaudeState } from "./events.ts";
import type { Conversation } from "../process/run_agent_process.ts";

/** The ending of a turn that a person interrupted, which is not the agent's failure. */
export const CLAUDE_INTERRUPTED: AgentEnding = {
  kind: "aborted",
  message: "Interrupted by a person",
};

/**
 * Encodes a message of the user for `claude --input-format stream-json`.
 *
 * @returns The line, including its line end.
 */
export function claudeMessageLine(text: string): string {
  const message = { role: "user", content: [{ type: "text", text }] };
  return `${JSON.stringify({ type: "user", message })}\n`;
}

/**
 * Encodes commands for a headless Claude. It reads a message in the middle of a turn, and answers
 * it in a separate turn afterwards.
 *
 * @param state The state of its output.
 */
export function claudeConversation(state: Pick<ClaudeState, "report">): Conversation {
  let requests = 0;
  return {
    write(command) {
      if (command.kind === "message") {
        // The report of its last turn does not apply to the one that begins.
        delete state.report;
        return claudeMessageLine(command.text);
      }
      const request = { subtype: "interrupt" };
      const id = `ralph-${++requests}`;
      return `${JSON.stringify({ type: "control_request", request_id: id, request })}\n`;
    },
    isIdle: () => state.report !== undefined,
  };
}

import type { AgentEnding } from "../../event/agent_event.ts";
import type { ClaudeState } from "./events.ts";
import type { Conversation } from "../process/run_agent_process.ts";

/** How a turn ended that a person has interrupted: no failure of the agent. */
export const CLAUDE_INTERRUPTED: AgentEnding = {
  kind: "aborted",
  message: "Interrupted by a person",
};

/**
 * Writes a message of the user down as `claude --input-format stream-json` reads it.
 *
 * @param text What to say.
 * @returns The line, line end included.
 */
export function claudeMessageLine(text: string): string {
  const message = { role: "user", content: [{ type: "text", text }] };
  return `${JSON.stringify({ type: "user", message })}\n`;
}

/**
 * Makes what a headless Claude is talked to with: a message in the middle of a turn is heard in
 * it, and answered in a turn of its own after it.
 *
 * @param state What is remembered of its output.
 * @returns The conversation.
 */
export function claudeConversation(state: Pick<ClaudeState, "report">): Conversation {
  let requests = 0;
  return {
    write(command) {
      if (command.kind === "message") {
        // What it said about its last turn says nothing about the one that begins.
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

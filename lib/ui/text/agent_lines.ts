import type { AgentEvent } from "../../event/agent_event.ts";
import { sanitizeLines, sanitizeText } from "./sanitize_text.ts";

const MAX_LENGTH = 500;

/**
 * What an agent does, as lines for display: prose as it is, commands as `$ command`, other tools as
 * `Tool detail`.
 *
 * @example Usage
 * ```ts
 * import { agentLines } from "./agent_lines.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(agentLines({ kind: "tool", tool: "Bash", detail: "deno test" }), ["$ deno test"]);
 * assertEquals(agentLines({ kind: "text", text: "Done.\n\nBye." }), ["Done.", "Bye."]);
 * ```
 *
 * @param event What the agent did.
 * @returns Its lines, sanitized, each at most 500 characters; none for what a person need not see.
 */
export function agentLines(event: AgentEvent): string[] {
  return linesOf(event).map((line) => line.slice(0, MAX_LENGTH).toWellFormed());
}

function linesOf(event: AgentEvent): string[] {
  switch (event.kind) {
    case "text":
      return sanitizeLines(event.text);
    case "output":
      return sanitizeLines(event.line);
    case "tool":
      return [toolLine(event.tool, event.detail)];
    case "tool_result": {
      const detail = sanitizeText(event.detail).trim();
      if (event.failed) return [detail === "" ? "failed" : `failed: ${detail}`];
      return detail === "" ? [] : [detail];
    }
    case "denial":
      return [`denied: ${toolLine(event.denial.tool, event.denial.detail)}`];
    case "error":
      return [`error: ${sanitizeText(event.message).trim()}`];
    case "process":
    case "session":
    case "server":
    case "usage":
      return [];
  }
}

function toolLine(tool: string, detail: string): string {
  // Claude Code says "Read" and OpenCode "read".
  const name = /^(?:bash|shell)$/i.test(tool) && detail !== ""
    ? "$"
    : tool.slice(0, 1).toUpperCase() + tool.slice(1);
  return sanitizeText(`${name} ${detail}`).trim();
}

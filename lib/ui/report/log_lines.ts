import type { LoopEvent } from "../../event/loop_event.ts";
import { agentLines } from "../text/agent_lines.ts";
import { sanitizeLines, sanitizeText } from "../text/sanitize_text.ts";

/**
 * What an agent said and did, for people who read the log of a session: a heading for each
 * iteration, prose and output in full, one line for each tool.
 *
 * @example Usage
 * ```ts
 * import { logLines } from "./log_lines.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const lines = logLines({
 *   type: "agent",
 *   time: "2026-11-20T18:02:11.123Z",
 *   iteration: 1,
 *   event: { kind: "text", text: "Reading the code.\n\n\x1b[1mDone.\x1b[m\n" },
 * });
 * assertEquals(lines, ["Reading the code.", "", "Done."]);
 * ```
 *
 * @returns The lines, without control characters; none for events that are not from an agent.
 */
export function logLines(event: LoopEvent): string[] {
  if (event.type === "iteration_started") {
    const { iteration, story, agent, time } = event;
    const heading = `== iteration ${iteration} ${story.id} ${agent} ${clockOf(time)}`;
    return [sanitizeText(heading)];
  }
  if (event.type !== "agent") return [];
  const did = event.event;
  switch (did.kind) {
    case "text":
      return wholeLines(did.text);
    case "output":
      return wholeLines(did.line);
    default:
      return agentLines(did);
  }
}

/** Unlike a live view, which has little room, a log keeps empty lines and long ones. */
function wholeLines(text: string): string[] {
  return text.replace(/\r*\n$/, "").split("\n").map((line) => sanitizeLines(line).join(" "));
}

function clockOf(time: string): string {
  return new Date(time).toTimeString().slice(0, 8);
}

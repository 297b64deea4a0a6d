import type { LoopEvent } from "./loop_event.ts";

/**
 * The text of an event for `output.log`: the agent's messages, its plain output, and a heading for
 * each iteration.
 *
 * @returns Whole lines; empty for other events.
 */
export function outputText(event: LoopEvent): string {
  if (event.type === "iteration_started") {
    const { iteration, story, agent, time } = event;
    return `--- ${time} iteration ${iteration}: ${story.id} ${story.title} (${agent}) ---\n`;
  }
  if (event.type !== "agent") return "";
  switch (event.event.kind) {
    case "text":
      return event.event.text.endsWith("\n") ? event.event.text : `${event.event.text}\n`;
    case "output":
      return `${event.event.line}\n`;
    case "error":
      return `error: ${event.event.message}\n`;
    default:
      return "";
  }
}

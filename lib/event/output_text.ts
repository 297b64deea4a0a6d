import type { LoopEvent } from "./loop_event.ts";

/**
 * Says what of an event goes into `output.log`: what the agent said, its plain output, and
 * a heading for each iteration.
 *
 * @param event The event.
 * @returns Whole lines; empty if nothing of it does.
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

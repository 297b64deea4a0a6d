import type { LoopEvent } from "../event/loop_event.ts";
import { afterReading } from "./decide/after_reading.ts";
import { type LoopContext, stamp } from "./loop_context.ts";
import type { KnownPrd, LoopState } from "./loop_state.ts";

/**
 * Reads prd.json, whatever has become of it.
 *
 * @returns Warnings, and at the end what is known of prd.json now.
 */
export async function* readTaskPrd(
  context: LoopContext,
  state: KnownPrd & Pick<LoopState, "iterations">,
): AsyncGenerator<LoopEvent, KnownPrd> {
  const { prd: found, stale } = await context.reader.read();
  const { prd, warning } = await context.judge.review(found);
  if (warning !== undefined) yield stamp(context, { type: "warning", message: warning });
  const emptied = prd.stories.length === 0
    ? `${context.options.task.prdFile} no longer has any stories`
    : undefined;
  const problem = stale?.message ?? emptied;
  const { prd: before, broken, vanished, iterations } = state;
  const read = afterReading({ prd: before, broken, vanished }, { prd, problem, iterations });
  if (read.warning !== undefined) yield stamp(context, { type: "warning", message: read.warning });
  return read.known;
}

import type { LoopEvent } from "../event/loop_event.ts";
import { afterWait } from "./decide/after_wait.ts";
import type { LoopStep } from "./decide/decide_step.ts";
import { lookAtWork, type LoopContext, stamp } from "./loop_context.ts";
import type { LoopState } from "./loop_state.ts";
import { waitUntil } from "./wait_until.ts";

/**
 * Waits for an agent: until its time has come, the time of the loop is over, or a person wants
 * something else.
 *
 * @returns What happens, and at the end what the loop knows then.
 */
export async function* waitForAgent(
  context: LoopContext,
  state: LoopState,
  { agent, reason, until }: Extract<LoopStep, { kind: "wait" }>,
): AsyncGenerator<LoopEvent, LoopState> {
  const { options, control, deadline } = context;
  // Taken before the event is given away: what reads it may wake the loop at once.
  const wake = control.wakeSignal;
  const leftMs = (options.limits?.timeMs ?? Infinity) - context.elapsedMs();
  const end = Math.min(until, context.now() + leftMs);
  yield stamp(context, { type: "waiting", agent, reason, until: end });
  if (control.request === undefined) {
    await waitUntil(end, { wake: AbortSignal.any([wake, deadline.signal]), now: context.now });
  }
  const asked = control.request !== undefined;
  const cancelled = asked || wake.aborted;
  yield stamp(context, { type: "waited", cancelled });
  const retried = cancelled && !asked;
  return afterWait(state, { agent, retried, snapshot: await lookAtWork(options) });
}

import type { LoopEvent } from "../event/loop_event.ts";
import { afterWait } from "./decide/after_wait.ts";
import type { LoopStep } from "./decide/decide_step.ts";
import { lookAtWork, type LoopContext, stamp } from "./loop_context.ts";
import type { LoopState } from "./loop_state.ts";

/** Timers stop while a machine sleeps: the clock is checked again after at most this long. */
const LOOK_AGAIN_MS = 30_000;

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
    await waitUntil(end, AbortSignal.any([wake, deadline.signal]), context.now);
  }
  const asked = control.request !== undefined;
  const cancelled = asked || wake.aborted;
  yield stamp(context, { type: "waited", cancelled });
  const retried = cancelled && !asked;
  return afterWait(state, { agent, retried, snapshot: await lookAtWork(options) });
}

/** Waits until a given time, even if the machine sleeps in between. */
async function waitUntil(until: number, wake: AbortSignal, now: () => number): Promise<void> {
  for (let left = until - now(); left > 0 && !wake.aborted; left = until - now()) {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        wake.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(left, LOOK_AGAIN_MS));
      wake.addEventListener("abort", done, { once: true });
    });
  }
}

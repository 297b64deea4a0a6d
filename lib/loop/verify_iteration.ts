import { setStoryPasses } from "../task/set_story_passes.ts";
import type { Story } from "../task/prd.ts";
import type { LoopEvent } from "./loop_event.ts";
import { checksOf, environmentFor, type LoopState, stamp } from "./loop_state.ts";
import { runCheck } from "./run_check.ts";

/** A check that does not hold. */
export interface FailedCheck {
  /** Which and why, in one line. */
  reason: string;
  /** The last lines of its output. */
  outputTail: string[];
}

/**
 * Runs the checks of a loop, until one fails.
 *
 * @param state The loop.
 * @returns What happens, and at the end the check that does not hold, if one does not.
 */
export async function* verifyWhole(
  state: LoopState,
): AsyncGenerator<LoopEvent, FailedCheck | undefined> {
  const { task, checkTimeoutMs } = state.options;
  const iteration = state.iterations;
  for (const command of checksOf(state)) {
    yield stamp(state, { type: "check_started", iteration, command });
    let result;
    try {
      result = await runCheck(command, {
        cwd: task.root,
        env: environmentFor(state, "check"),
        signal: state.control.stopSignal,
        ...(checkTimeoutMs === undefined ? {} : { timeoutMs: checkTimeoutMs }),
      });
    } catch (error) {
      if (!state.control.stopSignal.aborted) throw error;
      return { reason: `check "${command}" was stopped`, outputTail: [] };
    }
    const { ok, reason, outputTail, durationMs } = result;
    yield stamp(state, {
      type: "check_finished",
      iteration,
      command,
      ok,
      durationMs,
      outputTail: ok ? [] : outputTail,
    });
    if (!ok) return { reason: `check "${command}" fails: ${reason}`, outputTail };
  }
  state.checksHold = true;
  return undefined;
}

/**
 * Runs the checks after stories were marked as passed, and sets the stories back if
 * one does not hold. A check that was stopped holds as little as one that fails.
 *
 * @param state The loop.
 * @param marked The stories that were marked.
 * @returns What happens, and at the end the check that does not hold, if one does not.
 */
export async function* verifyIteration(
  state: LoopState,
  marked: readonly Story[],
): AsyncGenerator<LoopEvent, FailedCheck | undefined> {
  if (marked.length === 0 || checksOf(state).length === 0) return undefined;
  const failed = yield* verifyWhole(state);
  if (failed === undefined) return undefined;
  const stopped = state.control.stopSignal.aborted;
  for (const { id, title } of marked) {
    await setStoryPasses(state.options.task.prdFile, id, false);
    const reason = failed.reason;
    yield stamp(state, {
      type: "story_set_back",
      iteration: state.iterations,
      story: { id, title },
      reason,
    });
    if (stopped) continue;
    state.reasons.set(id, [reason, ...failed.outputTail].join("\n"));
    const failures = (state.checkFailures.get(id) ?? 0) + 1;
    state.checkFailures.set(id, failures);
    if (failures >= (state.options.maxCheckFailures ?? 3)) {
      state.excluded.set(id, `set back ${failures} times: ${reason}`);
    }
  }
  return failed;
}

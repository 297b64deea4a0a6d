import { setStoryPasses } from "../task/prd/edit_prd.ts";
import { PrdError, type Story } from "../task/prd/prd.ts";
import type { LoopEvent } from "../event/loop_event.ts";
import { checksOf, environmentFor, type LoopState, stamp } from "./loop_state.ts";
import { runCheck } from "./run_check.ts";

/** A check that failed. */
export interface FailedCheck {
  /** Which check and why, in one line. */
  reason: string;
  /** The last lines of its output. */
  outputTail: string[];
}

/**
 * Runs the checks of a loop until one fails.
 *
 * @returns Yields events; returns the check that failed, if any.
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

/** The input of {@linkcode verifyIteration}. */
export interface MarkedStories {
  /** The stories that were marked as passed. */
  marked: readonly Story[];
  /** The commits of the iteration. */
  commits: number;
  /** Whether anything but the task's own files has changed. */
  worked: boolean;
}

/**
 * Verifies stories that were marked as passed: by their commits if required, then by the checks.
 * Reopens the stories if something fails. A check that was stopped counts as failed.
 *
 * @param stories The marked stories, and the changes of the iteration.
 * @returns Yields events; returns the check that failed, if any.
 */
export async function* verifyIteration(
  state: LoopState,
  { marked, commits, worked }: MarkedStories,
): AsyncGenerator<LoopEvent, FailedCheck | undefined> {
  if (marked.length === 0) return undefined;
  const requiresCommit = state.options.requireCommit ?? false;
  if (!worked && !requiresCommit) {
    const ids = marked.map(({ id }) => id).join(", ");
    const message =
      `${ids} passes with no change: no commit, and no file outside the task's folder`;
    yield stamp(state, { type: "warning", message });
  }
  const failed = requiresCommit && commits === 0
    ? { reason: "it was marked as passed without a commit", outputTail: [] }
    : yield* verifyWhole(state);
  if (failed === undefined) return undefined;
  const stopped = state.control.stopSignal.aborted;
  for (const { id, title } of marked) {
    try {
      await setStoryPasses(state.options.task.prdFile, id, false);
    } catch (error) {
      // Nor can the loop complete: the checks run once more at the end.
      if (!(error instanceof PrdError)) throw error;
      yield stamp(state, { type: "warning", message: error.message });
      continue;
    }
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

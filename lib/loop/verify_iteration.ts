import type { LoopEvent } from "../event/loop_event.ts";
import { setStoryPasses } from "../task/prd/edit_prd.ts";
import { type Prd, PrdError, type Story } from "../task/prd/prd.ts";
import { isRefuted, type Verdict } from "./decide/iteration_facts.ts";
import { timeLimitReached } from "./decide/limits.ts";
import { checksOf, environmentFor, type LoopContext, stamp } from "./loop_context.ts";
import { runCheck } from "./run_check.ts";

/** What {@linkcode runChecks} runs. */
interface RunChecksOptions {
  /** The PRD as it is now. */
  prd: Prd;
  /** The number of the iteration that is verified. */
  iteration: number;
}

/**
 * Runs the checks of a loop until one fails. A stop and the end of the loop's time end a check that
 * runs, with all its processes.
 *
 * @returns What happens, and at the end the verdict.
 */
export async function* runChecks(
  context: LoopContext,
  { prd, iteration }: RunChecksOptions,
): AsyncGenerator<LoopEvent, Verdict> {
  const { options, control, deadline } = context;
  const checks = checksOf(options, prd);
  const signal = AbortSignal.any([control.stopSignal, deadline.signal]);
  for (const command of checks) {
    yield stamp(context, { type: "check_started", iteration, command });
    let result;
    try {
      result = await runCheck(command, {
        cwd: options.task.root,
        env: environmentFor(context, "check"),
        signal,
        timeoutMs: options.checkTimeoutMs,
      });
    } catch (error) {
      if (!signal.aborted) throw error;
      return { kind: "interrupted", reason: `check "${command}" ${howEnded(context)}` };
    }
    const { ok, reason, durationMs } = result;
    const outputTail = ok ? [] : result.outputTail;
    yield stamp(context, {
      type: "check_finished",
      iteration,
      command,
      ok,
      durationMs,
      outputTail,
    });
    if (!ok) return { kind: "failed", reason: `check "${command}" fails: ${reason}`, outputTail };
  }
  return { kind: checks.length > 0 ? "held" : "unverified" };
}

function howEnded({ control, options }: LoopContext): string {
  if (control.stopSignal.aborted) return "was stopped";
  return `was ended: ${timeLimitReached(options.limits?.timeMs ?? 0)}`;
}

/** What {@linkcode verifyMarked} has to verify. */
interface MarkedStories extends RunChecksOptions {
  /** The stories that were marked as passed. */
  marked: readonly Story[];
  /** The commits that came with it. */
  commits: number;
  /** How the agent left the branch, in words; `undefined` if it stayed. */
  left: string | undefined;
  /** Whether anything but the task's own files has changed. */
  worked: boolean;
}

/** What verifying stories came to. */
interface Verified {
  /** What became of the checks. */
  verdict: Verdict;
  /** Ids of the stories that were reopened. */
  reopened: string[];
}

/**
 * Verifies stories that were marked as passed: by their commits if that is wanted, then by the
 * checks. What could not be verified, for whatever reason, is reopened.
 *
 * @returns What happens, and at the end what it came to.
 */
export async function* verifyMarked(
  context: LoopContext,
  stories: MarkedStories,
): AsyncGenerator<LoopEvent, Verified> {
  const { marked, commits, worked, left, iteration } = stories;
  if (marked.length === 0) return { verdict: { kind: "unverified" }, reopened: [] };
  const requiresCommit = context.options.requireCommit ?? false;
  if (!worked && !requiresCommit && left === undefined) {
    const ids = marked.map(({ id }) => id).join(", ");
    const message =
      `${ids} passes with no change: no commit, and no file outside the task's folder`;
    yield stamp(context, { type: "warning", message });
  }
  const verdict: Verdict = left !== undefined
    ? { kind: "failed", reason: left, outputTail: [] }
    : requiresCommit && commits === 0
    ? { kind: "failed", reason: "it was marked as passed without a commit", outputTail: [] }
    : yield* runChecks(context, stories);
  const reopened: string[] = [];
  if (!isRefuted(verdict)) return { verdict, reopened };
  const { task } = context.options;
  for (const { id, title } of marked) {
    try {
      await setStoryPasses(task.prdFile, id, false, { within: task.root });
    } catch (error) {
      // It cannot be finished either: the checks run once more at the end.
      if (!(error instanceof PrdError)) throw error;
      yield stamp(context, { type: "warning", message: error.message });
      continue;
    }
    reopened.push(id);
    const { reason } = verdict;
    yield stamp(context, { type: "story_set_back", iteration, story: { id, title }, reason });
  }
  return { verdict, reopened };
}

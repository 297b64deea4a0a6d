import type { AgentResult } from "../agent/agent.ts";
import type { LoopEvent } from "../event/loop_event.ts";
import { changesBetween } from "../git/changes_between.ts";
import {
  type GitSnapshot,
  isWithin,
  repositoryPath,
  snapshotsDiffer,
} from "../git/git_snapshot.ts";
import type { Task } from "../task/task.ts";
import { isRefuted, type IterationFacts, type IterationWork } from "./decide/iteration_facts.ts";
import { keepBranch } from "./keep_branch.ts";
import { checksOf, lookAtWork, type LoopContext } from "./loop_context.ts";
import type { KnownPrd, LoopState } from "./loop_state.ts";
import { readTaskPrd } from "./read_task_prd.ts";
import { verifyMarked } from "./verify_iteration.ts";

/** The part of an iteration that is over when its facts are gathered. */
interface IterationRun {
  /** What it was to do. */
  work: IterationWork;
  /** How the agent ended. */
  result: AgentResult;
  /** When the iteration began, in milliseconds since the loop did. */
  startedMs: number;
}

/**
 * Finds out what an agent did, and verifies what it claims.
 *
 * @returns What happens, and at the end the facts.
 */
export async function* gatherFacts(
  context: LoopContext,
  state: LoopState,
  { work, result, startedMs }: IterationRun,
): AsyncGenerator<LoopEvent, IterationFacts> {
  const { options } = context;
  const { iterations } = state;
  const before = state.snapshot;
  // Starting git takes longer than reading files: nothing waits for it that need not.
  let looking = lookAtWork(options);
  looking.catch(() => {});
  const strayed = yield* keepBranch(context, state);
  const lost = strayed?.problem;
  if (strayed !== undefined) {
    await looking;
    looking = lookAtWork(options);
    looking.catch(() => {});
  }
  // Where the branch could not be taken back, the files are not those of the task.
  let known: KnownPrd = lost === undefined ? yield* readTaskPrd(context, state) : state;
  const { prd } = known;
  const seen = await looking;
  const after = lost === undefined ? seen : { ...before, head: strayed?.head ?? null };
  const commits = await commitsBetween(options.task, before, after);
  const wasOpen = new Set(state.prd.stories.filter(({ passes }) => !passes).map(({ id }) => id));
  const claimed = new Map(
    [...prd.stories.filter(({ passes }) => passes), ...strayed?.passing ?? []]
      .map((story) => [story.id, story]),
  );
  const marked = [...claimed.values()].filter(({ id }) => wasOpen.has(id));
  const { verdict, reopened } = yield* verifyMarked(context, {
    prd,
    iteration: iterations,
    marked,
    commits,
    left: strayed && `its agent ${strayed.reason}`,
    worked: commits > 0 || worksOutside(options.task, before, after),
  });
  const refuted = isRefuted(verdict);
  if (refuted && lost === undefined) known = yield* readTaskPrd(context, { ...known, iterations });
  const checked = refuted || (marked.length > 0 && checksOf(options, prd).length > 0);
  return {
    work,
    result,
    known,
    before,
    after,
    settled: checked && lost === undefined ? await lookAtWork(options) : after,
    commits,
    marked: marked.map(({ id }) => id),
    verdict,
    reopened,
    left: strayed && `The agent before you ${strayed.reason}; work on the branch you are given`,
    lost: lost && { reason: lost.message, hint: lost.hint },
    endedAt: context.now(),
    durationMs: context.elapsedMs() - startedMs,
    random: (options.random ?? Math.random)(),
  };
}

async function commitsBetween(
  task: Task,
  before: GitSnapshot,
  { head }: GitSnapshot,
): Promise<number> {
  if (head === null || head === before.head) return 0;
  return (await changesBetween(task.root, before.head, head)).commits;
}

/** Whether anything but the task's own files has changed. */
function worksOutside(task: Task, before: GitSnapshot, after: GitSnapshot): boolean {
  const own = [repositoryPath(task.root, task.dir)];
  const others = ({ dirty }: GitSnapshot): Map<string, string> =>
    new Map([...dirty].filter(([path]) => !isWithin(path, own)));
  return snapshotsDiffer(
    { ...before, head: null, dirty: others(before) },
    { ...after, head: null, dirty: others(after) },
  );
}

import { findCommit } from "../../git/ask_git.ts";
import { checkedOutBranch } from "../../git/checked_out_branch.ts";
import { clearStaleLock } from "../../git/clear_stale_lock.ts";
import { runGit, type RunGitOptions } from "../../git/run_git.ts";
import type { Task } from "../../task/task.ts";
import { saidCommitted, switchBranch } from "./switch_branch.ts";
import { SwitchError } from "./switch_error.ts";

/** What was found where the branch of a task was left. */
export interface LeftBranch {
  /** What was left for what, and where the work is, in one line that goes on after a subject. */
  reason: string;
  /** The last commit of the task's branch; `null` if it has none. */
  head: string | null;
  /** What a person should know, in one line each. */
  warnings: string[];
  /** Why the branch could not be taken back; `undefined` if it is checked out again. */
  problem: SwitchError | undefined;
}

/** Options for {@linkcode takeBackBranch}. */
export interface TakeBackBranchOptions {
  /** The branch of the task. */
  branch: string;
  /** Its last commit before it was left; `null` if it had none. */
  before: string | null;
}

/**
 * Checks out the branch of a task again after an agent has left it. What was committed elsewhere
 * stays there, and is reported; what was not committed comes along.
 *
 * @returns What was found; `undefined` if the branch is still checked out.
 * @throws {GitError} If git fails for another reason than that it cannot switch.
 */
export async function takeBackBranch(
  task: Task,
  { branch, before }: TakeBackBranchOptions,
): Promise<LeftBranch | undefined> {
  const run = { cwd: task.root };
  const from = await checkedOutBranch(task.root);
  if (from === branch) return undefined;
  // An agent that was ended may have been in the middle of a commit.
  await clearStaleLock(task.root);
  const own = `refs/heads/${branch}`;
  const there = await findCommit("HEAD", run);
  let head = await findCommit(own, run) ?? null;
  if (head === null && before !== null) {
    // It was renamed or deleted: what it had at the start of the turn is its work.
    await runGit(["branch", "--no-track", branch, before], run);
    head = before;
  }
  const place = from ?? `a detached HEAD (${there?.slice(0, 12) ?? "no commit"})`;
  const elsewhere = await countCommits(there, [head, before], run);
  const here = await countCommits(head ?? undefined, [before], run);
  const reason = `left ${branch}: ${commits(elsewhere)} on ${place}, ${
    here === 0 ? "none" : commits(here)
  } on ${branch}`;
  const warnings = [`The agent ${reason}`];
  if (from === undefined && there !== undefined && elsewhere > 0) {
    warnings.push(`To keep the commits of the detached HEAD: git branch NAME ${there}`);
  }
  try {
    const args = ["--no-guess", branch];
    const committed = await switchBranch(task, { branch, from, args, run });
    if (committed.length > 0) warnings.push(saidCommitted(committed, place));
    return { reason, head, warnings, problem: undefined };
  } catch (error) {
    if (!(error instanceof SwitchError)) throw error;
    return { reason, head, warnings, problem: error };
  }
}

function commits(count: number): string {
  return count === 0 ? "no commits" : count === 1 ? "1 commit" : `${count} commits`;
}

async function countCommits(
  of: string | undefined,
  without: readonly (string | null)[],
  run: RunGitOptions,
): Promise<number> {
  if (of === undefined) return 0;
  const known = without.filter((commit) => commit !== null).map((commit) => `^${commit}`);
  return Number(await runGit(["rev-list", "--count", of, ...known, "--"], run));
}

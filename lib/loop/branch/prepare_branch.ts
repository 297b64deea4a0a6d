import { join } from "node:path";
import { findCommit } from "../../git/ask_git.ts";
import { readBranchBases, recordBranchBase } from "../../git/branch_bases.ts";
import { checkBranchName } from "../../git/branch_name.ts";
import { type GitStatusEntry, parseGitStatus } from "../../git/parse_git_status.ts";
import { GitError, runGit, type RunGitOptions } from "../../git/run_git.ts";
import { listTasks } from "../../task/list_tasks.ts";
import type { Task } from "../../task/task.ts";
import { branchOfTask, findStart, gatherBaseFacts, type KnownBaseFacts } from "./base_facts.ts";
import { chooseBase } from "./choose_base.ts";
import { findRefs } from "./find_refs.ts";
import { belongsTo, keepTaskFiles } from "./keep_task_files.ts";
import { saidCommitted, switchBranch } from "./switch_branch.ts";
import { DirtyTreeError, nameFiles } from "./switch_error.ts";
import { commitNotes, noteOwner } from "./task_notes.ts";

/** Options for {@linkcode prepareBranch}. */
interface PrepareBranchOptions {
  /** The branch to work on; `null` or nothing to stay on the current one. */
  branchName?: string | null | undefined;
  /** What a new branch starts from: a branch, a tag or a commit. @default {what `chooseBase` chooses} */
  base?: string | undefined;
  /** Stops git, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** The result of {@linkcode prepareBranch}. */
export interface PreparedBranch {
  /** The branch that is checked out; `undefined` on a detached HEAD. */
  branch: string | undefined;
  /** What was done: `tracked` is a new branch that follows one of a remote. */
  action: "stayed" | "checked_out" | "created" | "tracked";
  /** What the branch started from; `undefined` where ralph did not make it. */
  base: string | undefined;
  /** What a person should know about it, in one line each. */
  warnings: string[];
}

/**
 * Makes sure that the branch of a task is checked out. If it already is, the work tree may have
 * changes. Otherwise the tree must be clean, except for the task's own folder and for what ralph
 * itself writes below `tasks/`; the branch is then checked out, created from a remote branch of the
 * same name, or created from the base that {@linkcode chooseBase} chooses.
 *
 * What ralph noted for another task is committed if that task's own branch is left, and comes along
 * otherwise. Files of this task come along, even those that only the branch that is left has.
 *
 * @example Usage
 * ```ts
 * import { resolveTask } from "@ralph/cli";
 * import { prepareBranch } from "./prepare_branch.ts";
 * import { runGit } from "../../git/run_git.ts";
 * import { assertEquals } from "@std/assert";
 * import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
 *
 * const root = await mkdtemp("example-");
 * await runGit(["init", "-q", "-b", "main"], { cwd: root });
 * await mkdir(`${root}/tasks/x`, { recursive: true });
 * await writeFile(`${root}/tasks/x/prd.json`, "[]");
 *
 * const task = await resolveTask("x", { cwd: root });
 * const { action } = await prepareBranch(task, { branchName: "ralph/x" });
 * assertEquals(action, "created");
 * await rm(root, { recursive: true });
 * ```
 *
 * @returns The branch and what was done.
 * @throws {InvalidBranchNameError} If the branch or the base cannot be a name in git.
 * @throws {DirtyTreeError} If uncommitted files are in the way.
 * @throws {SwitchError} If git cannot switch for another reason.
 * @throws {GitError} If git fails otherwise.
 */
export async function prepareBranch(
  task: Task,
  options: PrepareBranchOptions,
): Promise<PreparedBranch> {
  const { branchName, base: asked, signal } = options;
  const run = { cwd: task.root, signal };
  if (branchName) checkBranchName(branchName);
  if (asked !== undefined) checkBranchName(asked);
  // Lists single files, not folders: `tasks/` may be untracked and hold more than this task.
  const status = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all"];
  const { branch, head, entries } = parseGitStatus(await runGit(status, run));
  const current = branch ?? undefined;
  if (!branchName || current === branchName) {
    const base = current === undefined ? undefined : (await readBranchBases(run)).get(current);
    return { branch: current, action: "stayed", base, warnings: [] };
  }
  const notes = notesAmong(task, branchName, entries);
  const plan = await planSwitch(task, { branch: branchName, asked, current, head }, run);
  const tasksBefore = await taskNames(task);

  const committed = current === undefined ? [] : await commitAtHome(notes, task, current, run);
  const switching = { branch: branchName, from: current, args: plan.args, run };
  committed.push(...await switchBranch(task, switching));
  // The commit that was left: with the notes that were just committed, if there were any.
  const left = current === undefined ? head : await findCommit(`refs/heads/${current}`, run);
  if (left) await keepTaskFiles(task, left, run);
  const warnings = plan.warning === undefined ? [] : [plan.warning];
  if (plan.action === "created" && plan.base !== undefined) {
    // Another git may be writing the configuration: no reason to fail on a branch that is there.
    await recordBranchBase(branchName, plan.base, run).catch((error: unknown) => {
      if (!(error instanceof GitError)) throw error;
      warnings.push(error.message);
    });
  }

  const origin = current ?? "a detached HEAD";
  const carried = notes.filter((path) => !committed.includes(path));
  if (committed.length > 0) warnings.push(saidCommitted(committed, origin));
  if (carried.length > 0) warnings.push(`Carried ${nameFiles(carried)} along from ${origin}`);
  const tasksAfter = await taskNames(task);
  for (const name of tasksBefore.filter((each) => !tasksAfter.includes(each))) {
    warnings.push(`${branchName} does not have task "${name}", which ${origin} has`);
  }
  return { branch: branchName, action: plan.action, base: plan.base, warnings };
}

/** How to get to a branch. */
interface SwitchPlan {
  /** The arguments of `git switch`. */
  args: string[];
  action: "checked_out" | "created" | "tracked";
  base: string | undefined;
  warning: string | undefined;
}

async function planSwitch(
  task: Task,
  known: KnownBaseFacts,
  run: RunGitOptions,
): Promise<SwitchPlan> {
  const { branch, asked, current, head } = known;
  const refs = await findRefs(branch, run);
  if (refs.includes(`refs/heads/${branch}`)) {
    const base = (await readBranchBases(run)).get(branch);
    return { args: ["--no-guess", branch], action: "checked_out", base, warning: undefined };
  }
  const remote = refs.find((ref) => ref.startsWith("refs/remotes/"));
  if (remote !== undefined) {
    const args = ["--track", "--create", branch, remote];
    return { args, action: "tracked", base: undefined, warning: undefined };
  }
  // What follows is a commit, not a branch: git sets up no tracking then, whatever it is set to.
  const args = ["--create", branch];
  // In a repository without commits, git cannot start from the current branch.
  if (head === null && (asked === undefined || asked === current)) {
    return { args, action: "created", base: undefined, warning: undefined };
  }
  const { base = "HEAD", warning } = chooseBase(await gatherBaseFacts(task, known, run));
  const start = await findStart(base, run);
  if (start === undefined) {
    const reason = `there is no branch, tag or commit "${base}"`;
    throw new GitError(["rev-parse", "--verify", base], { exitCode: 1, reason });
  }
  return { args: [...args, start], action: "created", base, warning };
}

/**
 * Finds what ralph noted for other tasks among the files that differ.
 *
 * @throws {DirtyTreeError} If there is anything else outside of the task's own folder.
 */
function notesAmong(task: Task, branchName: string, entries: GitStatusEntry[]): string[] {
  const others = entries.map(({ path }) => path).filter((path) => !belongsTo(task, path));
  const files = others.filter((path) => noteOwner(path, task) === undefined);
  if (files.length === 0) return others;
  const reason = "the work tree has changes that are not committed";
  const hint = "commit them, or put them aside: git stash --include-untracked";
  throw new DirtyTreeError(branchName, { files, reason, hint });
}

/** Commits the notes of each task whose own branch is checked out. */
async function commitAtHome(
  notes: readonly string[],
  task: Task,
  current: string,
  run: RunGitOptions,
): Promise<string[]> {
  const committed: string[] = [];
  const byOwner = Map.groupBy(notes, (path) => noteOwner(path, task) ?? "");
  for (const [owner, paths] of byOwner) {
    if (await branchOfTask(join(task.root, "tasks", owner)) !== current) continue;
    if (await commitNotes(paths, task, run)) committed.push(...paths);
  }
  return committed;
}

async function taskNames({ root }: Task): Promise<string[]> {
  return (await listTasks(root)).filter(({ hasPrd }) => hasPrd).map(({ name }) => name);
}

import { checkBranchName } from "../../git/branch_name.ts";
import { isWithin, repositoryPath } from "../../git/git_snapshot.ts";
import { parseGitStatus } from "../../git/parse_git_status.ts";
import { GitError, runGit } from "../../git/run_git.ts";
import type { Task } from "../../task/task.ts";

/** Thrown if uncommitted files prevent switching to a branch. */
export class DirtyTreeError extends Error {
  /** The name of the class. */
  override name = "DirtyTreeError";
  /** The branch that was wanted. */
  readonly branchName: string;
  /** The uncommitted files, by their paths from the root. */
  readonly files: string[];
  /** How to fix it. */
  readonly hint: string;

  /** The message lists the first files. */
  constructor(
    branchName: string,
    details: { files: string[]; reason: string; hint: string; cause?: unknown },
  ) {
    const { files, reason, hint, cause } = details;
    const more = files.length - MOST_FILES_IN_MESSAGE;
    const named = files.slice(0, MOST_FILES_IN_MESSAGE).join(", ") +
      (more > 0 ? ` and ${more} more` : "");
    const message = `Cannot switch to branch "${branchName}": ${reason}: ${named}`;
    super(message, cause === undefined ? {} : { cause });
    this.branchName = branchName;
    this.files = files;
    this.hint = hint;
  }
}

const MOST_FILES_IN_MESSAGE = 5;

/** Options for {@linkcode prepareBranch}. */
interface PrepareBranchOptions {
  /** The branch to work on; `null` or nothing to stay on the current one. */
  branchName?: string | null | undefined;
  /** What a new branch starts from: a branch, a tag or a commit. @default {the current commit} */
  base?: string | undefined;
  /** Stops git, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** The result of {@linkcode prepareBranch}. */
interface PreparedBranch {
  /** The branch that is checked out; absent on a detached HEAD. */
  branch?: string | undefined;
  /** What was done: `tracked` is a new branch that follows one of a remote. */
  action: "stayed" | "checked_out" | "created" | "tracked";
}

/**
 * Makes sure that the branch of a task is checked out. If it already is, the work tree may have
 * changes. Otherwise the tree must be clean except for the task's own folder; the branch is then
 * checked out, created from a remote branch of the same name, or created from `base`. Uncommitted
 * files of the task are kept.
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
 * @param options The branch, and what it starts from.
 * @returns The branch and what was done.
 * @throws {InvalidBranchNameError} If the branch or the base cannot be a name in git.
 * @throws {DirtyTreeError} If uncommitted files are in the way.
 * @throws {GitError} If git fails.
 */
export async function prepareBranch(
  task: Task,
  options: PrepareBranchOptions,
): Promise<PreparedBranch> {
  const { branchName, base, signal } = options;
  const git = (...args: string[]) => runGit(args, { cwd: task.root, signal });
  if (branchName) checkBranchName(branchName);
  if (base !== undefined) checkBranchName(base);
  // Lists single files, not folders: `tasks/` may be untracked and hold more than this task.
  const output = await git("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all");
  const { branch, head, entries } = parseGitStatus(output);
  if (!branchName || branch === branchName) {
    return { branch: branch ?? undefined, action: "stayed" };
  }
  const files = entries.map((entry) => entry.path).filter((path) => !belongsTo(task, path));
  if (files.length > 0) {
    const reason = "the work tree has changes that are not committed";
    const hint = "commit them, or put them aside: git stash --include-untracked";
    throw new DirtyTreeError(branchName, { files, reason, hint });
  }

  // Ignored files are overwritten silently by default, and progress.txt may be one.
  const change = ["switch", "--quiet", "--no-overwrite-ignore"];
  const refs = await refsNamed(branchName, git);
  const remote = refs.find((ref) => ref.startsWith("refs/remotes/"));
  try {
    if (refs.includes(`refs/heads/${branchName}`)) {
      await git(...change, "--no-guess", branchName);
      return { branch: branchName, action: "checked_out" };
    }
    if (remote !== undefined) {
      await git(...change, "--track", "--create", branchName, remote);
      return { branch: branchName, action: "tracked" };
    }
    // In a repository without commits, git cannot start from the current branch.
    const start = base === undefined || (head === null && base === branch)
      ? []
      : [await startingPoint(base, git)];
    await git(...change, "--no-track", "--create", branchName, ...start);
    return { branch: branchName, action: "created" };
  } catch (error) {
    throw overwriteError(branchName, error) ?? error;
  }
}

type Git = (...args: string[]) => Promise<string>;

const TASK_FILE = /^(prd\.(json|md)|progress(-\d+)?\.txt|prompt\.md)$/;

function belongsTo(task: Task, path: string): boolean {
  const folder = repositoryPath(task.root, task.dir);
  // With prd.json at the root the folder is the whole repository.
  return folder === "" ? TASK_FILE.test(path) : isWithin(path, [folder]);
}

/** The local branch of a name and those of remotes, `origin` before others. */
async function refsNamed(name: string, git: Git): Promise<string[]> {
  const patterns = [`refs/heads/${name}`, `refs/remotes/*/${name}`];
  const output = await git("for-each-ref", "--format=%(refname)", ...patterns);
  return output.split("\n")
    // A pattern also matches names below it: `x` matches the branch `x/y`.
    .filter((ref) =>
      ref === patterns[0] || ref.replace(/^(refs\/remotes\/)[^/]+/, "$1*") === patterns[1]
    )
    .sort((a, b) => Number(isOrigin(b)) - Number(isOrigin(a)));
}

function isOrigin(ref: string): boolean {
  return ref.startsWith("refs/remotes/origin/");
}

async function startingPoint(base: string, git: Git): Promise<string> {
  const [remote] = (await refsNamed(base, git)).filter((ref) => ref.startsWith("refs/remotes/"));
  for (const name of [base, remote]) {
    if (name === undefined) continue;
    try {
      return (await git("rev-parse", "--verify", "--quiet", `${name}^{commit}`)).trim();
    } catch (error) {
      if (!(error instanceof GitError) || error.exitCode !== 1) throw error;
    }
  }
  const args = ["rev-parse", "--verify", base];
  throw new GitError(args, { exitCode: 1, reason: `there is no branch, tag or commit "${base}"` });
}

/** If git refused to overwrite files, it lists them, one per line, after a tab. */
function overwriteError(branchName: string, error: unknown): DirtyTreeError | undefined {
  if (!(error instanceof GitError) || !error.stderr.includes("would be overwritten")) return;
  const files = [...error.stderr.matchAll(/^\t(.+)$/gm)].map((match) => match[1] ?? "");
  if (files.length === 0) return;
  const reason = "files that are not committed differ from those of the branch";
  const hint = `commit them first: git add ${files.join(" ")} && git commit`;
  return new DirtyTreeError(branchName, { files, reason, hint, cause: error });
}

import { join } from "node:path";
import process from "node:process";
import { openRegularFile, UnreadableFileError } from "../../base/read_text_file.ts";
import { GitError, OLDEST_GIT, parseGitVersion, runGit } from "../../git/run_git.ts";
import type { Task } from "../../task/task.ts";
import { probeFolder, type ProbeFolderOptions } from "./probe_folder.ts";

/** A requirement of a run that is not met. */
export interface PreflightProblem {
  /** The requirement, such as `git`. */
  what: string;
  /** What was found, such as `version 2.17.1`. */
  found: string;
  /** What is needed, such as `2.23 or newer`. */
  wanted: string;
  /** What to do about it. */
  hint: string;
}

/** Thrown when a loop cannot begin because of {@linkcode PreflightProblem}s: exit code 5. */
export class PreflightError extends Error {
  /** The problems, at least one. */
  readonly problems: readonly PreflightProblem[];
  /** How to fix the first of them. */
  readonly hint: string;

  /** The message lists all problems; the hint is that of the first one. */
  constructor(task: string, problems: readonly PreflightProblem[]) {
    const words = problems.map(({ what, found, wanted }) =>
      `${what}: ${found}, expected ${wanted}`
    );
    super(`Cannot run ${task}: ${words.join("; ")}`);
    this.name = "PreflightError";
    this.problems = problems;
    this.hint = problems[0]?.hint ?? "ralph doctor";
  }
}

/** Options for {@linkcode preflight}. */
interface PreflightOptions extends FindFolderProblemOptions, Omit<FindGitProblemOptions, "root"> {
  /** The task. */
  task: Task;
  /** Further folders that must be writable, such as the state folder. @default {none} */
  folders?: readonly string[] | undefined;
}

const MEBIBYTE = 1_048_576;
const GIT_LIMIT_MS = 10_000;

/**
 * Checks whether a task can run here, before anything is changed: git is installed, new enough and
 * can read the repository; the folders are writable; the disk is not full; the files that go into a
 * prompt are files of the repository. Does not check the agents: `Agent.probe` does that.
 *
 * @example Usage
 * ```ts ignore
 * import { PreflightError, resolveTask } from "@ralph/cli";
 * import { preflight } from "./preflight.ts";
 *
 * const task = await resolveTask("my-feature");
 * const problems = await preflight({ task });
 * if (problems.length > 0) throw new PreflightError(task.name, problems);
 * ```
 *
 * @param options The task, and where to look.
 * @returns The problems; empty if there are none.
 */
export async function preflight(options: PreflightOptions): Promise<PreflightProblem[]> {
  const { task, folders = [], signal } = options;
  signal?.throwIfAborted();
  const problems = await Promise.all([
    findGitProblem({ ...options, root: task.root }),
    ...[...new Set([task.dir, ...folders])].map((dir) => findFolderProblem(dir, options)),
    ...filesOf(task).map((file) => findFileProblem(file, task.root)),
  ]);
  signal?.throwIfAborted();
  return problems.filter((problem) => problem !== undefined);
}

/** The files of the repository that a run reads besides prd.json and ralph.toml. */
function filesOf({ root, dir, progressFile }: Task): string[] {
  return [
    progressFile,
    join(dir, "prompt.md"),
    join(root, "ralph", "prompt.md"),
    ...new Set([root, dir].map((folder) => join(folder, "AGENTS.md"))),
  ];
}

async function findFileProblem(file: string, root: string): Promise<PreflightProblem | undefined> {
  try {
    await (await openRegularFile(file, { within: root })).close();
  } catch (error) {
    if (error instanceof UnreadableFileError) {
      const wanted = "a file of the repository";
      return { what: `File "${file}"`, found: error.reason, wanted, hint: `ls -l "${file}"` };
    }
    // Any other, such as a lack of permission, is reported where the file is read.
  }
  return undefined;
}

/** Options for {@linkcode findGitProblem}. */
interface FindGitProblemOptions {
  /** The root of the repository that git must be able to read. @default {none} */
  root?: string | undefined;
  /** The environment for running git. @default {process.env} */
  env?: Record<string, string | undefined> | undefined;
  /** Cancels the check, which then rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
}

/**
 * Checks whether git is installed, new enough, and can read a repository.
 *
 * @returns The problem; `undefined` if there is none.
 */
export async function findGitProblem(
  options: FindGitProblemOptions = {},
): Promise<PreflightProblem | undefined> {
  const { root, env = process.env, signal } = options;
  const limit = AbortSignal.timeout(GIT_LIMIT_MS);
  const run = {
    cwd: root ?? process.cwd(),
    env,
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  };
  const wanted = `git ${OLDEST_GIT} or newer`;
  try {
    const output = await runGit(["--version"], run);
    const git = parseGitVersion(output);
    if (!git?.supported) {
      const found = git === undefined ? `"${output.trim()}"` : `version ${git.version}`;
      return { what: "git", found, wanted, hint: "install a newer git: https://git-scm.com" };
    }
    if (root === undefined) return undefined;
    // Also fails in another user's repository, which git does not trust.
    await runGit(["rev-parse", "--show-toplevel"], run);
    return undefined;
  } catch (error) {
    signal?.throwIfAborted();
    if (limit.aborted) {
      const found = `no answer within ${GIT_LIMIT_MS / 1000} s`;
      return { what: "git", found, wanted, hint: "ralph doctor" };
    }
    if (!(error instanceof GitError)) throw error;
    if (error.args[0] === "--version") {
      const found = "it is not on PATH or does not start";
      return { what: "git", found, wanted, hint: "install git: https://git-scm.com" };
    }
    const found = error.message.replace(/^.*?": /, "");
    const hint = found.includes("dubious ownership")
      ? `git config --global --add safe.directory "${root}"`
      : `git -C "${root}" status`;
    return { what: `Repository "${root}"`, found, wanted: "one that git can read", hint };
  }
}

/** Options for {@linkcode findFolderProblem}. */
interface FindFolderProblemOptions extends ProbeFolderOptions {
  /** Bytes that must be free. @default {104_857_600} */
  minFreeBytes?: number | undefined;
}

/**
 * Checks whether a folder is writable, or can be created, and whether its disk has room.
 *
 * @returns The problem; `undefined` if there is none.
 */
export async function findFolderProblem(
  dir: string,
  options: FindFolderProblemOptions = {},
): Promise<PreflightProblem | undefined> {
  const { minFreeBytes = 100 * MEBIBYTE } = options;
  const what = `Folder "${dir}"`;
  const state = await probeFolder(dir, options);
  if (!state.writable) {
    const wanted = "a folder that ralph can write to";
    return { what, found: state.reason, wanted, hint: `look at its owner: ls -ld "${dir}"` };
  }
  if (state.freeBytes >= minFreeBytes) return undefined;
  return {
    what,
    found: `${Math.floor(state.freeBytes / MEBIBYTE)} MiB free on its disk`,
    wanted: `at least ${Math.ceil(minFreeBytes / MEBIBYTE)} MiB`,
    hint: "free some space; ralph clean deletes old sessions",
  };
}

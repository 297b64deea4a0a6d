import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { repositoryPath } from "../../git/git_snapshot.ts";
import { GitError, runGit, type RunGitOptions } from "../../git/run_git.ts";
import type { Task } from "../../task/task.ts";

const NOTE = /^(prd\.json|progress(-\d+)?\.txt)$/;

/**
 * Finds the task that a file belongs to which ralph itself writes: `prd.json`, `progress.txt` and
 * its older parts, below `tasks/` or in the folder of the task given.
 *
 * @param path The path of the file, from the root.
 * @returns The name of the task; `undefined` for every other file.
 */
export function noteOwner(path: string, task: Task): string | undefined {
  const at = path.lastIndexOf("/");
  const folder = path.slice(0, Math.max(0, at));
  if (!NOTE.test(path.slice(at + 1))) return undefined;
  if (folder === repositoryPath(task.root, task.dir)) return task.name;
  return /^tasks\/([^/]+)$/.exec(folder)?.[1];
}

/**
 * Commits what ralph noted, and nothing else, on the branch that is checked out. No hook runs.
 *
 * @param paths The files, by their paths from the root.
 * @returns Whether git did so: it does not where nobody has told it a name, for example. Nothing
 * has changed then.
 */
export async function commitNotes(
  paths: readonly string[],
  task: Task,
  options: RunGitOptions,
): Promise<boolean> {
  const literal = paths.map(literalPath);
  const owners = new Set(paths.map((path) => noteOwner(path, task)));
  const staged = await stagedPaths(options);
  try {
    await runGit(["add", "--", ...literal], options);
    const message = `chore(${[...owners].join(", ")}): what ralph noted`;
    await runGit([
      ...["commit", "--quiet", "--no-verify", "--no-gpg-sign", "--only"],
      ...["--message", message, "--", ...literal],
    ], options);
    return true;
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    const fresh = paths.filter((path) => !staged.has(path)).map(literalPath);
    if (fresh.length > 0) {
      await runGit(["reset", "--quiet", "--", ...fresh], options).catch(() => {});
    }
    return false;
  }
}

/** A path as git takes it where it expects a pattern: a star in it is a star. */
export function literalPath(path: string): string {
  return `:(literal)${path}`;
}

async function stagedPaths(options: RunGitOptions): Promise<Set<string>> {
  const output = await runGit(["diff", "--cached", "--name-only", "-z"], options);
  return new Set(output.split("\0"));
}

/**
 * Checks whether a `prd.json` differs from its last commit only in which stories pass. Anything
 * else is the work of a person.
 *
 * @param path Its path, from the root.
 */
export async function onlyMarksDiffer(path: string, options: RunGitOptions): Promise<boolean> {
  try {
    const [before, now] = await Promise.all([
      runGit(["show", `HEAD:${path}`], options),
      readFile(join(options.cwd, path), "utf8"),
    ]);
    return withoutMarks(before) === withoutMarks(now);
  } catch (error) {
    if (error instanceof GitError || error instanceof SyntaxError) return false;
    throw error;
  }
}

function withoutMarks(json: string): string {
  const plain: unknown = JSON.parse(json.replace(/^\uFEFF/, ""));
  return JSON.stringify(plain, (key, value: unknown) => key === "passes" ? undefined : value);
}

import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { isNotFound } from "../../base/error_code.ts";
import { isWithin, repositoryPath } from "../../git/git_snapshot.ts";
import { runGit, type RunGitOptions } from "../../git/run_git.ts";
import type { Task } from "../../task/task.ts";
import { literalPath, noteOwner } from "./task_notes.ts";

const TASK_FILE = /^(prd\.(json|md)|progress(-\d+)?\.txt|prompt\.md)$/;

/** Whether a path is in the folder of a task, or is one of its files at the root. */
export function belongsTo(task: Task, path: string): boolean {
  const folder = repositoryPath(task.root, task.dir);
  // With prd.json at the root the folder is the whole repository.
  return folder === "" ? TASK_FILE.test(path) : isWithin(path, [folder]);
}

/**
 * Brings the files of a task along to a branch that does not have them: all of them if it has no
 * such folder, else those that ralph writes. They are not committed there.
 *
 * @param from The commit that was left, which has them.
 * @returns The files, by their paths from the root.
 */
export async function keepTaskFiles(
  task: Task,
  from: string,
  options: RunGitOptions,
): Promise<string[]> {
  const [before, here] = await Promise.all([
    filesIn(task, from, options),
    filesIn(task, "HEAD", options),
  ]);
  const wanted = here.length === 0 ? before : before.filter((path) => noteOwner(path, task));
  const missing: string[] = [];
  for (const path of wanted) {
    if (!here.includes(path) && !await exists(join(task.root, path))) missing.push(path);
  }
  if (missing.length > 0) {
    const restore = ["restore", `--source=${from}`, "--worktree", "--"];
    await runGit([...restore, ...missing.map(literalPath)], options);
  }
  return missing;
}

async function filesIn(task: Task, commit: string, options: RunGitOptions): Promise<string[]> {
  const folder = repositoryPath(task.root, task.dir);
  const list = ["ls-tree", "-z", "--name-only", "--full-tree"];
  const where = folder === "" ? [commit] : ["-r", commit, "--", folder];
  const output = await runGit([...list, ...where], options);
  return output.split("\0").filter((path) => path !== "" && belongsTo(task, path));
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

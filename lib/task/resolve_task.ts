import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { isNotFound } from "../base/error_code.ts";
import { findGitRoot } from "../git/find_git_root.ts";
import { ARCHIVE_NAME, listTasks } from "./list_tasks.ts";
import { nearestName } from "../base/nearest_name.ts";
import { shellWord } from "../base/shell_word.ts";
import type { Task } from "./task.ts";
import { InvalidTaskNameError, parseTaskName } from "./task_name.ts";

/** Details of a {@linkcode TaskNotFoundError}. */
export interface TaskNotFoundDetails {
  /** The name as it was given. */
  given: string;
  /** The root of the repository. */
  root: string;
  /** Why it was not found. */
  reason: string;
  /** The existing tasks. */
  tasks: string[];
  /** The command that creates the missing `prd.json`, if there is one. */
  command?: string | undefined;
}

/** Thrown if there is no such task, or its folder has no `prd.json`. */
export class TaskNotFoundError extends Error {
  /** The name of the class. */
  override name = "TaskNotFoundError";
  /** The name as it was given. */
  readonly given: string;
  /** The root of the repository. */
  readonly root: string;
  /** The existing tasks. */
  readonly tasks: string[];
  /** The task that was probably meant. */
  readonly nearest?: string | undefined;
  /** How to fix it. */
  readonly hint?: string | undefined;

  /** The hint suggests the nearest task, or how to create it. */
  constructor(details: TaskNotFoundDetails) {
    super(`Cannot find task "${details.given}": ${details.reason}`);
    this.given = details.given;
    this.root = details.root;
    this.tasks = details.tasks;
    const nearest = nearestName(basename(details.given), details.tasks);
    if (nearest !== undefined) this.nearest = nearest;
    const hint = details.command ?? hintFor(details.tasks, nearest);
    if (hint !== undefined) this.hint = hint;
  }
}

const MOST_TASKS_IN_HINT = 12;

function hintFor(tasks: string[], nearest: string | undefined): string | undefined {
  if (tasks.length === 0) return undefined;
  const more = tasks.length - MOST_TASKS_IN_HINT;
  const here = `Tasks here: ${tasks.slice(0, MOST_TASKS_IN_HINT).join(", ")}` +
    (more > 0 ? ` and ${more} more` : "");
  return nearest === undefined ? here : `did you mean ${nearest}? ${here}`;
}

/** Options for {@linkcode resolveTask}. */
export interface ResolveTaskOptions {
  /** Where to look from. @default {process.cwd()} */
  cwd?: string | undefined;
}

/**
 * Finds a task by its name or path.
 *
 * A bare name is looked up as `tasks/<name>` at the root of the git repository, from any of its
 * subfolders; a folder of that name in the current folder does not matter. A path names the folder
 * or its `prd.json`; one such as `tasks/x` may also be relative to the root. Archived tasks are
 * found by path only.
 *
 * @example Usage
 * ```ts
 * import { resolveTask } from "@ralph/cli";
 * import { runGit } from "../git/run_git.ts";
 * import { assertEquals } from "@std/assert";
 * import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
 *
 * const root = await mkdtemp("example-");
 * await runGit(["init", "-q"], { cwd: root });
 * await mkdir(`${root}/tasks/my-feature`, { recursive: true });
 * await writeFile(`${root}/tasks/my-feature/prd.json`, "[]");
 *
 * const task = await resolveTask("my-feature", { cwd: root });
 * assertEquals(task.name, "my-feature");
 * await rm(root, { recursive: true });
 * ```
 *
 * @param nameOrPath The task's name, such as `my-feature`, or a path.
 * @returns The task, with absolute paths.
 * @throws {InvalidTaskNameError} If it is neither a valid name nor a path.
 * @throws {TaskNotFoundError} If there is no such folder, or it has no `prd.json`.
 * @throws {NotARepositoryError} If it is not in a git repository.
 */
export async function resolveTask(
  nameOrPath: string,
  options: ResolveTaskOptions = {},
): Promise<Task> {
  const cwd = options.cwd ?? process.cwd();
  const reference = parseTaskName(nameOrPath);
  if (reference.kind === "name") {
    const root = await findGitRoot(cwd);
    const dir = join(root, "tasks", reference.name);
    if (reference.name === ARCHIVE_NAME) {
      const reason = `tasks/${ARCHIVE_NAME} is the folder of archived tasks`;
      throw await notFound(nameOrPath, { root, reason });
    }
    return await taskAt(dir, { given: nameOrPath, root });
  }
  const from = resolve(cwd, reference.path);
  if ((await kindOf(from)) !== undefined) return await taskAt(from, { given: nameOrPath });
  const root = await findGitRoot(cwd);
  if (!reference.explicit) {
    const fromRoot = join(root, reference.path);
    if ((await kindOf(fromRoot)) !== undefined) {
      return await taskAt(fromRoot, { given: nameOrPath, root });
    }
    if (!/^tasks[/\\]|[/\\]prd\.json$/.test(reference.path)) {
      throw new InvalidTaskNameError(
        nameOrPath,
        "it contains a slash, and there is no such folder",
      );
    }
  }
  // If `prd.json` is missing, the error of its folder explains it better.
  if (basename(from) === "prd.json") {
    return await taskAt(dirname(from), { given: nameOrPath, root });
  }
  const reason = `there is no folder ${reference.path}`;
  throw await notFound(nameOrPath, { root, reason });
}

/** The task of a folder or of a `prd.json`; throws an error that explains why it is not a task. */
async function taskAt(at: string, options: { given: string; root?: string }): Promise<Task> {
  const { given } = options;
  const kind = await kindOf(at);
  const isPrd = kind === "file" && basename(at) === "prd.json";
  const named = isPrd ? dirname(at) : at;
  const root = options.root ?? (await findGitRoot(kind === "file" ? dirname(at) : at));
  const shown = relative(root, named) || ".";
  if (kind === undefined) {
    throw await notFound(given, { root, reason: `there is no folder ${shown} in ${root}` });
  }
  if (kind === "file" && !isPrd) {
    throw await notFound(given, { root, reason: `${shown} is a file, not a folder` });
  }
  // One task has one path, however it was named: locks and sockets depend on it.
  const dir = await realpath(named);
  const task: Task = {
    name: basename(given === "." ? dir : named),
    dir,
    root,
    prdFile: join(dir, "prd.json"),
    progressFile: join(dir, "progress.txt"),
  };
  if (isPrd || (await kindOf(task.prdFile)) === "file") return task;
  const hasMarkdown = (await kindOf(join(dir, "prd.md"))) === "file";
  throw await notFound(given, {
    root,
    reason: `the folder ${shown} has no prd.json` + (hasMarkdown ? ", only a prd.md" : ""),
    command: hasMarkdown ? `ralph convert ${shellWord(given)}` : undefined,
  });
}

async function notFound(
  given: string,
  details: { root: string; reason: string; command?: string | undefined },
): Promise<TaskNotFoundError> {
  const tasks = (await listTasks(details.root)).map((task) => task.name);
  return new TaskNotFoundError({ given, tasks, ...details });
}

async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Thrown when a task is locked by a running session. */
export class TaskLockedError extends Error {
  /** The task folder. */
  readonly taskDir: string;

  /** The message names the folder. */
  constructor(taskDir: string) {
    super(`Cannot lock "${taskDir}": a session runs there`);
    this.name = "TaskLockedError";
    this.taskDir = taskDir;
  }
}

/** Options for {@linkcode lockTask}. */
export interface LockTaskOptions {
  /** Ralph's state folder, which contains the lock files. */
  stateDir: string;
}

/**
 * Locks a task folder for this process, until the lock is disposed of or the process ends for any
 * reason.
 *
 * The lock is an open transaction on an empty database, as Node and Deno share no API for file
 * locks. SQLite uses a lock of the operating system, which ends with its process and is not
 * inherited by children.
 *
 * @example Usage
 * ```ts
 * import { lockTask } from "./lock.ts";
 * import { mkdtemp, rm } from "node:fs/promises";
 *
 * const stateDir = await mkdtemp("/tmp/example-");
 * {
 *   using _lock = lockTask("/home/me/app/tasks/my-feature", { stateDir });
 * }
 * await rm(stateDir, { recursive: true });
 * ```
 *
 * @param taskDir The task folder, an absolute path without symbolic links.
 * @param options Where the lock files are.
 * @throws {TaskLockedError} If another process holds the lock.
 */
export function lockTask(taskDir: string, options: LockTaskOptions): Disposable {
  const folder = join(options.stateDir, "locks");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = createHash("sha256").update(taskDir).digest("hex").slice(0, 16);
  const lock = lockFile(join(folder, `${name}.lock`));
  if (lock === undefined) throw new TaskLockedError(taskDir);
  return lock;
}

/**
 * Locks a file for this process, as {@linkcode lockTask} does; the file is created if it is missing
 * and is never removed, so that all who want the lock mean the same file.
 *
 * @returns The lock; `undefined` if another process holds it.
 */
export function lockFile(path: string): Disposable | undefined {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return { [Symbol.dispose]: () => db.close() };
}

/** SQLITE_BUSY: another connection holds the lock. */
const BUSY = 5;

/**
 * Whether SQLite failed because another connection holds a lock.
 *
 * @returns Whether a retry may help.
 */
export function isBusy(error: unknown): boolean {
  const { errcode, code, message } = error as {
    errcode?: unknown | undefined;
    code?: unknown | undefined;
    message?: unknown | undefined;
  };
  // Deno 2.9 has no errcode, only SQLite's message.
  return errcode === BUSY || (code === "ERR_SQLITE_ERROR" && message === "database is locked");
}

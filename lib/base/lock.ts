import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Thrown when a task is locked by a session that runs. */
export class TaskLockedError extends Error {
  /** The task folder. */
  readonly taskDir: string;

  /**
   * Makes the error.
   *
   * @param taskDir The task folder, an absolute path.
   */
  constructor(taskDir: string) {
    super(`Cannot lock "${taskDir}": a session runs there`);
    this.name = "TaskLockedError";
    this.taskDir = taskDir;
  }
}

/** Options for {@linkcode lockTask}. */
export interface LockTaskOptions {
  /** The folder of ralph's state, in which the lock files are. */
  stateDir: string;
}

/**
 * Locks a task folder for this process, until it is disposed of or the process is
 * gone, however it ends.
 *
 * The lock is an open transaction on an empty database, as neither Node nor Deno has
 * a file lock that they share: SQLite's is one of the operating system's, which dies
 * with its owner and is not handed on to children.
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
 * @returns The lock.
 * @throws {TaskLockedError} If another process has it.
 */
export function lockTask(taskDir: string, options: LockTaskOptions): Disposable {
  const folder = join(options.stateDir, "locks");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = createHash("sha256").update(taskDir).digest("hex").slice(0, 16);
  const db = new DatabaseSync(join(folder, `${name}.lock`), { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (isBusy(error)) throw new TaskLockedError(taskDir);
    throw error;
  }
  return { [Symbol.dispose]: () => db.close() };
}

/** SQLITE_BUSY: another connection has the lock. */
const BUSY = 5;

/**
 * Says whether SQLite failed because another connection has a lock.
 *
 * @param error What was thrown.
 * @returns Whether trying again may help.
 */
export function isBusy(error: unknown): boolean {
  const { errcode, code, message } = error as {
    errcode?: unknown;
    code?: unknown;
    message?: unknown;
  };
  // Deno 2.9 gives no errcode, only SQLite's words.
  return errcode === BUSY || (code === "ERR_SQLITE_ERROR" && message === "database is locked");
}

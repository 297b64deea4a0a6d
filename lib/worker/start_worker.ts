import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { RUN_VARIABLE } from "../base/end_processes.ts";
import { EVENTS_FILE } from "../session/log/session_log.ts";
import { SESSION_VARIABLE } from "./recover_sessions.ts";

/** The file in the folder of a session with the output of its worker. */
const WORKER_LOG = "worker.log";

/** Thrown when a worker ended before its loop started; the message is the worker's own. */
export class WorkerStartError extends Error {
  /** The worker's exit code. */
  readonly exitCode: number;

  /** `output` is all that the worker printed; it becomes the message. */
  constructor(output: string, exitCode: number) {
    super(output);
    this.name = "WorkerStartError";
    this.exitCode = exitCode;
  }
}

/** Options for {@linkcode startWorker}. */
export interface StartWorkerOptions {
  /** The id of the session, a ULID. */
  id: string;
  /** The folder of the session. */
  dir: string;
  /** The folder to start it in. */
  cwd: string;
  /** Its environment. */
  env: Record<string, string | undefined>;
  /** What it reads from stdin: the place for what other users must not see. @default {""} */
  input?: string | undefined;
}

/** How often to look for the worker's first event, in milliseconds. */
const POLL_MS = 15;

/**
 * Starts a worker as a process in its own process session, which survives a closed terminal and the
 * end of this process, and waits until its loop has started.
 *
 * @example Usage
 * ```ts ignore
 * import { startWorker } from "./start_worker.ts";
 *
 * const pid = await startWorker(["node", "my_worker.js", id], { id, dir, cwd, env: process.env });
 * console.log(`It runs on its own as ${pid}`);
 * ```
 *
 * @param command The program and its arguments.
 * @returns The worker's pid.
 * @throws {WorkerStartError} If it ended before its loop started.
 */
export async function startWorker(
  command: readonly string[],
  options: StartWorkerOptions,
): Promise<number> {
  const { dir, cwd, env, input = "" } = options;
  const [program = "", ...args] = command;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const log = await open(join(dir, WORKER_LOG), "a", 0o600);
  try {
    // A worker that an agent starts must not count as a part of that agent.
    const { [SESSION_VARIABLE]: _session, [RUN_VARIABLE]: _run, ...own } = env;
    const child = spawn(program, args, {
      cwd,
      env: own,
      detached: true,
      stdio: ["pipe", log.fd, log.fd],
    });
    // One that ends at once reads nothing; its exit says why.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
    const exit = exitOf(child);
    const events = join(dir, EVENTS_FILE);
    for (;;) {
      const ended = await Promise.race([exit, delay(POLL_MS)]);
      // A loop that is already over has started all the same.
      if ((await sizeOf(events)) > 0) {
        child.unref();
        return child.pid ?? 0;
      }
      if (ended === undefined) continue;
      const output = await readFile(join(dir, WORKER_LOG), "utf8");
      // No session came of it: what it said is in the error.
      await rm(dir, { recursive: true, force: true });
      throw new WorkerStartError(ended.message ?? output.trim(), ended.code);
    }
  } finally {
    await log.close();
  }
}

function exitOf(child: ChildProcess): Promise<{ code: number; message?: string }> {
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: 1, message: `error: ${error.message}` }));
    child.on("exit", (code) => resolve({ code: code ?? 1 }));
  });
}

async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(({ size }) => size, () => 0);
}

import { spawn } from "node:child_process";
import { Buffer } from "node:buffer";
import { endAgentProcesses } from "../base/end_processes.ts";

/** Options for {@linkcode runCheck}. */
interface RunCheckOptions {
  /** The folder to run it in: an absolute path. */
  cwd: string;
  /** Its whole environment. */
  env: Record<string, string>;
  /** Time at most, in milliseconds. @default {1_800_000} */
  timeoutMs?: number | undefined;
  /** Stops it early; the promise then rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
}

/** The result of a check. */
interface CheckResult {
  /** Whether it exited with 0. */
  ok: boolean;
  /** Why it failed, in one line; empty if it did not. */
  reason: string;
  /** At most the last 40 lines of its output. */
  outputTail: string[];
  /** How long it took, in milliseconds. */
  durationMs: number;
}

/** Bytes of output that are kept, from the end. */
const TAIL_BYTES = 16_384;
const TAIL_LINES = 40;

/**
 * Runs a check, which is a shell command line, and returns whether it succeeds.
 *
 * The check runs in its own process group, which is ended afterwards.
 *
 * @param command The command line, as for `sh -c`.
 * @returns Whether it exited with 0, and the end of what it printed.
 */
export async function runCheck(command: string, options: RunCheckOptions): Promise<CheckResult> {
  const { cwd, env, timeoutMs = 1_800_000, signal } = options;
  signal?.throwIfAborted();
  const startedAt = performance.now();
  const child = spawn("sh", ["-c", command], {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let tail = Buffer.alloc(0);
  const keep = (chunk: Uint8Array): void => {
    tail = Buffer.concat([tail, chunk]);
    if (tail.length > TAIL_BYTES) tail = tail.subarray(tail.length - TAIL_BYTES);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  let ended: string | undefined;
  let ending: Promise<unknown> | undefined;
  const endAll = (): Promise<unknown> =>
    ending ??= child.pid === undefined
      ? Promise.resolve()
      : endAgentProcesses(child.pid, { env, thorough: true });
  const end = (why: string): void => {
    ended ??= why;
    void endAll();
  };
  const onAbort = (): void => end("was stopped");
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => end(`took longer than ${timeoutMs / 1_000} s`), timeoutMs);
  try {
    const status = await new Promise<string>((resolve) => {
      child.on("error", (error) => resolve(`cannot start: ${error.message}`));
      child.on("exit", (code, by) => {
        resolve(code === 0 ? "" : code === null ? `was ended by ${by}` : `exit code ${code}`);
      });
    });
    await endAll();
    await drained(child.stdout, child.stderr);
    signal?.throwIfAborted();
    const reason = ended ?? status;
    const lines = tail.toString("utf8").split(/\r?\n/);
    while (lines.at(-1)?.trim() === "") lines.pop();
    return {
      ok: reason === "",
      reason,
      outputTail: lines.slice(-TAIL_LINES),
      durationMs: performance.now() - startedAt,
    };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

/**
 * The whole group has ended, so its pipes close, unless a daemon left the group and holds them
 * open.
 */
async function drained(...streams: NodeJS.ReadableStream[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const closed = Promise.all(streams.map((stream) =>
    new Promise<void>((resolve) => {
      if ((stream as { readableEnded?: boolean }).readableEnded === true) return resolve();
      stream.once("end", () => resolve());
      stream.once("close", () => resolve());
    })
  ));
  const patience = new Promise<void>((resolve) => timer = setTimeout(resolve, 500));
  await Promise.race([closed, patience]);
  clearTimeout(timer);
}

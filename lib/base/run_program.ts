import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { drainStreams } from "./drain_streams.ts";
import { endProcessGroup } from "./end_processes.ts";

/** Options for {@linkcode runProgram}. */
export interface RunProgramOptions {
  /** The folder to run it in: an absolute path. */
  cwd: string;
  /** Its whole environment. */
  env: Record<string, string>;
  /** Maximum time in milliseconds; 0 for no limit. */
  timeoutMs: number;
  /** Its input on stdin. @default {""} */
  stdin?: string | undefined;
  /** How long its process group may take to end after SIGTERM, in milliseconds. @default {2000} */
  graceMs?: number | undefined;
  /** Stops it early; the promise then rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
}

/** How a program ended, and what it wrote. */
export interface ProgramResult {
  /** Why it failed, such as `exit code 3`; empty if it exited with 0. */
  reason: string;
  /** The first 64 KiB of its stdout. */
  stdout: string;
  /** The first 64 KiB of its stderr. */
  stderr: string;
}

const MOST_OUTPUT_BYTES = 64 * 1024;

/**
 * Runs a short-lived program and returns its output.
 *
 * It runs in its own session, so that it cannot prompt on the terminal, and in its own process
 * group, which is ended afterwards.
 *
 * @example Usage
 * ```ts
 * import { runProgram } from "./run_program.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const options = { cwd: "/", env: { PATH: "/usr/bin:/bin" }, timeoutMs: 10_000 };
 * const result = await runProgram(["cat"], { ...options, stdin: "hello" });
 * assertEquals(result, { reason: "", stdout: "hello", stderr: "" });
 * ```
 *
 * @param command The program and its arguments; a path is relative to `cwd`.
 * @returns How it ended; a program that fails or is missing does not throw.
 */
export async function runProgram(
  command: readonly string[],
  options: RunProgramOptions,
): Promise<ProgramResult> {
  const { cwd, env, timeoutMs, stdin = "", graceMs = 2000, signal } = options;
  signal?.throwIfAborted();
  const [name = "", ...args] = command;
  const program = name.includes("/") ? resolve(cwd, name) : name;
  const child = spawn(program, args, { cwd, env, detached: true, stdio: "pipe" });
  // A program may close its stdin without reading it, which breaks the pipe.
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);

  let late = false;
  let ended: Promise<boolean> | undefined;
  const end = (): Promise<boolean> | undefined =>
    child.pid === undefined ? undefined : ended ??= endProcessGroup(child.pid, { graceMs });
  const onAbort = (): void => void end();
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer = timeoutMs === 0 ? undefined : setTimeout(() => {
    late = true;
    void end();
  }, timeoutMs);
  const output = { stdout: "", stderr: "" };
  const exited = exitOf(child);
  try {
    await drainStreams([child.stdout, child.stderr], {
      exited,
      blocked: () => false,
      read: [
        async (chunks) => void (output.stdout = await firstBytes(chunks)),
        async (chunks) => void (output.stderr = await firstBytes(chunks)),
      ],
    });
    const reason = await exited;
    await end();
    signal?.throwIfAborted();
    return { reason: late ? `took longer than ${timeoutMs / 1000} s` : reason, ...output };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    child.stdin.destroy();
  }
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      const why = code === "ENOENT" ? "there is no such program" : message;
      resolve(`cannot start: ${why}`);
    });
    child.on("exit", (code, by) => {
      resolve(code === 0 ? "" : code === null ? `was ended by ${by}` : `exit code ${code}`);
    });
  });
}

async function firstBytes(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let left = MOST_OUTPUT_BYTES;
  // Excess output is read and dropped: a full pipe would block the program.
  for await (const chunk of chunks) {
    if (left > 0) text += decoder.decode(chunk.subarray(0, left), { stream: true });
    left -= chunk.length;
  }
  return text + decoder.decode();
}

import { execFile } from "node:child_process";
import process from "node:process";
import { errorCode } from "../base/error_code.ts";

/** Thrown if git fails, or cannot be started. */
export class GitError extends Error {
  /** The name of the class. */
  override name = "GitError";
  /** The arguments of git. */
  readonly args: string[];
  /** Its exit code; `null` if it was not started or a signal ended it. */
  readonly exitCode: number | null;
  /** Everything that it wrote to stderr. */
  readonly stderr: string;

  /** Without a `reason`, the message has the first line of stderr. */
  constructor(
    args: readonly string[],
    details: { exitCode: number | null; stderr?: string; reason?: string; cause?: unknown },
  ) {
    const { exitCode, stderr = "", cause } = details;
    const said = stderr.split("\n").find((line) => line.trim() !== "")?.trim();
    const reason = details.reason ?? said ?? `exit code ${exitCode}`;
    super(`Cannot run "git ${args.join(" ")}": ${reason}`, cause === undefined ? {} : { cause });
    this.args = [...args];
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** Options for {@linkcode runGit}. */
export interface RunGitOptions {
  /** The folder to run it in. */
  cwd: string;
  /** Stops git, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Environment to add to that of this process. */
  env?: Record<string, string>;
}

/** More than the status of a work tree with a million files. */
const MOST_OUTPUT_BYTES = 256 * 1024 * 1024;

/**
 * Runs git and returns its output: without prompts, editor or pager, in English, and without
 * optional locks.
 *
 * @example Usage
 * ```ts
 * import { runGit } from "./run_git.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const version = await runGit(["--version"], { cwd: "." });
 * assertEquals(version.startsWith("git version"), true);
 * ```
 *
 * @param args The arguments, one each: nothing is split or expanded.
 * @param options Where to run it, and a signal that stops it.
 * @returns What it wrote to stdout.
 * @throws {GitError} If it fails or is not installed.
 */
export function runGit(args: readonly string[], options: RunGitOptions): Promise<string> {
  const { cwd, signal } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(
    "git",
    [...args],
    {
      cwd,
      env: gitEnvironment(options.env),
      maxBuffer: MOST_OUTPUT_BYTES,
      windowsHide: true,
      ...(signal && { signal }),
    },
    (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (signal?.aborted) return reject(signal.reason);
      const exitCode = typeof error.code === "number" ? error.code : null;
      reject(new GitError(args, { exitCode, stderr, cause: error, ...reasonOf(error, cwd) }));
    },
  );
  child.stdin?.end();
  return promise;
}

function reasonOf(
  error: Error & { signal?: string | undefined },
  cwd: string,
): { reason?: string } {
  const code = errorCode(error);
  if (code === "ENOENT") return { reason: `git is not on PATH, or there is no folder "${cwd}"` };
  if (code !== undefined) return { reason: error.message };
  return error.signal ? { reason: `${error.signal} ended it` } : {};
}

function gitEnvironment(more: Record<string, string> = {}): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = {
    ...process.env,
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_EDITOR: "true",
    GIT_PAGER: "cat",
  };
  // A git hook sets these variables, and they would take precedence over `cwd`.
  for (const name of ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"]) delete env[name];
  return { ...env, ...more };
}

/** The oldest supported git: the first with `git switch`. */
export const OLDEST_GIT = "2.23";

/**
 * Reads what `git --version` prints.
 *
 * @example Usage
 * ```ts
 * import { parseGitVersion } from "./run_git.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const version = parseGitVersion("git version 2.17.1 (Apple Git-112)\n");
 * assertEquals(version, { version: "2.17.1", supported: false });
 * ```
 *
 * @returns The version, and whether it is at least {@linkcode OLDEST_GIT}; `undefined` if it is not
 * git's output.
 */
export function parseGitVersion(
  output: string,
): { version: string; supported: boolean } | undefined {
  const version = /^git version (\d+(?:\.\d+)+)/.exec(output)?.[1];
  if (version === undefined) return undefined;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_GIT.split(".").map(Number);
  const supported = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  return { version, supported };
}

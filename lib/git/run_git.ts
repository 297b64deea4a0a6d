import { execFile } from "node:child_process";
import process from "node:process";
import { errorCode, errorMessage } from "../base/error_code.ts";
import { gitEnvironment } from "./git_environment.ts";
import { ALWAYS_NEUTRAL, neutralConfig, type NeutralConfigOptions } from "./neutral_config.ts";

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
  /** The environment of which git gets what it needs. @default {process.env} */
  env?: Record<string, string | undefined> | undefined;
}

/** More than the status of a work tree with a million files. */
const MOST_OUTPUT_BYTES = 256 * 1024 * 1024;

/** Commands that touch no content of files: no driver of the repository can run in them. */
const WITHOUT_CONTENT = new Set(
  ["--version", "config", "for-each-ref", "init", "ls-tree", "rev-list", "rev-parse", "var"],
);

/**
 * Runs git and returns its output: without prompts, editor or pager, in English, and without
 * optional locks.
 *
 * No program runs that the repository names: an agent can write hooks and `.git/config`, where
 * settings such as `core.fsmonitor` or `filter.x.clean` are commands, and they would run with what
 * ralph may do. The user's own settings hold, such as those of Git LFS. The environment has what
 * git needs, and no password or key.
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
export async function runGit(args: readonly string[], options: RunGitOptions): Promise<string> {
  const { cwd, signal } = options;
  signal?.throwIfAborted();
  const at = commandIndex(args);
  const command = args[at] ?? "";
  const env = gitEnvironment(options.env ?? process.env, { command });
  const neutral = WITHOUT_CONTENT.has(command) ? [] : await findNeutral(args, { cwd, env, signal });
  // Asking for the version reads no settings.
  const always = command === "--version" ? [] : ALWAYS_NEUTRAL;
  const safe = [...always, ...neutral, ...args.slice(0, at), ...quiet(args.slice(at))];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(
    "git",
    safe,
    { cwd, env, maxBuffer: MOST_OUTPUT_BYTES, windowsHide: true, signal },
    (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (signal?.aborted) return reject(signal.reason);
      const exitCode = typeof error.code === "number" ? error.code : null;
      reject(new GitError(args, { exitCode, stderr, cause: error, ...reasonOf(error, cwd) }));
    },
  );
  child.stdin?.end();
  return await promise;
}

/** Where the command is: after the settings of `-c`. */
function commandIndex(args: readonly string[]): number {
  let at = 0;
  while (args[at] === "-c") at += 2;
  return at;
}

/** Adds the options with which a command runs no program of its own. */
function quiet([command = "", ...rest]: readonly string[]): string[] {
  if (command === "diff") return [command, "--no-ext-diff", "--no-textconv", ...rest];
  // Git in a submodule would read the settings of the submodule.
  if (command === "status") return [command, "--ignore-submodules=dirty", ...rest];
  return command === "" ? [] : [command, ...rest];
}

async function findNeutral(
  args: readonly string[],
  options: NeutralConfigOptions,
): Promise<string[]> {
  try {
    return await neutralConfig(options);
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw new GitError(args, { exitCode: null, reason: errorMessage(cause), cause });
  }
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

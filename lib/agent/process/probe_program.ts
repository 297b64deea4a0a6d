import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { AgentAvailability, AgentProbeOptions } from "../agent.ts";
import { findProgram } from "../../base/find_program.ts";

/** Options for {@linkcode probeProgram}. */
export interface ProbeProgramOptions extends AgentProbeOptions {
  /** Arguments that make it print its version. @default {["--version"]} */
  versionArgs?: string[] | undefined;
  /** What to do if it is not installed. */
  hint?: string | undefined;
}

const VERSION_LIMIT_MS = 5000;

/**
 * Checks whether a program is installed, and if its version is requested, whether it starts.
 *
 * @example Usage
 * ```ts
 * import { probeProgram } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const found = await probeProgram("no-such-program", { env: { PATH: "/bin" } });
 * assertEquals(found, { available: false, reason: '"no-such-program" is not on PATH' });
 * ```
 *
 * @returns Its path, or why it cannot be used.
 */
export async function probeProgram(
  program: string,
  options: ProbeProgramOptions,
): Promise<AgentAvailability> {
  const { env, signal, hint, versionArgs = ["--version"] } = options;
  signal?.throwIfAborted();
  const path = await findProgram(program, { env });
  if (path === undefined) {
    const reason = program.includes("/")
      ? `"${program}" is not an executable file`
      : `"${program}" is not on PATH`;
    return unavailable(reason, hint);
  }
  if (!options.version) return { available: true, path };
  try {
    const { stdout } = await promisify(execFile)(path, versionArgs, {
      env,
      timeout: VERSION_LIMIT_MS,
      killSignal: "SIGKILL",
      signal,
    });
    const version = /\d+\.\d+[^\s)]*/.exec(stdout)?.[0];
    return version === undefined ? { available: true, path } : { available: true, path, version };
  } catch (error) {
    signal?.throwIfAborted();
    const { killed, code, stderr = "" } = error as {
      killed?: boolean | undefined;
      code?: unknown | undefined;
      stderr?: string | undefined;
    };
    const [line] = stderr.split("\n").map((each) => each.trim()).filter((each) => each !== "");
    const why = killed
      ? `no answer within ${VERSION_LIMIT_MS / 1000} s`
      : line ?? (typeof code === "number" ? `exit code ${code}` : String(code));
    const reason = `"${[path, ...versionArgs].join(" ")}" fails: ${why}`;
    return { ...unavailable(reason, hint), path };
  }
}

/** Callers print what is there, so that there is no field for a hint that nobody gave. */
function unavailable(reason: string, hint: string | undefined): AgentAvailability {
  return hint === undefined ? { available: false, reason } : { available: false, reason, hint };
}

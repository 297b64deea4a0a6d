import { stat } from "node:fs/promises";
import { findProgram } from "../../base/find_program.ts";

/**
 * Explains why a program could not be started.
 *
 * @param command The program and its arguments.
 * @param options The working folder, and the error.
 * @returns The explanation, in one line.
 */
export async function launchMessage(
  command: readonly string[],
  { cwd, error }: { cwd: string; error: unknown },
): Promise<string> {
  const [program = ""] = command;
  const { code, message } = error as NodeJS.ErrnoException;
  const why = (words: string) => `Cannot start "${program}": ${words}`;
  // A missing working folder has the same code as a missing program.
  const folder = await stat(cwd).catch(() => undefined);
  if (!folder?.isDirectory()) return why(`the folder "${cwd}" does not exist`);
  if (code === "ENOENT") return why("program not found");
  if (code === "EACCES") return why("the file is not executable");
  if (code === "E2BIG") {
    const longest = Math.max(...command.map((it) => new TextEncoder().encode(it).length));
    return why(
      `its longest argument has ${longest} bytes, more than the system takes: ` +
        "pass the prompt on stdin or as a file",
    );
  }
  return why(message);
}

/** Linux does not accept longer arguments. */
const LONGEST_ARGUMENT = 128 * 1024;

/**
 * Makes sure that a program can be started: in a PTY, a failed start looks like a program that
 * fails.
 *
 * @param command The program and its arguments.
 * @param options The folder to start it in, and its environment.
 * @returns The path of the program.
 * @throws {Error} As `spawn` of `node:child_process` would, with the `code` of the system.
 */
export async function launchable(
  [program = "", ...args]: readonly string[],
  { cwd, env }: { cwd: string; env: Record<string, string> },
): Promise<string> {
  const path = await findProgram(program, { env });
  const folder = await stat(cwd).catch(() => undefined);
  if (path === undefined || !folder?.isDirectory()) throw codeError("ENOENT");
  const longest = Math.max(0, ...args.map((it) => new TextEncoder().encode(it).length));
  if (longest >= LONGEST_ARGUMENT) throw codeError("E2BIG");
  return path;
}

function codeError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

import { basename } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/**
 * How the engine of a worker is started. Left to itself it gives a loop that runs for days ever
 * more room for garbage, 60 MB for a heap of 14 MB; this costs no time that can be measured.
 */
export const V8_FLAG = "--optimize-for-size";

/**
 * Says how this program is called again, from Deno, Node or the executable.
 *
 * @param entry The URL of the module that was started.
 * @returns The program and its first arguments.
 */
export function programCommand(entry: string): string[] {
  const { execPath, versions } = process;
  if (versions.deno === undefined) return [execPath, V8_FLAG, fileURLToPath(entry)];
  // An executable made by `deno compile` is its own interpreter.
  if (!/^deno(\.exe)?$/.test(basename(execPath))) return [execPath];
  return [execPath, "run", "--allow-all", "--quiet", `--v8-flags=${V8_FLAG}`, entry];
}

import { basename } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/**
 * How V8 is started in a worker. By default, a loop that runs for days gets more and more room for
 * garbage, 60 MB for a heap of 14 MB; this flag costs no measurable time.
 */
export const V8_FLAG = "--optimize-for-size";

/**
 * The program and first arguments that start this program again, from Deno, Node or the executable.
 *
 * @param entry The URL of the module that was started.
 */
export function programCommand(entry: string): string[] {
  const { execPath, versions } = process;
  if (versions.deno === undefined) return [execPath, V8_FLAG, fileURLToPath(entry)];
  // An executable made by `deno compile` is its own interpreter.
  if (!/^deno(\.exe)?$/.test(basename(execPath))) return [execPath];
  return [execPath, "run", "--allow-all", "--quiet", `--v8-flags=${V8_FLAG}`, entry];
}

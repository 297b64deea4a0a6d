import { basename } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/**
 * Says how this program is called again, from Deno, Node or the executable.
 *
 * @param entry The URL of the module that was started.
 * @returns The program and its first arguments.
 */
export function programCommand(entry: string): string[] {
  const { execPath, versions } = process;
  if (versions.deno === undefined) return [execPath, fileURLToPath(entry)];
  // An executable made by `deno compile` is its own interpreter.
  if (!/^deno(\.exe)?$/.test(basename(execPath))) return [execPath];
  return [execPath, "run", "--allow-all", "--quiet", entry];
}

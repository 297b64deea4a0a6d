import process from "node:process";
import { fileURLToPath } from "node:url";

/**
 * How the engine of a worker is started. Left to itself it gives a loop that runs for days ever
 * more room for garbage, 60 MB for a heap of 14 MB; this costs no time that can be measured.
 */
export const V8_FLAG = "--optimize-for-size";

/** Options for {@linkcode programCommand}. */
export interface ProgramCommandOptions {
  /** Whether this is an executable made by `deno compile`. @default {what Deno says of itself} */
  compiled?: boolean | undefined;
}

/**
 * The program and first arguments that start this program again, from Deno, Node or the executable.
 *
 * @param entry The URL of the module that was started.
 */
export function programCommand(entry: string, options: ProgramCommandOptions = {}): string[] {
  const { compiled = isCompiled() } = options;
  const { execPath, versions } = process;
  // It is its own interpreter, and has the flag from `deno task compile`.
  if (compiled) return [execPath];
  if (versions.deno === undefined) return [execPath, V8_FLAG, fileURLToPath(entry)];
  return [execPath, "run", "--allow-all", "--quiet", `--v8-flags=${V8_FLAG}`, entry];
}

/** The name of the file does not tell: `deno` may be called `deno-2.9`, the executable `deno`. */
function isCompiled(): boolean {
  const { Deno } = globalThis as { Deno?: { build?: { standalone?: boolean } } };
  return Deno?.build?.standalone === true;
}

import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";

/** Options for {@linkcode findProgram}. */
export interface FindProgramOptions {
  /** The environment whose PATH is searched. */
  env: Record<string, string>;
}

/**
 * Finds a program as a shell would: by its path, or by its name in the folders of PATH.
 *
 * @example Usage
 * ```ts
 * import { findProgram } from "./find_program.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await findProgram("no-such-program", { env: { PATH: "/bin" } }), undefined);
 * ```
 *
 * @returns Its path; `undefined` if there is no such executable file.
 */
export async function findProgram(
  program: string,
  options: FindProgramOptions,
): Promise<string | undefined> {
  const paths = isAbsolute(program) || program.includes("/")
    ? [resolve(program)]
    : (options.env.PATH ?? "").split(delimiter).filter(Boolean).map((dir) => join(dir, program));
  for (const path of paths) {
    try {
      await access(path, constants.X_OK);
      if ((await stat(path)).isFile()) return path;
    } catch {
      // Not here: the next folder.
    }
  }
}

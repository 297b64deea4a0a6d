import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";

/** Options for {@linkcode findProgram}. */
export interface FindProgramOptions {
  /** The environment whose PATH is searched. */
  env: Record<string, string>;
}

/**
 * Finds a program as a shell would: in the folders of PATH, or as the path that it is.
 *
 * @example Usage
 * ```ts
 * import { findProgram } from "./find_program.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await findProgram("no-such-program", { env: { PATH: "/bin" } }), undefined);
 * ```
 *
 * @param program Its name or path.
 * @param options Where to look.
 * @returns Its path, or nothing if there is no executable file of that name.
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

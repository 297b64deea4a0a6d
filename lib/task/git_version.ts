/** The oldest git that will do: the first with `git switch`. */
export const OLDEST_GIT = "2.23";

/**
 * Reads what `git --version` prints.
 *
 * @example Usage
 * ```ts
 * import { parseGitVersion } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const version = parseGitVersion("git version 2.17.1 (Apple Git-112)\n");
 * assertEquals(version, { version: "2.17.1", supported: false });
 * ```
 *
 * @param output What it printed.
 * @returns The version, and whether it is at least {@linkcode OLDEST_GIT}; `undefined` if
 * that is no output of git.
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

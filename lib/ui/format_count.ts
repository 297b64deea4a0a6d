/** Options for {@linkcode formatCount}. */
export interface FormatCountOptions {
  /** The word for any number but one. @default {the singular and an `s`} */
  plural?: string;
}

/**
 * Writes a number of things in the singular or plural, such as `1 commit` or `14 commits`.
 *
 * @example Usage
 * ```ts
 * import { formatCount } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatCount(1, "story", { plural: "stories" }), "1 story");
 * assertEquals(formatCount(0, "commit"), "0 commits");
 * ```
 *
 * @param count How many.
 * @param singular The word for one.
 * @param options Additional options.
 * @returns The number and the word.
 */
export function formatCount(
  count: number,
  singular: string,
  options: FormatCountOptions = {},
): string {
  return `${count} ${count === 1 ? singular : options.plural ?? `${singular}s`}`;
}

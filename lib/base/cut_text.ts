/** Longest line of an agent's text, in characters. */
const MAX_TEXT_LINE = 8192;

/**
 * Cuts every line of a text that is longer than `max` characters, and marks the cut with `…`.
 *
 * @example Usage
 * ```ts
 * import { cutText } from "./cut_text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(cutText("short\nfar too long", 5), "short\nfar t…");
 * ```
 *
 * @param text The text, possibly of several lines.
 * @param max Longest line, in characters.
 * @returns The text with no line longer than `max`, not counting the mark.
 */
export function cutText(text: string, max: number = MAX_TEXT_LINE): string {
  if (text.length <= max) return text;
  return text.split("\n").map((line) => line.length > max ? `${line.slice(0, max)}…` : line)
    .join("\n");
}

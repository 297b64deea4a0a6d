// ECMA-48: control sequences, control strings with their text, other escapes,
// each with its 7-bit and its 8-bit introducer. Of a string without an end only
// the introducer goes, and its text is shown. No introducer may stand inside of a
// string: with it, hostile text would take time by the square of its length.
const CSI = "(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*[@-~]";
const STRING =
  "(?:\\x1b[\\]PX^_]|[\\x90\\x98\\x9d-\\x9f])[^\\x07\\x1b\\x90\\x98\\x9b-\\x9f]*(?:\\x07|\\x1b\\\\|\\x9c)";
const ESCAPE = "\\x1b[ -/]*[0-~]";
// Controls, and what reorders or breaks the text around it: bidi controls
// (the "Trojan Source" trick), line separators, the byte order mark.
const CONTROL =
  "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff]";
const UNSAFE = new RegExp(`${STRING}|${CSI}|${ESCAPE}|${CONTROL}`, "g");
const PLAIN = /^[\x20-\x7e]*$/;

/**
 * Makes text from outside fit to be shown on one line of a terminal.
 *
 * Escape sequences, control characters and bidirectional controls are removed, so
 * that no agent can move the cursor, retitle the window or forge output. Line
 * breaks and tabs become spaces; half surrogate pairs become U+FFFD.
 *
 * @example Usage
 * ```ts
 * import { sanitizeText } from "./sanitize_text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(sanitizeText("\x1b[31mred\x1b[0m\nand\tmore"), "red and more");
 * ```
 *
 * @param text The text.
 * @returns The text on one line, without anything that a terminal acts upon.
 */
export function sanitizeText(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(/\r\n|[\t\n\r\v\f\x85\u2028\u2029]/g, " ").replace(UNSAFE, "").toWellFormed();
}

/**
 * Splits text from outside into lines that are fit to be shown on a terminal.
 *
 * A line that was overwritten by carriage returns, as progress meters do, is
 * what was last written of it. Empty lines are left out.
 *
 * @example Usage
 * ```ts
 * import { sanitizeLines } from "./sanitize_text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(sanitizeLines("10%\r100%\n\n\x1b[1mdone\x1b[m\r\n"), ["100%", "done"]);
 * ```
 *
 * @param text The text.
 * @returns Its lines, each as {@linkcode sanitizeText} leaves it, without trailing spaces.
 */
export function sanitizeLines(text: string): string[] {
  const lines: string[] = [];
  for (const raw of text.split(/\r*\n|[\u2028\u2029]/)) {
    const line = raw.trimEnd();
    const clean = sanitizeText(line.slice(line.lastIndexOf("\r") + 1)).trimEnd();
    if (clean !== "") lines.push(clean);
  }
  return lines;
}

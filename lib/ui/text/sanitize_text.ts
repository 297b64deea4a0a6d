// ECMA-48: control sequences, control strings with their text, other escapes, each with its 7-bit
// and its 8-bit introducer. An unterminated string loses only its introducer; its text is shown. A
// string may not contain an introducer: otherwise hostile text would take quadratic time.
const CSI = "(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*[@-~]";
const STRING =
  "(?:\\x1b[\\]PX^_]|[\\x90\\x98\\x9d-\\x9f])[^\\x07\\x1b\\x90\\x98\\x9b-\\x9f]*(?:\\x07|\\x1b\\\\|\\x9c)";
const ESCAPE = "\\x1b[ -/]*[0-~]";
// Control characters, and characters that reorder or break the text around them: bidi controls (the
// "Trojan Source" trick), line separators, the byte order mark.
const CONTROL =
  "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff]";
const UNSAFE = new RegExp(`${STRING}|${CSI}|${ESCAPE}|${CONTROL}`, "g");
const PLAIN = /^[\x20-\x7e]*$/;
const PLAIN_BLOCK = /^[\n\x20-\x7e]*$/;

/**
 * Makes untrusted text safe to show on one line of a terminal.
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
 * @returns The text on one line, without anything that a terminal interprets.
 */
export function sanitizeText(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(/\r\n|[\t\n\r\v\f\x85\u2028\u2029]/g, " ").replace(UNSAFE, "").toWellFormed();
}

/**
 * Splits untrusted text into lines that are safe to show on a terminal.
 *
 * Of a line that was overwritten by carriage returns, as progress meters do, only the last version
 * is kept. Empty lines are left out.
 *
 * @example Usage
 * ```ts
 * import { sanitizeLines } from "./sanitize_text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(sanitizeLines("10%\r100%\n\n\x1b[1mdone\x1b[m\r\n"), ["100%", "done"]);
 * ```
 *
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

/**
 * Makes untrusted text of several lines safe to show, as {@linkcode sanitizeText} does for each of
 * them. Line ends and indentation stay.
 */
export function sanitizeBlock(text: string): string {
  if (PLAIN_BLOCK.test(text)) return text;
  return text.split("\n").map((line) => sanitizeText(line.replace(/\r+$/, ""))).join("\n");
}

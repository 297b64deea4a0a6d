import fastStringWidth from "fast-string-width";

/** Characters that take no column and that the library counts, except the joiners of emoji. */
const INVISIBLE =
  /[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u2060-\u206f\u3164\ufeff]/g;
const ASCII = /^[\x20-\x7e]*$/;

// Slow to create and cheap to keep; most text never needs it.
let segmenter: Intl.Segmenter | undefined;

function graphemes(text: string): Intl.SegmentData[] {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return [...segmenter.segment(text)];
}

/**
 * The columns that a text takes in a terminal.
 *
 * Chinese, Japanese and Korean characters and emoji take two, combining marks zero. The text must
 * not contain escape sequences.
 *
 * @example Usage
 * ```ts
 * import { displayWidth } from "./display_width.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(displayWidth("ralph"), 5);
 * assertEquals(displayWidth("日本語"), 6);
 * assertEquals(displayWidth("👩‍💻"), 2);
 * ```
 *
 * @returns The number of columns.
 */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  // Composed, because it measures Korean letters that only together make a syllable one by one.
  return fastStringWidth(text.normalize("NFC").replace(INVISIBLE, ""));
}

/**
 * Cuts a text so that it fits, with `…` for what is missing. Characters are never cut in half, so
 * the result may be a column narrower than `columns`.
 *
 * @example Usage
 * ```ts
 * import { truncateText } from "./display_width.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(truncateText("Fix attach status", 10), "Fix attac…");
 * assertEquals(truncateText("日本語", 4), "日…");
 * ```
 *
 * @returns The text, at most `columns` wide.
 */
export function truncateText(text: string, columns: number): string {
  if (columns <= 0) return "";
  // A UTF-16 unit never takes more than two columns, so short text need not be measured.
  if (text.length * 2 <= columns || displayWidth(text) <= columns) return text;
  let width = 0;
  for (const { segment, index } of graphemes(text)) {
    width += displayWidth(segment);
    if (width > columns - 1) return `${text.slice(0, index).trimEnd()}…`;
  }
  return text;
}

/**
 * Pads a text with spaces to a width. A wider text is left as it is.
 *
 * @example Usage
 * ```ts
 * import { padText } from "./display_width.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(padText("日本", 6), "日本  ");
 * assertEquals(padText("4s", 4, { align: "right" }), "  4s");
 * ```
 *
 * @param options On which side the text is aligned. Default: left.
 * @returns The text, at least that wide.
 */
export function padText(
  text: string,
  columns: number,
  options: { align?: "left" | "right" } = {},
): string {
  const fill = " ".repeat(Math.max(0, columns - displayWidth(text)));
  return options.align === "right" ? fill + text : text + fill;
}

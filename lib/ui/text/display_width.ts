// East Asian Wide and Fullwidth of Unicode 16, in blocks. Emoji are found by their property.
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u;
const ZERO = /[\p{Mn}\p{Me}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u1160-\u11ff]/u;
const EMOJI = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|[#*0-9]\ufe0f?\u20e3/u;
const ASCII = /^[\x20-\x7e]*$/;

// Slow to create and cheap to keep; most text never needs it.
let segmenter: Intl.Segmenter | undefined;

function graphemes(text: string): Intl.SegmentData[] {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return [...segmenter.segment(text)];
}

function graphemeWidth(grapheme: string): number {
  if (EMOJI.test(grapheme)) return 2;
  let width = 0;
  for (const char of grapheme) width += ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  return width;
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
  let width = 0;
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment);
  return width;
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
    width += graphemeWidth(segment);
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

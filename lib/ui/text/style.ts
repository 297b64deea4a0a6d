import { truncateText } from "./display_width.ts";
import { sanitizeText } from "./sanitize_text.ts";

/** Wraps a text in a colour, or leaves it as it is. */
export type Paint = (text: string) => string;

/** The few colours in use, all from the terminal's own palette. */
export interface Style {
  /** Strong, for what matters now. */
  bold: Paint;
  /** Faint, for details. */
  dim: Paint;
  /** For what went wrong. */
  red: Paint;
  /** For what is done. */
  green: Paint;
  /** For warnings. */
  yellow: Paint;
  /** For what is running. */
  cyan: Paint;
}

/** Options for {@linkcode supportsColor}. */
export interface SupportsColorOptions {
  /** The environment; `FORCE_COLOR`, `NO_COLOR` and `TERM` are read. */
  env: Record<string, string | undefined>;
  /** Whether the output is a terminal. */
  isTTY: boolean;
}

/**
 * Decides whether to print in colour.
 *
 * `FORCE_COLOR` wins (`0` and `false` turn colour off), as in Node; then any
 * `NO_COLOR` turns it off; then it is on for terminals other than `TERM=dumb`.
 *
 * @example Usage
 * ```ts
 * import { supportsColor } from "./style.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(supportsColor({ env: { NO_COLOR: "1" }, isTTY: true }), false);
 * ```
 *
 * @param options The environment and the kind of output.
 * @returns Whether to print in colour.
 */
export function supportsColor(options: SupportsColorOptions): boolean {
  const { FORCE_COLOR, NO_COLOR, TERM } = options.env;
  if (FORCE_COLOR) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  if (NO_COLOR) return false;
  return options.isTTY && TERM !== "dumb";
}

/**
 * Creates the colours; without colour, functions of the same names that do nothing.
 */
export function createStyle(color: boolean): Style {
  const paint = (on: number, off: number): Paint => (text) =>
    color && text !== "" ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  };
}

/** A piece of a line, and its colour. */
export interface Span {
  /** The text, which may be untrusted. */
  text: string;
  /** Its colour. @default {none} */
  paint?: Paint | undefined;
}

/**
 * Joins spans into one line that is safe to show and fits.
 *
 * Everything that is drawn goes through here: the text is sanitized, cut to the width, and only
 * then coloured, so an escape sequence is never cut in half.
 *
 * @param spans The pieces, from left to right.
 * @param columns How many columns there are.
 * @returns The line, without trailing spaces.
 */
export function fitSpans(spans: readonly Span[], columns: number): string {
  const clean = spans.map((span) => ({ ...span, text: sanitizeText(span.text) }));
  const whole = clean.map((span) => span.text).join("").trimEnd();
  const shown = truncateText(whole, columns);
  // The visible text is the beginning of the whole and perhaps a "…", which takes the colour of the
  // span that it cuts.
  const cut = shown !== whole;
  let left = cut ? Math.max(0, shown.length - 1) : shown.length;
  let line = "";
  for (const { text, paint = (text: string) => text } of clean) {
    if (left === 0) {
      if (cut && shown !== "") line += paint("…");
      break;
    }
    const part = text.slice(0, left);
    left -= part.length;
    const done = left === 0 && cut && part.length < text.length;
    line += paint(done ? `${part}…` : part);
    if (done) break;
  }
  return line;
}

import { stripVTControlCharacters } from "node:util";
import { displayWidth } from "../text/display_width.ts";

/** Options for {@linkcode screenUpdate}. */
export interface ScreenUpdateOptions {
  /** How many columns the terminal has. */
  width: number;
  /** Whether the size has changed since the previous lines were drawn. @default {false} */
  resized?: boolean | undefined;
}

// Synchronized output, so that terminals that support it show a frame as a whole; no automatic
// wrapping, so that a character that the terminal considers wider than we do is cut instead of
// breaking the line.
const BEGIN = "\x1b[?2026h\x1b[?7l";
const END = "\x1b[?7h\x1b[?2026l";

/**
 * Turns one drawing into the next with as little output as possible: only the lines that differ are
 * written, and nothing is cleared that is drawn again.
 *
 * The cursor must be in the first column of the last line that was drawn, or of an empty line if
 * there is none, and is left in the same place.
 *
 * @param before The lines on the screen; none at first.
 * @param after The lines to show.
 * @returns What to write; empty if nothing differs.
 */
export function screenUpdate(
  before: readonly string[],
  after: readonly string[],
  options: ScreenUpdateOptions,
): string {
  const { width } = options;
  const resized = options.resized === true && before.length > 0;
  if (!resized && sameLines(before, after)) return "";
  // A narrower terminal has wrapped the lines, so each may take several rows now, and in a lower
  // one they have moved: no line on the screen is where it was.
  const above = before.slice(0, -1)
    .reduce((rows, line) => rows + (resized ? rowsOf(line, width) : 1), 0);
  const known = resized ? [] : before;
  let text = BEGIN + (above > 0 ? `\x1b[${above}A` : "") + "\r";
  after.forEach((line, index) => {
    if (index > 0) text += "\r\n";
    if (line === known[index]) return;
    text += line;
    // At the full width the cursor stays on the last character, so erasing would remove that one.
    if (visibleWidth(line) < width) text += "\x1b[K";
  });
  // What is left below is cleared last: tmux treats clearing everything from the first row as a
  // request to keep it, and scrolls it into its history.
  if (after.length === 0) text += "\x1b[J";
  else if (after.length <= above) text += "\r\n\x1b[J\x1b[A";
  return `${text}\r${END}`;
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}

function rowsOf(line: string, width: number): number {
  return Math.max(1, Math.ceil(visibleWidth(line) / Math.max(1, width)));
}

function visibleWidth(line: string): number {
  return displayWidth(stripVTControlCharacters(line));
}

import { setTimeout } from "node:timers/promises";
import { truncateText } from "../../ui/text/display_width.ts";
import type { TerminalStream } from "../../ui/live/live_view.ts";
import { screenUpdate } from "../../ui/live/screen_update.ts";

/** Options for {@linkcode watchScreen}. */
export interface WatchScreenOptions {
  /** The terminal. */
  terminal: TerminalStream;
  /** The time between two refreshes, in milliseconds. @default {2000} */
  intervalMs?: number | undefined;
  /** Ends it. */
  signal: AbortSignal;
}

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

/**
 * Shows lines in place on a terminal, and refreshes them until the signal is aborted. Only lines
 * that changed are written.
 *
 * @param look Returns the current lines.
 */
export async function watchScreen(
  look: () => Promise<string[]>,
  options: WatchScreenOptions,
): Promise<void> {
  const { terminal, intervalMs = 2000, signal } = options;
  let shown: string[] = [];
  let size = "";
  terminal.write(HIDE_CURSOR);
  try {
    while (!signal.aborted) {
      const width = terminal.columns || 80;
      const rows = (terminal.rows || 24) - 1;
      const lines = (await look()).slice(0, rows).map((line) => truncateText(line, width));
      const resized = size !== `${width}x${rows}`;
      const update = screenUpdate(shown, lines, { width, resized });
      if (update !== "") terminal.write(update);
      [shown, size] = [lines, `${width}x${rows}`];
      // An abort during the wait is the normal end, not an error.
      await setTimeout(intervalMs, undefined, { signal }).catch(() => {});
    }
  } finally {
    terminal.write(`${shown.length > 0 ? "\r\n" : ""}${SHOW_CURSOR}`);
  }
}

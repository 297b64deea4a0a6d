import { truncateText } from "../text/display_width.ts";
import { formatDuration } from "../text/times.ts";
import { sanitizeText } from "../text/sanitize_text.ts";

/** What the line below an agent's screen shows. */
export interface AttachState {
  /** The name of the task. */
  task: string;
  /** The id of the story; absent between two iterations. */
  story?: string | undefined;
  /** The iteration; 0 before the first. */
  iteration: number;
  /** The agent. */
  agent: string;
  /** What keys do: `observe` for a read-only client, `watch`, or `interactive`. */
  mode: "observe" | "watch" | "interactive";
  /** When the session started, in milliseconds since the epoch. */
  startedAt: number;
  /** Shown instead of the rest, such as a prompt that is being typed. */
  message?: string | undefined;
}

/** The keys after the prefix, in words. */
export const ATTACH_HELP =
  "Ctrl-] then: d detach  i interactive on or off  p prompt  c checkpoint  s stop  r retry now";

/**
 * The line below an agent's screen.
 *
 * @example Usage
 * ```ts
 * import { attachLine } from "./attach_line.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const line = attachLine({
 *   task: "my-feature",
 *   story: "US-006",
 *   iteration: 4,
 *   agent: "claude",
 *   mode: "watch",
 *   startedAt: 0,
 * }, { columns: 80, now: 60_000 });
 * assertEquals(line.trimEnd(), " my-feature  US-006  iteration 4  claude  watch  1m 00s  Ctrl-] ? help");
 * ```
 *
 * @param options The width of the terminal, and the time in milliseconds since the epoch.
 * @returns The line, exactly as wide as the terminal.
 */
export function attachLine(
  state: AttachState,
  options: { columns: number; now: number },
): string {
  const { task, story, iteration, agent, mode, startedAt, message } = state;
  const parts = message === undefined
    ? [
      task,
      ...(story === undefined ? [] : [story]),
      `iteration ${iteration}`,
      agent,
      mode,
      formatDuration(options.now - startedAt),
      "Ctrl-] ? help",
    ]
    : [message];
  const text = ` ${parts.map(sanitizeText).join("  ")}`;
  return truncateText(text, options.columns).padEnd(options.columns);
}

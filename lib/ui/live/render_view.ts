import { displayWidth } from "../text/display_width.ts";
import { formatAgo, formatClock, formatDuration } from "../text/times.ts";
import { sanitizeText } from "../text/sanitize_text.ts";
import { storyRows, storyWindow } from "./story_rows.ts";
import { createStyle, fitSpans, type Span, type Style } from "../text/style.ts";
import { viewBar, viewHeader } from "./view_header.ts";
import type { ViewState, ViewStory } from "./view_state.ts";

/** A key that can be pressed, and what it does. */
export interface KeyHint {
  /** The key, such as `Ctrl-C`. */
  key: string;
  /** What it does, such as `stop`. */
  label: string;
}

/** Options for {@linkcode renderView}. */
export interface RenderViewOptions {
  /** How many columns the terminal has. */
  columns: number;
  /** The most lines to draw; `Infinity` for all of them. */
  rows: number;
  /** The present, in milliseconds since the epoch. */
  now: number;
  /** Whether to use colour. @default {false} */
  color?: boolean | undefined;
  /** Keys to show in the last line. @default {none} */
  keys?: readonly KeyHint[] | undefined;
  /** The time zone in which clock times are shown. @default {the system's} */
  timeZone?: string | undefined;
}

const AGENT_LINES = 12;

/**
 * Draws the view of a loop as lines of text: the task, its progress, the stories around the running
 * one with the last lines of its agent, what went wrong, and what the loop is waiting for.
 *
 * Pure. Whatever the state holds, there are never more than `rows` lines, no line is wider than
 * `columns`, and the only control characters are those of the colours.
 *
 * @example Usage
 * ```ts
 * import { initialView } from "./view_state.ts";
 * import { renderView } from "./render_view.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const lines = renderView({ ...initialView(), task: "my-feature" }, {
 *   columns: 40,
 *   rows: 2,
 *   now: Date.now(),
 * });
 * assertEquals(lines, ["my-feature                      starting", "no stories yet"]);
 * ```
 *
 * @param options The size, the time and the colours.
 * @returns The lines, from top to bottom.
 */
export function renderView(state: ViewState, options: RenderViewOptions): string[] {
  const { columns, now } = options;
  const rows = Math.max(0, options.rows);
  const style = createStyle(options.color ?? false);
  const fit = { columns, now, style };
  const top = [viewHeader(state, fit)];
  const bottom = footer(state, options, style);
  if (state.list.length === 0) {
    const none = state.result === undefined ? "no stories yet" : "no stories";
    return [...top, fitSpans([{ text: none, paint: style.dim }], columns), ...bottom].slice(
      0,
      rows,
    );
  }
  if (rows >= 3) top.push(viewBar(state, fit));
  if (rows >= 12) {
    top.push("");
    if (bottom.length > 0) bottom.unshift("");
  }
  const body = stories(state, Math.max(0, rows - top.length - bottom.length), {
    ...options,
    style,
  });
  return [...top, ...body, ...bottom].slice(0, rows);
}

function stories(
  state: ViewState,
  rows: number,
  options: RenderViewOptions & { style: Style },
): string[] {
  const { columns, style } = options;
  const count = agentRows(state, rows);
  const agent = count === 0 ? [] : (state.current?.lines ?? []).slice(-count);
  const focus = focusOf(state);
  const { start, end } = storyWindow(state.list.length, { focus, rows: rows - agent.length });
  const more = (hidden: readonly ViewStory[]): string[] =>
    // With two lines or fewer, each one shows a story.
    hidden.length > 0 && rows - agent.length > 2
      ? [fitSpans([{ text: `… ${hiddenStates(hidden)}`, paint: style.dim }], columns)]
      : [];
  const all = storyRows(state, options);
  return [
    ...more(state.list.slice(0, start)),
    ...all.slice(start, Math.min(end, focus + 1)),
    ...agent.map((line) => fitSpans([{ text: `  │ ${line}`, paint: style.dim }], columns)),
    ...all.slice(Math.max(start, focus + 1), end),
    ...more(state.list.slice(end)),
  ];
}

function hiddenStates(hidden: readonly ViewStory[]): string {
  const passed = hidden.filter((story) => story.state === "passed").length;
  const open = hidden.length - passed;
  return [passed > 0 ? `${passed} passed` : "", open > 0 ? `${open} open` : ""]
    .filter(Boolean).join(", ");
}

/** How many lines the agent gets: a third of the room, or what the stories leave. */
function agentRows(state: ViewState, rows: number): number {
  const wanted = Math.min(AGENT_LINES, state.current?.lines.length ?? 0);
  if (rows < 2) return 0;
  return Math.min(wanted, Math.max(rows - state.list.length, Math.floor(rows / 3)));
}

/** The story that must be visible: the running one, else the next, else the last. */
function focusOf(state: ViewState): number {
  for (const wanted of ["running", "open", "blocked"]) {
    const index = state.list.findIndex((story) => story.state === wanted);
    if (index >= 0) return index;
  }
  return state.list.length - 1;
}

function footer(state: ViewState, options: RenderViewOptions, style: Style): string[] {
  const { columns, rows, now, timeZone } = options;
  const lines: Span[][] = [];
  const notices = rows >= 16 ? 2 : rows >= 8 ? 1 : 0;
  for (const { kind, what, why, at } of notices === 0 ? [] : state.notices.slice(-notices)) {
    const text = `${what} ${formatAgo(now - at)}${why === "" ? "" : `: ${why}`}`;
    lines.push([{ text, paint: kind === "failure" ? style.red : style.yellow }]);
  }
  if (state.waiting !== undefined && rows >= 2) {
    const { agent, reason, until } = state.waiting;
    const clock = formatClock(until, timeZone === undefined ? { now } : { now, timeZone });
    // Rounded up, so that the wait is over when it says 0s.
    const left = formatDuration(Math.ceil((until - now) / 1000) * 1000);
    const short = `Waiting for ${agent} until ${clock}, ${left}`;
    const long = `Waiting for ${agent} until ${clock} (${reason}), ${left}`;
    // The countdown matters more than the reason.
    const text = displayWidth(sanitizeText(long)) <= columns ? long : short;
    lines.push([{ text, paint: style.yellow }]);
  }
  if (options.keys !== undefined && options.keys.length > 0 && rows >= 6) {
    lines.push([{
      text: options.keys.map(({ key, label }) => `${key} ${label}`).join("   "),
      paint: style.dim,
    }]);
  }
  return lines.map((spans) => fitSpans(spans, columns));
}

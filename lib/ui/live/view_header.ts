import { addUsage } from "../../event/usage.ts";
import { displayWidth } from "../text/display_width.ts";
import { countTokens, formatCost, formatTokens } from "../text/numbers.ts";
import { formatDuration } from "../text/times.ts";
import { sanitizeText } from "../text/sanitize_text.ts";
import { fitSpans, type Span } from "../text/style.ts";
import { type StoryRowsOptions, VIEW_WIDTH } from "./story_rows.ts";
import type { ViewState } from "./view_state.ts";

const BAR = 32;

/**
 * Formats the first line of a view: the task on the left, its state on the right. What does not fit
 * is left out, the least important first.
 *
 * @param options The width, the time and the colours.
 */
export function viewHeader(state: ViewState, options: StoryRowsOptions): string {
  const { style, now } = options;
  const columns = Math.min(options.columns, VIEW_WIDTH);
  const task = sanitizeText(state.task === "" ? "ralph" : state.task);
  const branch = sanitizeText(state.branch ?? "");
  const base = state.base === undefined ? "" : sanitizeText(` from ${state.base}`);
  const of = state.maxIterations === undefined ? "" : ` of ${state.maxIterations}`;
  const long = state.iteration === 0 ? "starting" : `iteration ${state.iteration}${of}`;
  const short = state.iteration === 0
    ? ""
    : `${state.iteration}${of === "" ? "" : `/${state.maxIterations}`}`;
  const elapsed = elapsedOf(state, now);
  const spent = spentOf(state);
  const choices: [string, string[]][] = [
    [branch + base, [long, elapsed, spent]],
    [branch, [long, elapsed, spent]],
    ["", [long, elapsed, spent]],
    ["", [short, elapsed, spent]],
    ["", [short, elapsed]],
    ["", [short]],
    ["", []],
  ];
  for (const [beside, parts] of choices) {
    const left: Span[] = [{ text: task, paint: style.bold }];
    if (beside !== "") left.push({ text: `  ${beside}`, paint: style.dim });
    const right = parts.filter((part) => part !== "").join("   ");
    const used = displayWidth(left.map((span) => span.text).join("")) + displayWidth(right);
    if (used + 2 > columns && parts.length > 0) continue;
    return fitSpans(
      [...left, { text: " ".repeat(Math.max(0, columns - used)) }, { text: right }],
      columns,
    );
  }
  return "";
}

/**
 * Formats the progress bar of a view, with the count of stories in words.
 *
 * @param options The width and the colours.
 */
export function viewBar(state: ViewState, options: StoryRowsOptions): string {
  const { done, total } = state.stories;
  const label = `${done} of ${total} ${total === 1 ? "story" : "stories"}`;
  const width = Math.min(BAR, options.columns - label.length - 2);
  if (width < 4) return fitSpans([{ text: label }], options.columns);
  const share = total > 0 ? Math.min(1, done / total) : 0;
  // Rounded down, so that the bar is only full when everything is done.
  const full = Math.floor(share * width);
  return fitSpans([
    { text: "█".repeat(full), paint: options.style.green },
    { text: "░".repeat(width - full), paint: options.style.dim },
    { text: `  ${label}` },
  ], options.columns);
}

function elapsedOf(state: ViewState, now: number): string {
  if (state.result !== undefined) return formatDuration(state.result.durationMs);
  return state.startedAt === undefined ? "" : formatDuration(now - state.startedAt);
}

function spentOf(state: ViewState): string {
  const usage = state.current === undefined
    ? state.usage
    : addUsage(state.usage, state.current.usage);
  if (usage.costUsd !== undefined) return formatCost(usage.costUsd);
  const tokens = countTokens(usage);
  return tokens === 0 ? "" : formatTokens(tokens);
}

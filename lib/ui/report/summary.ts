import type { LoopEvent, LoopResult } from "../../event/loop_event.ts";
import type { LoopOutcome } from "../../event/vocabulary.ts";
import { displayWidth } from "../text/display_width.ts";
import { NO_CHECKS } from "../text/no_checks.ts";
import { formatAmount, formatCost, formatCount } from "../text/numbers.ts";
import { formatDuration } from "../text/times.ts";
import { sanitizeLines, sanitizeText } from "../text/sanitize_text.ts";
import { createStyle, type Style } from "../text/style.ts";
import type { ViewCheck } from "../live/view_state.ts";

/** Options for {@linkcode renderSummary}. */
export interface RenderSummaryOptions {
  /** The task's name. */
  task: string;
  /** Whether to use colour. @default {false} */
  color?: boolean | undefined;
  /** The width at which lists are wrapped. @default {80} */
  columns?: number | undefined;
  /** The last result of each check, as {@linkcode reduceView} collects it. @default {none} */
  checks?: readonly ViewCheck[] | undefined;
  /** What happened to the branch at the end, if prd.json has a merge target. @default {none} */
  published?: Extract<LoopEvent, { type: "published" }> | undefined;
  /** The command to continue with. @default {none} */
  next?: string | undefined;
  /** The exit code; shown if it is not 0. @default {0} */
  exitCode?: number | undefined;
}

const OPEN_SHOWN = 5;
const HEADINGS: Record<LoopOutcome, [string, keyof Style]> = {
  completed: ["Completed", "green"],
  failed: ["Failed", "red"],
  stagnated: ["Gave up on", "red"],
  limit: ["Stopped", "yellow"],
  blocked: ["Blocked", "yellow"],
  stopped: ["Stopped", "yellow"],
  checkpointed: ["Checkpointed", "yellow"],
};

/**
 * How a loop ended, in a few lines for the end of a run: the outcome and its reason, who did what
 * at what cost, which stories are open and why, and how to continue.
 *
 * @example Usage
 * ```ts
 * import { type LoopResult, renderSummary } from "@ralph/cli";
 *
 * function report(result: LoopResult): string {
 *   return renderSummary(result, { task: "my-feature" }).join("\n");
 * }
 * ```
 *
 * @param result How it ended.
 * @param options The task, and facts that are not in the result.
 */
export function renderSummary(result: LoopResult, options: RenderSummaryOptions): string[] {
  const { exitCode = 0, checks = [] } = options;
  const style = createStyle(options.color ?? false);
  const [verb, color] = HEADINGS[result.outcome];
  const heading = style[color](`${verb} ${sanitizeText(options.task)}`);
  const done = result.outcome === "completed";
  const lines = [`${heading}: ${done ? extentOf(result).join(", ") : sanitizeText(result.reason)}`];
  const row = (label: string, items: readonly string[]): void => {
    if (items.length === 0) return;
    lines.push(...wrap(label, items.map(sanitizeText), options.columns ?? 80));
  };
  for (const detail of result.details.flatMap(sanitizeLines)) lines.push(`  ${detail}`);
  if (!done) row("done", extentOf(result));
  row("open", openItems(result));
  row("branch", [
    result.branch ?? "detached HEAD",
    formatCount(result.commits, "commit"),
    `${formatCount(result.filesChanged, "file")} changed`,
  ]);
  row("agents", agentItems(result));
  if (result.checks === 0) row("checks", [NO_CHECKS]);
  for (const { command, ok } of checks) row("checks", [`${command}: ${ok ? "passed" : "failed"}`]);
  row("tokens", tokenItems(result));
  row("merge", mergeItems(options.published));
  row("next", options.next === undefined ? [] : [options.next]);
  if (exitCode !== 0) lines.push(`exit code ${exitCode}`);
  return lines;
}

function extentOf(result: LoopResult): string[] {
  const { done, total } = result.stories;
  const parts = [
    `${done} of ${formatCount(total, "story", { plural: "stories" })} in ` +
    formatCount(result.iterations, "iteration"),
    formatDuration(result.durationMs),
  ];
  if (result.usage.costUsd !== undefined) parts.push(formatCost(result.usage.costUsd));
  return parts;
}

function openItems(result: LoopResult): string[] {
  const items = result.open.slice(0, OPEN_SHOWN)
    .map(({ id, reason }) => reason === "" ? id : `${id} (${reason})`);
  const more = result.open.length - items.length;
  return more > 0 ? [...items, `and ${more} more`] : items;
}

function agentItems(result: LoopResult): string[] {
  const items = Object.entries(result.agents).map(([name, count]) => `${name} ${count}`);
  const last = items.pop();
  if (last === undefined) return [];
  const switches = result.failovers > 0 ? ` (${formatCount(result.failovers, "failover")})` : "";
  return [...items, last + switches];
}

function tokenItems(result: LoopResult): string[] {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = result.usage;
  const sent = inputTokens + cacheWriteTokens;
  if (sent + outputTokens + cacheReadTokens === 0) return [];
  const items = [`${formatAmount(sent)} in`, `${formatAmount(outputTokens)} out`];
  return cacheReadTokens > 0
    ? [...items, `${formatAmount(cacheReadTokens)} from the cache`]
    : items;
}

function mergeItems(published: RenderSummaryOptions["published"]): string[] {
  if (published === undefined) return [];
  const { branch, mergeTarget, pushed, merged, pullRequest, problem, hint } = published;
  const state = merged
    ? `merged into ${mergeTarget}`
    : pushed
    ? `${branch} pushed, to be merged into ${mergeTarget}`
    : `${branch} not pushed`;
  return [state, pullRequest, problem, hint].filter((item) => item !== undefined);
}

/** Breaks a list between its items only, so that an id or command is never split. */
function wrap(label: string, items: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  let line = `  ${label.padEnd(8)} `;
  let empty = true;
  items.forEach((item, index) => {
    const text = index < items.length - 1 ? `${item},` : item;
    if (!empty && displayWidth(line) + 1 + displayWidth(text) > columns) {
      lines.push(line);
      line = " ".repeat(11);
      empty = true;
    }
    line += empty ? text : ` ${text}`;
    empty = false;
  });
  return [...lines, line];
}

import type { Usage } from "../../event/agent_event.ts";

/**
 * Counts the new tokens of a usage: read, written, and written to the cache. Tokens read from the
 * cache are left out, because they would dwarf the rest.
 *
 * @param usage What an agent used.
 * @returns The number of tokens.
 */
export function countTokens(usage: Usage): number {
  return usage.inputTokens + usage.outputTokens + usage.cacheWriteTokens;
}

/**
 * Shortens a number, such as `950`, `12.3k` or `1.2M`.
 *
 * @example Usage
 * ```ts
 * import { formatAmount } from "./numbers.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatAmount(12_345), "12.3k");
 * ```
 *
 * @param amount Must not be negative.
 */
export function formatAmount(amount: number): string {
  // At these thresholds, rounding would give "1000k" or "100.0k".
  if (amount < 999.5) return String(Math.round(amount));
  if (amount < 99_950) return `${trim(amount / 1000)}k`;
  if (amount < 999_500) return `${Math.round(amount / 1000)}k`;
  if (amount < 99_950_000) return `${trim(amount / 1e6)}M`;
  return `${Math.round(amount / 1e6)}M`;
}

/**
 * Formats a number of tokens, such as `12.3k tokens`.
 *
 * @example Usage
 * ```ts
 * import { formatTokens } from "./numbers.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatTokens(12_345), "12.3k tokens");
 * assertEquals(formatTokens(1), "1 token");
 * ```
 *
 * @returns The number in words.
 */
export function formatTokens(tokens: number): string {
  return `${formatAmount(tokens)} ${tokens === 1 ? "token" : "tokens"}`;
}

function trim(value: number): string {
  return value.toFixed(1).replace(/\.0$/, "");
}

/**
 * Formats a cost, such as `$1.24 est.`: agents only estimate it; it is not a bill.
 *
 * @example Usage
 * ```ts
 * import { formatCost } from "./numbers.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatCost(1.239), "$1.24 est.");
 * assertEquals(formatCost(0.002), "<$0.01 est.");
 * ```
 *
 * @param usd The cost, in US dollars.
 * @returns The cost in words.
 */
export function formatCost(usd: number): string {
  if (usd > 0 && usd < 0.01) return "<$0.01 est.";
  const [whole = "0", cents = "00"] = Math.max(0, usd).toFixed(2).split(".");
  return `$${whole.replace(/\B(?=(?:\d{3})+$)/g, ",")}.${cents} est.`;
}

/**
 * What an agent used: its cost and its tokens, as far as it reports them.
 *
 * @example Usage
 * ```ts
 * import { formatSpending } from "./numbers.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const usage = { inputTokens: 9_000, outputTokens: 950, cacheReadTokens: 0, cacheWriteTokens: 0 };
 * assertEquals(formatSpending({ ...usage, costUsd: 1.2 }), "$1.20 est., 9.9k tokens");
 * assertEquals(formatSpending(usage), "9.9k tokens");
 * ```
 *
 * @returns The words; empty if it used nothing.
 */
export function formatSpending(usage: Usage): string {
  const tokens = countTokens(usage);
  return [
    usage.costUsd === undefined ? "" : formatCost(usage.costUsd),
    tokens === 0 ? "" : formatTokens(tokens),
  ].filter((part) => part !== "").join(", ");
}

/** Options for {@linkcode formatCount}. */
export interface FormatCountOptions {
  /** The word for any number but one. @default {the singular and an `s`} */
  plural?: string | undefined;
}

/**
 * Formats a count in the singular or plural, such as `1 commit` or `14 commits`.
 *
 * @example Usage
 * ```ts
 * import { formatCount } from "./numbers.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatCount(1, "story", { plural: "stories" }), "1 story");
 * assertEquals(formatCount(0, "commit"), "0 commits");
 * ```
 *
 * @param singular The word for one.
 */
export function formatCount(
  count: number,
  singular: string,
  options: FormatCountOptions = {},
): string {
  return `${count} ${count === 1 ? singular : options.plural ?? `${singular}s`}`;
}

const UNITS = ["kB", "MB", "GB", "TB"];

/**
 * Formats a size on disk in decimal units, such as `950 bytes` or `34.5 MB`.
 *
 * @example Usage
 * ```ts
 * import { formatBytes } from "./numbers.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatBytes(34_512_345), "34.5 MB");
 * assertEquals(formatBytes(999_960), "1.0 MB");
 * ```
 *
 * @returns The size in words.
 */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  let value = bytes / 1000;
  let unit = 0;
  // At this value, rounding would give "1000.0".
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}

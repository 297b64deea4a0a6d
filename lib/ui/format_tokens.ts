import type { Usage } from "../event/agent_event.ts";

/**
 * Counts the tokens of a usage that were new: read, written, and written to the
 * cache. What came from the cache is left out, as it would drown the rest.
 *
 * @param usage What an agent used.
 * @returns The number of tokens.
 */
export function countTokens(usage: Usage): number {
  return usage.inputTokens + usage.outputTokens + usage.cacheWriteTokens;
}

/**
 * Writes a number in a short form, such as `950`, `12.3k` or `1.2M`.
 *
 * @example Usage
 * ```ts
 * import { formatAmount } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatAmount(12_345), "12.3k");
 * ```
 *
 * @param amount The number; not negative.
 * @returns The number, shortened.
 */
export function formatAmount(amount: number): string {
  // The thresholds are those at which rounding would give "1000k" or "100.0k".
  if (amount < 999.5) return String(Math.round(amount));
  if (amount < 99_950) return `${trim(amount / 1000)}k`;
  if (amount < 999_500) return `${Math.round(amount / 1000)}k`;
  if (amount < 99_950_000) return `${trim(amount / 1e6)}M`;
  return `${Math.round(amount / 1e6)}M`;
}

/**
 * Writes a number of tokens, such as `12.3k tokens`.
 *
 * @example Usage
 * ```ts
 * import { formatTokens } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatTokens(12_345), "12.3k tokens");
 * assertEquals(formatTokens(1), "1 token");
 * ```
 *
 * @param tokens How many.
 * @returns The number in words.
 */
export function formatTokens(tokens: number): string {
  return `${formatAmount(tokens)} ${tokens === 1 ? "token" : "tokens"}`;
}

function trim(value: number): string {
  return value.toFixed(1).replace(/\.0$/, "");
}

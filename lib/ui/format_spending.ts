import type { Usage } from "../event/agent_event.ts";
import { formatCost } from "./format_cost.ts";
import { countTokens, formatTokens } from "./format_tokens.ts";

/**
 * Says what an agent used: its cost and its tokens, as far as it tells.
 *
 * @example Usage
 * ```ts
 * import { formatSpending } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const usage = { inputTokens: 9_000, outputTokens: 950, cacheReadTokens: 0, cacheWriteTokens: 0 };
 * assertEquals(formatSpending({ ...usage, costUsd: 1.2 }), "$1.20 est., 9.9k tokens");
 * assertEquals(formatSpending(usage), "9.9k tokens");
 * ```
 *
 * @param usage What it used.
 * @returns The words; empty if it used nothing.
 */
export function formatSpending(usage: Usage): string {
  const tokens = countTokens(usage);
  return [
    usage.costUsd === undefined ? "" : formatCost(usage.costUsd),
    tokens === 0 ? "" : formatTokens(tokens),
  ].filter((part) => part !== "").join(", ");
}

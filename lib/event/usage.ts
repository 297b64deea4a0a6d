import type { Usage } from "./agent_event.ts";

/** No usage. */
export const NO_USAGE: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
};

/**
 * Counts the tokens for a token limit. Tokens read from a cache cost next to nothing, and do not
 * count.
 */
export function limitedTokens(usage: Usage): number {
  return usage.inputTokens + usage.outputTokens + usage.cacheWriteTokens;
}

/**
 * Adds up the usage of two runs. The sum has a cost if either of them has one.
 *
 * @example Usage
 * ```ts
 * import { addUsage, NO_USAGE } from "@ralph/cli";
 *
 * const sum = addUsage({ ...NO_USAGE, costUsd: 1 }, { ...NO_USAGE, inputTokens: 10 });
 * console.assert(sum.costUsd === 1 && sum.inputTokens === 10);
 * ```
 */
export function addUsage(a: Usage, b: Usage): Usage {
  const sum: Usage = {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
  };
  if (a.costUsd !== undefined || b.costUsd !== undefined) {
    sum.costUsd = (a.costUsd ?? 0) + (b.costUsd ?? 0);
  }
  return sum;
}

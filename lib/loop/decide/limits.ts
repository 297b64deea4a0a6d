import type { Usage } from "../../event/agent_event.ts";
import { limitedTokens } from "../../event/usage.ts";
import type { LoopLimits } from "../../event/loop_event.ts";

/**
 * Says which limit of what agents use is reached. The cost is the agents' own estimate;
 * those that name none are bounded by their tokens.
 *
 * @param usage What all iterations have used.
 * @param limits The limits.
 * @returns The limit, in words; `undefined` if none is reached.
 */
export function reachedLimit(usage: Usage, limits: LoopLimits): string | undefined {
  const { costUsd, tokens } = limits;
  if (costUsd !== undefined && (usage.costUsd ?? 0) >= costUsd) {
    return `cost limit ($${costUsd}, estimated) reached`;
  }
  if (tokens !== undefined && limitedTokens(usage) >= tokens) {
    return `token limit (${tokens}) reached`;
  }
  return undefined;
}

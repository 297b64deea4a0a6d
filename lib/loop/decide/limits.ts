import type { Usage } from "../../event/agent_event.ts";
import { limitedTokens } from "../../event/usage.ts";
import type { LoopLimits } from "../../event/loop_event.ts";

/**
 * The usage limit that is reached, of cost or tokens. The cost is the agents' own estimate; the
 * token limit is for agents that report no cost.
 *
 * @param usage The usage of all iterations.
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

import type { AgentEnding, Usage } from "../../event/agent_event.ts";
import type { LoopLimits } from "../../event/loop_event.ts";
import { limitedTokens } from "../../event/usage.ts";

/** What a loop has spent so far. */
interface LoopSpending {
  /** Iterations that were begun. */
  iterations: number;
  /** The time since its start, in milliseconds, waits included. */
  elapsedMs: number;
  /** What all its agents have used. */
  usage: Usage;
}

/**
 * Finds the limit that keeps a loop from beginning another iteration.
 *
 * @returns The limit, in words; `undefined` if none is reached.
 */
export function reachedLimit(spent: LoopSpending, limits: LoopLimits): string | undefined {
  const { iterations, timeMs } = limits;
  if (iterations !== undefined && spent.iterations >= iterations) {
    return `iteration limit (${iterations}) reached`;
  }
  const used = reachedUsageLimit(spent.usage, limits);
  if (used !== undefined) return used;
  return timeMs !== undefined && spent.elapsedMs >= timeMs ? timeLimitReached(timeMs) : undefined;
}

/**
 * Finds the limit of what agents use that is reached, also in the middle of an iteration. The cost
 * is the agents' own estimate; those that report none are bounded by their tokens.
 *
 * @returns The limit, in words; `undefined` if none is reached.
 */
export function reachedUsageLimit(usage: Usage, limits: LoopLimits): string | undefined {
  const { costUsd, tokens } = limits;
  if (costUsd !== undefined && (usage.costUsd ?? 0) >= costUsd) {
    return `cost limit ($${costUsd}, estimated) reached`;
  }
  if (tokens !== undefined && limitedTokens(usage) >= tokens) {
    return `token limit (${tokens}) reached`;
  }
  return undefined;
}

/** Says that the time of a loop is over. */
export function timeLimitReached(timeMs: number): string {
  return `time limit (${seconds(timeMs)}) reached`;
}

/** The times that bound an agent while it runs, in milliseconds. */
interface RunTimes {
  /** Since the loop began. */
  loopMs: number;
  /** Since the agent was started. */
  runMs: number;
  /** Since the agent was last heard of. */
  silentMs: number;
}

/** When the time of a running agent is over, and how it then ends. */
interface RunEnd {
  /** How long it still has, in milliseconds; 0 or less if its time is over. */
  leftMs: number;
  /** How it then ends. */
  ending: AgentEnding;
}

/**
 * Finds the limit that will end a running agent first, if it goes on as it does now.
 *
 * @returns The limit; `undefined` if none bounds it.
 */
export function nextRunEnd(times: RunTimes, limits: LoopLimits): RunEnd | undefined {
  const { timeMs, iterationMs, stallMs } = limits;
  const ends: RunEnd[] = [];
  if (timeMs !== undefined) {
    const ending: AgentEnding = { kind: "aborted", message: timeLimitReached(timeMs) };
    ends.push({ leftMs: timeMs - times.loopMs, ending });
  }
  if (iterationMs !== undefined) {
    const ending: AgentEnding = {
      kind: "timeout",
      message: `No end after ${seconds(iterationMs)}`,
    };
    ends.push({ leftMs: iterationMs - times.runMs, ending });
  }
  if (stallMs !== undefined) {
    const ending: AgentEnding = { kind: "stalled", message: `Silent for ${seconds(stallMs)}` };
    ends.push({ leftMs: stallMs - times.silentMs, ending });
  }
  return ends.sort((a, b) => a.leftMs - b.leftMs)[0];
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

import type { AgentEnding } from "../../event/agent_event.ts";
import { backoffMs } from "../../base/backoff.ts";

/** The state of one agent. Times are in milliseconds since the epoch. */
export type AgentState =
  /** It can run; after a failure, not before `notBefore`. `failures` counts failures in a row. */
  | { kind: "ready"; failures: number; notBefore: number; reason: string }
  /**
   * It failed over, and is retried at `until`. `healsByWaiting`: whether it is worth waiting for
   * when no other agent is left.
   */
  | {
    kind: "cooling";
    failures: number;
    until: number;
    reason: string;
    healsByWaiting: boolean;
    /** How many cool-downs it had in a row; each doubles the next one. */
    rounds: number;
  }
  /** It can never run here, such as one that is not installed. */
  | { kind: "out"; reason: string };

/** The state of every agent, by name. */
export type FailoverState = ReadonlyMap<string, AgentState>;

/** The failover rules. */
export interface FailoverRules {
  /** Failures in a row before another agent takes over. @default {3} */
  threshold: number;
  /** How long an agent that failed over is not used, in milliseconds. @default {600_000} */
  coolDownMs: number;
  /** The wait after a first failure, in milliseconds; it doubles each time. @default {5_000} */
  backoffBaseMs: number;
  /** The longest wait after a failure, in milliseconds. @default {300_000} */
  backoffMaxMs: number;
}

/** The default rules. */
export const DEFAULT_FAILOVER_RULES: FailoverRules = {
  threshold: 3,
  coolDownMs: 600_000,
  backoffBaseMs: 5_000,
  backoffMaxMs: 300_000,
};

/** Options for {@linkcode afterEnding}. */
export interface AfterEndingOptions {
  /** The time now, in milliseconds since the epoch. */
  now: number;
  /** The rules. */
  rules: FailoverRules;
  /** A number from 0 (inclusive) to 1 (exclusive): the jitter. */
  random: number;
}

/** The longest cool-down, in milliseconds: an agent is retried at least every two hours. */
const COOL_DOWN_MAX_MS = 7_200_000;

/**
 * The state of the agents after one of them has ended.
 *
 * Retrying does not help after `launch` and `auth`, and after `rate_limit` only with time: these
 * fail over at once. Any other failure is retried after a wait that doubles, until there are
 * {@linkcode FailoverRules.threshold} in a row. A limit that outlasts its announced end is retried
 * less and less often. An agent that fails on its first attempt after a cool-down goes straight
 * back into one.
 *
 * @example Usage
 * ```ts
 * import { afterEnding, DEFAULT_FAILOVER_RULES, type FailoverState } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const ready = { kind: "ready", failures: 0, notBefore: 0, reason: "" } as const;
 * const before: FailoverState = new Map([["claude", ready]]);
 * const ending = { kind: "auth", message: "Invalid API key" } as const;
 * const rules = DEFAULT_FAILOVER_RULES;
 * const after = afterEnding(before, "claude", ending, { now: 0, rules, random: 0 });
 * assertEquals(after.get("claude")?.kind, "cooling");
 * ```
 *
 * @param agent The agent that ended.
 * @param options The time, the rules and the jitter.
 * @returns A new state; the given one is not changed.
 */
export function afterEnding(
  state: FailoverState,
  agent: string,
  ending: AgentEnding,
  options: AfterEndingOptions,
): FailoverState {
  const before = state.get(agent);
  if (ending.kind === "aborted" || before === undefined || before.kind === "out") return state;
  return new Map(state).set(agent, nextState(before, ending, options));
}

function nextState(
  before: Exclude<AgentState, { kind: "out" }>,
  ending: Exclude<AgentEnding, { kind: "aborted" }>,
  { now, rules, random }: AfterEndingOptions,
): AgentState {
  if (ending.kind === "ok") return { kind: "ready", failures: 0, notBefore: 0, reason: "" };
  const failures = before.failures + 1;
  const reason = ending.message;
  const rounds = before.kind === "cooling" ? before.rounds + 1 : 1;
  const coolDown = Math.min(rules.coolDownMs * 2 ** (rounds - 1), COOL_DOWN_MAX_MS);
  const cooling = (until: number, healsByWaiting: boolean): AgentState => ({
    kind: "cooling",
    failures,
    until,
    reason,
    healsByWaiting,
    rounds,
  });
  switch (ending.kind) {
    case "launch":
    case "auth":
      return cooling(now + coolDown, false);
    case "rate_limit": {
      // A limit that keeps announcing a reset in the past must not cause one call per second.
      const pause = failures > 1 ? backoffMs(failures - 1, rules, random) : 0;
      const soonest = now + Math.max(pause, 1_000);
      return cooling(Math.max(ending.retryAt ?? now + coolDown, soonest), true);
    }
    case "overloaded":
    case "error":
    case "timeout":
    case "stalled":
    case "denied": {
      if (before.kind === "cooling" || failures >= rules.threshold) {
        return cooling(now + coolDown, ending.kind === "overloaded");
      }
      const retryAt = ending.kind === "overloaded" ? ending.retryAt ?? 0 : 0;
      const wait = backoffMs(failures, rules, random);
      return { kind: "ready", failures, notBefore: Math.max(retryAt, now + wait), reason };
    }
  }
}

/** The decision of {@linkcode selectAgent}. */
export type AgentSelection =
  /** This agent runs now. */
  | { kind: "run"; agent: string }
  /** No agent runs before `until`; then `agent` does. */
  | { kind: "wait"; agent: string; until: number; reason: string }
  /** No agent is left; the reason for each. */
  | { kind: "none"; reasons: { agent: string; reason: string }[] };

/**
 * Selects the agent of the next iteration: the first of the candidates that is ready, or whose
 * cool-down is over. An agent in its wait after a failure is waited for; one that has failed over
 * is skipped, even if it was asked for.
 *
 * @example Usage
 * ```ts
 * import { selectAgent } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const state = new Map([
 *   ["claude", { kind: "out", reason: "not installed" } as const],
 *   ["opencode", { kind: "ready", failures: 0, notBefore: 0, reason: "" } as const],
 * ]);
 * const selection = selectAgent(state, ["claude", "opencode"], Date.now());
 * assertEquals(selection, { kind: "run", agent: "opencode" });
 * ```
 *
 * @param candidates The names of the agents, the preferred one first.
 * @param now The time now, in milliseconds since the epoch.
 */
export function selectAgent(
  state: FailoverState,
  candidates: readonly string[],
  now: number,
): AgentSelection {
  let wait: Extract<AgentSelection, { kind: "wait" }> | undefined;
  const reasons: { agent: string; reason: string }[] = [];
  for (const agent of candidates) {
    const its = state.get(agent) ?? { kind: "out", reason: "unknown agent" };
    switch (its.kind) {
      case "out":
        reasons.push({ agent, reason: its.reason });
        break;
      case "ready":
        if (its.notBefore <= now) return { kind: "run", agent };
        return { kind: "wait", agent, until: its.notBefore, reason: its.reason };
      case "cooling":
        if (its.until <= now) return { kind: "run", agent };
        reasons.push({ agent, reason: its.reason });
        if (its.healsByWaiting && (wait === undefined || its.until < wait.until)) {
          wait = { kind: "wait", agent, until: its.until, reason: its.reason };
        }
        break;
    }
  }
  return wait ?? { kind: "none", reasons };
}

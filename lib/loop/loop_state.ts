import { agentEnvironment } from "../agent/agent_environment.ts";
import { RUN_VARIABLE } from "../base/end_processes.ts";
import type { Agent } from "../agent/agent.ts";
import type { Usage } from "../event/agent_event.ts";
import type { GitSnapshot } from "../git/git_snapshot.ts";
import type { Prd } from "../task/prd/prd.ts";
import type { PrdReader } from "../task/prd/prd_reader.ts";
import type { FailoverRules, FailoverState } from "./decide/failover.ts";
import type { LoopControl } from "./loop_control.ts";
import type { LoopEvent, LoopEventBody } from "../event/loop_event.ts";
import type { RunLoopOptions } from "./loop_options.ts";

/** The state of a running loop: one object per loop, changed only by the files in this folder. */
export interface LoopState {
  /** The options that the loop was started with. */
  readonly options: RunLoopOptions;
  /** Its control. */
  readonly control: LoopControl;
  /** The agents by name. */
  readonly agents: ReadonlyMap<string, Agent>;
  /** The base of the agents' environment. */
  readonly env: Record<string, string | undefined>;
  /** The rules of failover. */
  readonly rules: FailoverRules;
  /** Reads prd.json. */
  readonly reader: PrdReader;
  /** The branch; absent on a detached HEAD. */
  readonly branch: string | undefined;
  /** When it started, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** The commit at its start. */
  readonly headAtStart: string | null;
  /** The clock. */
  readonly now: () => number;

  /** The last good PRD. */
  prd: Prd;
  /** What is wrong with prd.json, and since which iteration; absent if it is valid. */
  broken: { since: number; reported: number; problem: string } | undefined;
  /** Open stories that have disappeared from prd.json, by id. */
  vanished: Set<string>;
  /** The state of the agents. */
  failover: FailoverState;
  /** The agent of the last iteration, and whether it failed. */
  last: { agent: string; failed: boolean; reason: string; failures: number } | undefined;
  /** The repository after the last iteration. */
  snapshot: GitSnapshot;
  /** Iterations that were started. */
  iterations: number;
  /** Whether a story has passed since the start. */
  passedSince: boolean;
  /** Iterations in a row without a change. */
  unchanged: number;
  /** How often each story was attempted, by id. */
  attempts: Map<string, number>;
  /** How often checks failed for a story, by id. */
  checkFailures: Map<string, number>;
  /** What the next agent that works on a story must know, by id. */
  reasons: Map<string, string>;
  /** Skipped stories by id, each with the reason. */
  excluded: Map<string, string>;
  /** Iterations of each agent, by name. */
  agentCounts: Map<string, number>;
  /** Switches from one agent to another. */
  failovers: number;
  /** Whether the checks have succeeded since the last change of a story. */
  checksHold: boolean;
  /** The usage of all agents. */
  usage: Usage;
}

/** Adds the time to an event. */
export function stamp(state: Pick<LoopState, "now">, body: LoopEventBody): LoopEvent {
  return { time: new Date(state.now()).toISOString(), ...body };
}

/**
 * Builds the environment of an agent or a check.
 *
 * @param agent The name of the agent; `check` for a check.
 */
export function environmentFor(
  state: Pick<LoopState, "env" | "options">,
  agent: string,
): Record<string, string> {
  return {
    ...agentEnvironment(state.env, { agent }),
    ...state.options.agentVariables,
    [RUN_VARIABLE]: crypto.randomUUID(),
  };
}

/**
 * Lists the checks of a loop: the caller's, then the PRD's.
 *
 * @returns The command lines, without duplicates.
 */
export function checksOf(state: Pick<LoopState, "options" | "prd">): string[] {
  return [...new Set([...(state.options.checks ?? []), ...state.prd.checks])];
}

/**
 * Counts the stories of a PRD.
 *
 * @returns How many pass, of how many.
 */
export function countStories(prd: Prd): { done: number; total: number } {
  const done = prd.stories.filter((story) => story.passes).length;
  return { done, total: prd.stories.length };
}

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

/** What a running loop knows; one object a loop, changed only by the files of this folder. */
export interface LoopState {
  /** The options that the loop was started with. */
  readonly options: RunLoopOptions;
  /** How commands reach it. */
  readonly control: LoopControl;
  /** The agents by name. */
  readonly agents: ReadonlyMap<string, Agent>;
  /** The environment that the agents' own is made from. */
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
  /** What is wrong with prd.json now, and since which iteration; absent if nothing is. */
  broken: { since: number; reported: number; problem: string } | undefined;
  /** Stories that were open and have vanished from prd.json, by id. */
  vanished: Set<string>;
  /** Where the agents stand. */
  failover: FailoverState;
  /** The agent of the last iteration, and whether it failed. */
  last: { agent: string; failed: boolean; reason: string; failures: number } | undefined;
  /** The repository after the last iteration. */
  snapshot: GitSnapshot;
  /** Iterations that were begun. */
  iterations: number;
  /** Whether a story has passed since the start. */
  passedSince: boolean;
  /** Iterations in a row that changed nothing. */
  unchanged: number;
  /** How often each story was tried, by id. */
  attempts: Map<string, number>;
  /** How often checks failed for a story, by id. */
  checkFailures: Map<string, number>;
  /** What to tell the agent that tries a story next, by id. */
  reasons: Map<string, string>;
  /** Stories that are left alone, by id, with the reason. */
  excluded: Map<string, string>;
  /** Iterations of each agent, by name. */
  agentCounts: Map<string, number>;
  /** Switches from one agent to another. */
  failovers: number;
  /** Whether the checks have held since the last change of a story. */
  checksHold: boolean;
  /** What all agents have used. */
  usage: Usage;
}

/**
 * Gives an event its time.
 *
 * @param state The loop.
 * @param body What happened.
 * @returns The event.
 */
export function stamp(state: Pick<LoopState, "now">, body: LoopEventBody): LoopEvent {
  return { time: new Date(state.now()).toISOString(), ...body };
}

/**
 * Makes the environment of an agent or a check.
 *
 * @param state The loop.
 * @param agent The name of the agent; `check` for a check.
 * @returns The whole environment.
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
 * @param state The loop.
 * @returns The command lines, each once.
 */
export function checksOf(state: Pick<LoopState, "options" | "prd">): string[] {
  return [...new Set([...(state.options.checks ?? []), ...state.prd.checks])];
}

/**
 * Counts the stories of a PRD.
 *
 * @param prd The PRD.
 * @returns How many pass, of how many.
 */
export function countStories(prd: Prd): { done: number; total: number } {
  const done = prd.stories.filter((story) => story.passes).length;
  return { done, total: prd.stories.length };
}

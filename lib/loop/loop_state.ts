import type { Usage } from "../event/agent_event.ts";
import type { StoryCount } from "../event/loop_event.ts";
import { NO_USAGE } from "../event/usage.ts";
import type { GitSnapshot } from "../git/git_snapshot.ts";
import type { Prd } from "../task/prd/prd.ts";
import type { FailoverState } from "./decide/failover.ts";

/** What a loop knows of prd.json. */
export interface KnownPrd {
  /** The last good PRD. */
  readonly prd: Prd;
  /** What is wrong with prd.json now, and since which iteration; `undefined` if nothing is. */
  readonly broken: BrokenPrd | undefined;
  /** Ids of stories that were open and have vanished from prd.json. */
  readonly vanished: ReadonlySet<string>;
}

/** A prd.json that cannot be used. */
interface BrokenPrd {
  /** The iteration after which it was first found so. */
  readonly since: number;
  /** The iteration after which it was last reported. */
  readonly reported: number;
  /** What is wrong, in words. */
  readonly problem: string;
}

/** How the last iteration went for its agent. */
interface LastRun {
  /** The agent. */
  readonly agent: string;
  /** Whether it failed. */
  readonly failed: boolean;
  /** Why, in one line; empty if it did not. */
  readonly reason: string;
  /** Its failures in a row. */
  readonly failures: number;
}

/**
 * What a loop has learned so far: plain data that is never changed. Each step of the loop makes a
 * new one, by a function of `decide/`. What is fixed from the start is in `LoopContext`.
 */
export interface LoopState extends KnownPrd {
  /** Where the agents stand. */
  readonly failover: FailoverState;
  /** The last iteration; `undefined` before the first. */
  readonly last: LastRun | undefined;
  /** The repository after the last iteration. */
  readonly snapshot: GitSnapshot;
  /** Iterations that were begun. */
  readonly iterations: number;
  /** Whether a story has passed since the start. */
  readonly passedSince: boolean;
  /** Iterations in a row that changed nothing. */
  readonly unchanged: number;
  /** How often each story was tried, by id. */
  readonly attempts: ReadonlyMap<string, number>;
  /** How often checks failed for a story, by id. */
  readonly checkFailures: ReadonlyMap<string, number>;
  /** What to tell the agent that tries a story next, by id. */
  readonly reasons: ReadonlyMap<string, string>;
  /** Stories that are left alone, by id, with the reason. */
  readonly excluded: ReadonlyMap<string, string>;
  /** Iterations of each agent, by name. */
  readonly agentCounts: ReadonlyMap<string, number>;
  /** Switches from one agent to another. */
  readonly failovers: number;
  /** Whether the checks have held since the last change of a story. */
  readonly checksHold: boolean;
  /** What all agents have used. */
  readonly usage: Usage;
}

/** Makes the state of a loop that has done nothing yet. */
export function initialState(
  known: Pick<LoopState, "prd" | "failover" | "snapshot">,
): LoopState {
  return {
    ...known,
    broken: undefined,
    vanished: new Set(),
    last: undefined,
    iterations: 0,
    passedSince: false,
    unchanged: 0,
    attempts: new Map(),
    checkFailures: new Map(),
    reasons: new Map(),
    excluded: new Map(),
    agentCounts: new Map(),
    failovers: 0,
    checksHold: false,
    usage: NO_USAGE,
  };
}

/** Counts the stories of a PRD. */
export function countStories(prd: Prd): StoryCount {
  const done = prd.stories.filter((story) => story.passes).length;
  return { done, total: prd.stories.length };
}

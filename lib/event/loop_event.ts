import type { IterationOutcome, LoopOutcome } from "./vocabulary.ts";
import type { AgentEnding, AgentEvent, Denial, Usage } from "./agent_event.ts";

/** A story in an event. */
export interface StoryRef {
  /** Its id. */
  id: string;
  /** Its title. */
  title: string;
}

/** How many stories pass, of how many. */
export interface StoryCount {
  /** Stories that pass. */
  done: number;
  /** All stories. */
  total: number;
}

/** The limits of a loop; a limit that is absent is off. */
export interface LoopLimits {
  /** Maximum number of iterations. */
  iterations?: number | undefined;
  /** Maximum time in milliseconds, including waits. */
  timeMs?: number | undefined;
  /** Maximum cost in US dollars. */
  costUsd?: number | undefined;
  /** Maximum number of tokens, without those read from a cache. */
  tokens?: number | undefined;
  /** Maximum time for one iteration, in milliseconds. */
  iterationMs?: number | undefined;
  /** How long an agent may be silent, in milliseconds. */
  stallMs?: number | undefined;
}

/** A story that cannot run, and what it waits for. */
export interface BlockedStory extends StoryRef {
  /** The reason, such as `needs US-002` or `waits for a decision in decisions/db.md`. */
  reason: string;
}

/** What an iteration did. */
export interface IterationSummary {
  /** Its number, from 1. */
  iteration: number;
  /** The story that it worked on. */
  story: StoryRef;
  /** The agent. */
  agent: string;
  /** The requested model; absent for the agent's default. */
  model?: string | undefined;
  /** The agent's own conversation; absent if it has none. */
  agentSessionId?: string | undefined;
  /** Its outcome. */
  outcome: IterationOutcome;
  /** How the agent ended. */
  ending: AgentEnding;
  /** The last lines of the agent's stderr, if it failed. */
  stderrTail: string[];
  /** Permissions that the agent was refused. */
  denials: Denial[];
  /** The commit before; `null` in a repository without commits. */
  headBefore: string | null;
  /** The commit after. */
  headAfter: string | null;
  /** How many commits were made. */
  commits: number;
  /** Whether anything changed: a commit, the work tree or a story. */
  changed: boolean;
  /** Ids of the stories that pass now and did not before. */
  passed: string[];
  /** Stories done after it. */
  stories: StoryCount;
  /** How long it took, in milliseconds. */
  durationMs: number;
  /** The agent's usage; absent if it reports none. */
  usage?: Usage | undefined;
}

/** The result of a loop. */
export interface LoopResult {
  /** Its outcome. */
  outcome: LoopOutcome;
  /** The reason, in one line. */
  reason: string;
  /** Further lines, such as the failure of each agent. */
  details: string[];
  /** Iterations that were started. */
  iterations: number;
  /** Stories done. */
  stories: StoryCount;
  /** The open stories, each with what it waits for or how often it was attempted. */
  open: BlockedStory[];
  /** The branch; absent on a detached HEAD. */
  branch?: string | undefined;
  /** How many checks there were; 0 if only the agents' own marks count; absent in older logs. */
  checks?: number | undefined;
  /** Commits made since the start. */
  commits: number;
  /** Files changed since the start. */
  filesChanged: number;
  /** How many iterations each agent ran. */
  agents: Record<string, number>;
  /** How often the loop switched from one agent to another. */
  failovers: number;
  /** How long it took, in milliseconds. */
  durationMs: number;
  /** The usage of all agents together. */
  usage: Usage;
}

/** An event without its time. */
export type LoopEventBody =
  | {
    type: "loop_started";
    task: string;
    taskDir: string;
    root: string;
    branch?: string | undefined;
    /** What ralph started the branch from; absent where it did not make it. */
    base?: string | undefined;
    agent: string;
    limits: LoopLimits;
    stories: StoryCount;
    /** Whether a story that an agent marked as passed is verified before it counts. */
    verifies: boolean;
    /** How many checks there are; absent in logs of older versions. */
    checks?: number | undefined;
    /** Every story, in the order of the file, so that a reader can list them all. */
    list: (StoryRef & { passes: boolean; dependsOn: string[] })[];
  }
  /** Something that a person should know, but that does not end the loop. */
  | { type: "warning"; message: string }
  | { type: "progress_rotated"; file: string; iterations: number }
  | {
    type: "iteration_started";
    iteration: number;
    story: StoryRef;
    agent: string;
    model?: string | undefined;
    /** The commit before it; `null` in a repository without commits. */
    head: string | null;
    /** How often this story has been attempted in this loop, including this time. */
    attempt: number;
  }
  | { type: "agent"; iteration: number; event: AgentEvent }
  | { type: "check_started"; iteration: number; command: string }
  | {
    type: "check_finished";
    iteration: number;
    command: string;
    ok: boolean;
    durationMs: number;
    /** The last lines of its output, if it failed. */
    outputTail: string[];
  }
  /** A story that was marked as passed is open again, as it could not be verified. */
  | { type: "story_set_back"; iteration: number; story: StoryRef; reason: string }
  | ({ type: "iteration_finished"; failuresInRow: number } & IterationSummary)
  | {
    type: "failed_over";
    iteration: number;
    story: StoryRef;
    from: string;
    to: string;
    failuresInRow: number;
    reason: string;
  }
  | {
    type: "waiting";
    /** The reason. */
    reason: string;
    /** The agent that the loop waits for. */
    agent: string;
    /** Until when, in milliseconds since the epoch. */
    until: number;
  }
  | { type: "waited"; cancelled: boolean }
  /** The branch was published: pushed, proposed or merged, as far as that succeeded. */
  | {
    type: "published";
    branch: string;
    mergeTarget: string;
    pushed: boolean;
    merged: boolean;
    /** The address of the pull request. */
    pullRequest?: string | undefined;
    /** What failed, in one line. */
    problem?: string | undefined;
    /** What to do next by hand. */
    hint?: string | undefined;
  }
  | {
    type: "loop_finished";
    result: LoopResult;
    agent: string;
    maxIterations?: number | undefined;
  };

/** Something that happened in a loop, and when (ISO 8601, UTC). */
export type LoopEvent = { time: string } & LoopEventBody;

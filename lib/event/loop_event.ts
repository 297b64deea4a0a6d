import type { AgentEnding, AgentEvent, Denial, Usage } from "./agent_event.ts";

/** A story, as events name it. */
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
  /** Iterations at most. */
  iterations?: number;
  /** Time at most, in milliseconds, waits included. */
  timeMs?: number;
  /** Cost at most, in US dollars. */
  costUsd?: number;
  /** Tokens at most, without those read from a cache. */
  tokens?: number;
  /** Time at most for one iteration, in milliseconds. */
  iterationMs?: number;
  /** Silence at most of an agent, in milliseconds. */
  stallMs?: number;
}

/** A story that cannot run, and what it waits for. */
export interface BlockedStory extends StoryRef {
  /** Why, in words: `needs US-002`, `waits for a decision in decisions/db.md`. */
  reason: string;
}

/** What became of an iteration. */
export type IterationOutcome =
  /** Its story passes now. */
  | "passed"
  /** The agent ended well, and its story is still open. */
  | "open"
  /** A check failed, and the story was set back. */
  | "check_failed"
  /** The agent failed. */
  | "failed"
  /** A stop was asked for in the middle of it. */
  | "aborted";

/** What an iteration did. */
export interface IterationSummary {
  /** Its number, from 1. */
  iteration: number;
  /** The story that it worked on. */
  story: StoryRef;
  /** The agent. */
  agent: string;
  /** The model that was asked for; absent for the agent's default. */
  model?: string;
  /** The agent's own conversation; absent if it has none. */
  agentSessionId?: string;
  /** What became of it. */
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
  /** What the agent used; absent if it does not say. */
  usage?: Usage;
}

/** How a loop ended. */
export type LoopOutcome =
  /** Every story passes and every check holds. */
  | "completed"
  /** No agent is left, the task's files are broken, git fails, or an internal error. */
  | "failed"
  /** Nothing changed for too many iterations. */
  | "stagnated"
  /** A limit was reached with stories open. */
  | "limit"
  /** What is left waits for a decision or a dependency. */
  | "blocked"
  /** A stop was asked for. */
  | "stopped"
  /** A checkpoint was asked for. */
  | "checkpointed";

/** The last word about a loop. */
export interface LoopResult {
  /** How it ended. */
  outcome: LoopOutcome;
  /** Why, in one line. */
  reason: string;
  /** Further lines, such as the failure of each agent. */
  details: string[];
  /** Iterations that were begun. */
  iterations: number;
  /** Stories done. */
  stories: StoryCount;
  /** The stories that are open, each with what it waits for or how often it was tried. */
  open: BlockedStory[];
  /** The branch; absent on a detached HEAD. */
  branch?: string;
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
  /** What all agents used together. */
  usage: Usage;
}

/** What happened, without when. */
export type LoopEventBody =
  | {
    type: "loop_started";
    task: string;
    taskDir: string;
    root: string;
    branch?: string;
    agent: string;
    limits: LoopLimits;
    stories: StoryCount;
    /** Whether a story that is marked as passed is verified before it counts. */
    verifies: boolean;
    /** Every story, in the order of the file, so that a reader can list them all. */
    list: (StoryRef & { passes: boolean; dependsOn: string[] })[];
  }
  /** Something that a person should know, and that does not end the loop. */
  | { type: "warning"; message: string }
  | { type: "progress_rotated"; file: string; iterations: number }
  | {
    type: "iteration_started";
    iteration: number;
    story: StoryRef;
    agent: string;
    model?: string;
    /** The commit before it; `null` in a repository without commits. */
    head: string | null;
    /** How often this story has been tried in this loop, this time included. */
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
    /** Why, in words. */
    reason: string;
    /** The agent that is waited for. */
    agent: string;
    /** Until when, in milliseconds since the epoch. */
    until: number;
  }
  | { type: "waited"; cancelled: boolean }
  /** The branch was handed on to be merged, as far as that went. */
  | {
    type: "published";
    branch: string;
    mergeTarget: string;
    pushed: boolean;
    merged: boolean;
    /** The address of the pull request. */
    pullRequest?: string;
    /** What failed, in one line. */
    problem?: string;
    /** What to do next by hand. */
    hint?: string;
  }
  | { type: "loop_finished"; result: LoopResult; agent: string; maxIterations?: number };

/** A typed record of something that happened in a loop, and when (ISO 8601, UTC). */
export type LoopEvent = { time: string } & LoopEventBody;

import type { Usage } from "../../event/agent_event.ts";
import type { LoopResult, StoryCount, StoryRef } from "../../event/loop_event.ts";
import { NO_USAGE } from "../../event/usage.ts";

/** A story as the view shows it. */
export interface ViewStory extends StoryRef {
  /** Its state: done, being worked on, to do, or waiting for another story. */
  state: "passed" | "running" | "open" | "blocked";
  /** Ids that must pass first. */
  dependsOn: readonly string[];
  /** The agent that worked on it last; absent before its first attempt in this session. */
  agent?: string | undefined;
  /**
   * When its running iteration started, in milliseconds since the epoch; absent if none is running.
   */
  startedAt?: number | undefined;
  /** How long all its finished iterations took, in milliseconds. */
  durationMs: number;
  /** Commits that its iterations made. */
  commits: number;
  /** The last of these commits, in full; absent if there are none. */
  head?: string | undefined;
  /** Its attempts in this session. */
  attempts: number;
  /** Why it is open, if the end of the loop says so. */
  reason?: string | undefined;
}

/** Something that the user should notice. */
export interface ViewNotice {
  /** Its kind. */
  kind: "failover" | "warning" | "failure";
  /** What happened, such as `Failed over from claude to opencode`. */
  what: string;
  /** Why; empty if there is nothing to add. */
  why: string;
  /** When, in milliseconds since the epoch. */
  at: number;
}

/** What is known of the running iteration. */
export interface ViewIteration {
  /** The id of its story. */
  storyId: string;
  /** What the agent has used in it so far. */
  usage: Usage;
  /** The check that is running; absent if none is. */
  check?: string | undefined;
  /** The last lines of the agent and the checks, sanitized, at most {@linkcode MAX_LINES}. */
  lines: readonly string[];
}

/** The last result of a check. */
export interface ViewCheck {
  /** Its command line. */
  command: string;
  /** Whether it succeeded. */
  ok: boolean;
}

/**
 * Everything that a view of a loop shows: a fold of its events, whose size does not grow with them.
 */
export interface ViewState {
  /** The task's name; empty before the loop has started. */
  task: string;
  /** The branch; absent if there is none. */
  branch?: string | undefined;
  /** What ralph started the branch from; absent where it did not make it. */
  base?: string | undefined;
  /** When the loop started, in milliseconds since the epoch; absent before. */
  startedAt?: number | undefined;
  /** The number of the last iteration; 0 before the first. */
  iteration: number;
  /** Iteration limit; absent if there is none. */
  maxIterations?: number | undefined;
  /** Finished stories of all stories. */
  stories: StoryCount;
  /** Every story, in the order of the file. */
  list: readonly ViewStory[];
  /** The running iteration; absent between two. */
  current?: ViewIteration | undefined;
  /** What all finished iterations used. */
  usage: Usage;
  /** Recent notices, oldest first, at most {@linkcode MAX_NOTICES}. */
  notices: readonly ViewNotice[];
  /** The last result of each check, at most {@linkcode MAX_CHECKS}. */
  checks: readonly ViewCheck[];
  /** What the loop is waiting for, if it is. `until` is in milliseconds since the epoch. */
  waiting?: { agent: string; reason: string; until: number };
  /** How the loop ended; absent while it runs. */
  result?: LoopResult | undefined;
}

/** How many lines of the running agent a {@linkcode ViewState} keeps. */
export const MAX_LINES = 50;
/** How many notices a {@linkcode ViewState} keeps. */
export const MAX_NOTICES = 4;
/** How many checks a {@linkcode ViewState} keeps. */
export const MAX_CHECKS = 20;

/**
 * The view of a loop before its first event, for {@linkcode reduceView}.
 */
export function initialView(): ViewState {
  return {
    task: "",
    iteration: 0,
    stories: { done: 0, total: 0 },
    list: [],
    usage: NO_USAGE,
    notices: [],
    checks: [],
  };
}

/**
 * The entry of a story that nobody has worked on yet: open.
 */
export function newStory(story: StoryRef, dependsOn: readonly string[]): ViewStory {
  const { id, title } = story;
  return { id, title, state: "open", dependsOn, durationMs: 0, commits: 0, attempts: 0 };
}

/**
 * Ends the work on a story, if there is any: it is open until an event says otherwise.
 */
export function stopStory(story: ViewStory): ViewStory {
  const { startedAt: _, ...rest } = story;
  return story.state === "running" ? { ...rest, state: "open" } : rest;
}

/**
 * Marks stories as passed or open, keeping their order. The running one is left alone: its own
 * iteration decides.
 */
export function setPassed(
  list: readonly ViewStory[],
  ids: readonly string[],
  passed: boolean,
): ViewStory[] {
  return list.map((entry) => {
    if (!ids.includes(entry.id) || entry.state === "running") return entry;
    return { ...entry, state: passed ? "passed" : "open" };
  });
}

/**
 * Sets the list of stories, and with it which of them are waiting for others. `stories` defaults to
 * the previous count.
 */
export function withStories(
  state: ViewState,
  list: readonly ViewStory[],
  stories: StoryCount = state.stories,
): ViewState {
  const passed = new Set(list.filter((story) => story.state === "passed").map(({ id }) => id));
  return {
    ...state,
    stories,
    list: list.map((story) => {
      if (story.state === "passed" || story.state === "running") return story;
      const free = story.dependsOn.every((id) => passed.has(id));
      return { ...story, state: free ? "open" : "blocked" };
    }),
  };
}

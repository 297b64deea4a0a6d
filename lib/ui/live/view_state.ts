import type { Usage } from "../../event/agent_event.ts";
import type { LoopResult, StoryCount, StoryRef } from "../../event/loop_event.ts";
import { NO_USAGE } from "../../event/usage.ts";

/** A story as the view shows it. */
export interface ViewStory extends StoryRef {
  /** Where it stands: done, being worked on, to do, or waiting for another story. */
  state: "passed" | "running" | "open" | "blocked";
  /** Ids that must pass first. */
  dependsOn: readonly string[];
  /** Who worked on it last; absent if nobody has in this session. */
  agent?: string;
  /** When its running iteration began, in milliseconds since the epoch; absent if none is. */
  startedAt?: number;
  /** How long all its finished iterations took, in milliseconds. */
  durationMs: number;
  /** Commits that its iterations made. */
  commits: number;
  /** The last of these commits, in full; absent if there are none. */
  head?: string;
  /** How often it was tried in this session. */
  attempts: number;
  /** Why it is open, where the end of the loop says so. */
  reason?: string;
}

/** Something that a person should notice. */
export interface ViewNotice {
  /** What kind of thing it is. */
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
  /** What the agent used so far in it. */
  usage: Usage;
  /** The check that is running; absent if none is. */
  check?: string;
  /** The last lines of the agent and the checks, sanitized, at most {@linkcode MAX_LINES}. */
  lines: readonly string[];
}

/** How a check ended last. */
export interface ViewCheck {
  /** Its command line. */
  command: string;
  /** Whether it succeeded. */
  ok: boolean;
}

/** All that a view of a loop shows: a fold of its events, whose size does not grow with them. */
export interface ViewState {
  /** The task's name; empty before the loop has started. */
  task: string;
  /** The branch; absent if there is none. */
  branch?: string;
  /** When the loop started, in milliseconds since the epoch; absent before. */
  startedAt?: number;
  /** The number of the last iteration; 0 before the first. */
  iteration: number;
  /** Iterations at most; absent if there is no such limit. */
  maxIterations?: number;
  /** Stories done, of all. */
  stories: StoryCount;
  /** Every story, in the order of the file. */
  list: readonly ViewStory[];
  /** The running iteration; absent between two. */
  current?: ViewIteration;
  /** What all finished iterations used. */
  usage: Usage;
  /** What happened of late, oldest first, at most {@linkcode MAX_NOTICES}. */
  notices: readonly ViewNotice[];
  /** The checks, each as it ended last, at most {@linkcode MAX_CHECKS}. */
  checks: readonly ViewCheck[];
  /** What the loop waits for; absent if it does not. `until` is in milliseconds since the epoch. */
  waiting?: { agent: string; reason: string; until: number };
  /** How the loop ended; absent while it runs. */
  result?: LoopResult;
}

/** How many lines of the running agent a {@linkcode ViewState} keeps. */
export const MAX_LINES = 50;
/** How many notices a {@linkcode ViewState} keeps. */
export const MAX_NOTICES = 4;
/** How many checks a {@linkcode ViewState} keeps. */
export const MAX_CHECKS = 20;

/**
 * Makes the view of a loop of which nothing is known yet.
 *
 * @returns The state to give to {@linkcode reduceView} with the first event.
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
 * Makes the entry of a story on which nobody has worked yet.
 *
 * @param story The story.
 * @param dependsOn Ids that must pass first.
 * @returns Its entry, open.
 */
export function newStory(story: StoryRef, dependsOn: readonly string[]): ViewStory {
  const { id, title } = story;
  return { id, title, state: "open", dependsOn, durationMs: 0, commits: 0, attempts: 0 };
}

/**
 * Ends the work on a story, if there is any: it is open until something says otherwise.
 *
 * @param story The story.
 * @returns The story without a clock.
 */
export function stopStory(story: ViewStory): ViewStory {
  const { startedAt: _, ...rest } = story;
  return story.state === "running" ? { ...rest, state: "open" } : rest;
}

/**
 * Marks stories as passed or open. The running one is left alone, as its own
 * iteration has the last word on it.
 *
 * @param list The stories.
 * @param ids Which of them.
 * @param passed Whether they pass.
 * @returns The stories, in the same order.
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
 * Sets the list of stories, and with it which of them wait for others.
 *
 * @param state The view.
 * @param list The stories.
 * @param stories How many pass. Default: as before.
 * @returns The view with them.
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

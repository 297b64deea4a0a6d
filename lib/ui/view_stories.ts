import type { StoryCount, StoryRef } from "../event/loop_event.ts";
import type { ViewState, ViewStory } from "./view_state.ts";

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

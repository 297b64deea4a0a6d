import type { Prd, Story } from "../../task/prd/prd.ts";
import type { BlockedStory } from "../../event/loop_event.ts";

/** What {@linkcode chooseStory} found. */
export type StoryChoice =
  /** This story is next. */
  | { kind: "run"; story: Story }
  /** Every story passes. */
  | { kind: "completed" }
  /** Some stories are open, but none of them can run. */
  | { kind: "blocked"; blocked: BlockedStory[] };

/** Options for {@linkcode chooseStory}. */
export interface ChooseStoryOptions {
  /** Stories that must not run, by id, each with its reason. @default {none} */
  excluded?: ReadonlyMap<string, string> | undefined;
}

/**
 * Chooses the story that runs next: of those that are open and wait for nothing,
 * the one with the lowest priority value, the first in the file on a tie.
 *
 * A PRD without stories is not completed: it is blocked, with no reason per story.
 *
 * @example Usage
 * ```ts
 * import { chooseStory, parsePrd } from "@ralph/cli";
 * const prd = parsePrd('[{"id":"a","passes":true},{"id":"b","dependsOn":["a"]}]');
 * const choice = chooseStory(prd);
 * if (choice.kind === "run") choice.story.id; // "b"
 * ```
 *
 * @param prd The current PRD.
 * @returns The story to run, or why there is none.
 */
export function chooseStory(prd: Prd, options: ChooseStoryOptions = {}): StoryChoice {
  const open = prd.stories.filter((story) => !story.passes);
  if (open.length === 0 && prd.stories.length > 0) return { kind: "completed" };
  const passing = new Set(prd.stories.filter((story) => story.passes).map((story) => story.id));
  const known = new Set(prd.stories.map((story) => story.id));
  const blocked: BlockedStory[] = [];
  let next: Story | undefined;
  for (const story of open) {
    const reason = options.excluded?.get(story.id) ?? waitsFor(story, passing, known);
    if (reason !== undefined) blocked.push({ id: story.id, title: story.title, reason });
    else if (next === undefined || story.priority < next.priority) next = story;
  }
  return next === undefined ? { kind: "blocked", blocked } : { kind: "run", story: next };
}

function waitsFor(
  story: Story,
  passing: ReadonlySet<string>,
  known: ReadonlySet<string>,
): string | undefined {
  const missing = story.dependsOn.filter((id) => !passing.has(id));
  if (missing.length > 0) {
    const named = missing.map((id) => known.has(id) ? id : `${id} (not in prd.json)`);
    return `needs ${named.join(", ")}`;
  }
  if (story.decision?.status === "pending") {
    const file = story.decision.inputFile;
    return file === undefined ? "waits for a decision" : `waits for a decision in ${file}`;
  }
  return undefined;
}

import { changesBetween } from "../git/changes_between.ts";
import { gitSnapshot } from "../git/git_snapshot.ts";
import { GitError } from "../git/run_git.ts";
import { chooseStory } from "./decide/choose_story.ts";
import type { BlockedStory, LoopResult } from "../event/loop_event.ts";
import type { LoopOutcome } from "../event/vocabulary.ts";
import { countStories, type LoopState } from "./loop_state.ts";

/** Options for {@linkcode endLoop}. */
export interface EndLoopOptions {
  /** Further lines, such as the failure of each agent. @default {none} */
  details?: string[];
  /** The open stories. @default {those of the PRD} */
  open?: BlockedStory[];
}

/**
 * Makes the result of a loop that has ended.
 *
 * @param reason Why, in one line.
 * @returns The result of the loop.
 */
export async function endLoop(
  state: LoopState,
  outcome: LoopOutcome,
  reason: string,
  options: EndLoopOptions = {},
): Promise<LoopResult> {
  const { commits, filesChanged } = await changesOf(state);
  return {
    outcome,
    reason,
    details: options.details ?? [],
    iterations: state.iterations,
    stories: countStories(state.prd),
    open: options.open ?? openStories(state),
    ...(state.branch === undefined ? {} : { branch: state.branch }),
    commits,
    filesChanged,
    agents: Object.fromEntries(state.agentCounts),
    failovers: state.failovers,
    durationMs: state.now() - state.startedAt,
    usage: state.usage,
  };
}

async function changesOf(state: LoopState): Promise<{ commits: number; filesChanged: number }> {
  const { root } = state.options.task;
  try {
    const { head } = state.iterations === 0 ? state.snapshot : await gitSnapshot(root);
    if (head !== null && head !== state.headAtStart) {
      return await changesBetween(root, state.headAtStart, head);
    }
  } catch (error) {
    // If git fails here, the loop has ended because of it: this error must not hide the reason.
    if (!(error instanceof GitError)) throw error;
  }
  return { commits: 0, filesChanged: 0 };
}

function openStories(state: LoopState): BlockedStory[] {
  const choice = chooseStory(state.prd, { excluded: state.excluded });
  const waiting = new Map<string, string>();
  if (choice.kind === "blocked") {
    for (const { id, reason } of choice.blocked) waiting.set(id, reason);
  }
  return state.prd.stories.filter((story) => !story.passes).map(({ id, title, dependsOn }) => {
    const attempts = state.attempts.get(id) ?? 0;
    const needs = dependsOn.filter((each) =>
      state.prd.stories.some((story) => story.id === each && !story.passes)
    );
    const tried = attempts === 0 ? "" : attempts === 1 ? "1 attempt" : `${attempts} attempts`;
    const why = state.reasons.get(id);
    const reason = waiting.get(id) ??
      (tried !== ""
        ? (why === undefined ? tried : `${tried}: ${why.split("\n")[0]}`)
        : needs.length > 0
        ? `needs ${needs.join(", ")}`
        : "not tried");
    return { id, title, reason };
  });
}

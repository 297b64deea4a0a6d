import type { BlockedStory, LoopResult } from "../event/loop_event.ts";
import { findCommit } from "../git/ask_git.ts";
import { changesBetween } from "../git/changes_between.ts";
import { GitError } from "../git/run_git.ts";
import { chooseStory } from "./decide/choose_story.ts";
import type { LoopEnd } from "./decide/decide_step.ts";
import { checksOf, type LoopContext, withoutUndefined } from "./loop_context.ts";
import { countStories, type LoopState } from "./loop_state.ts";

/** Sums up a loop that ends. */
export async function endLoop(
  context: LoopContext,
  state: LoopState,
  { outcome, reason, details = [], open = openStories(state) }: LoopEnd,
): Promise<LoopResult> {
  const { commits, filesChanged } = await changesOf(context, state);
  return withoutUndefined({
    outcome,
    reason,
    details: [...details],
    iterations: state.iterations,
    stories: countStories(state.prd),
    open: [...open],
    branch: context.branch,
    checks: checksOf(context.options, state.prd).length,
    commits,
    filesChanged,
    agents: Object.fromEntries(state.agentCounts),
    failovers: state.failovers,
    durationMs: context.elapsedMs(),
    usage: state.usage,
  });
}

async function changesOf(
  { options, headAtStart, branch }: LoopContext,
  state: LoopState,
): Promise<{ commits: number; filesChanged: number }> {
  const { root } = options.task;
  try {
    // What is checked out is not asked: an agent may have left the branch, and been last.
    const name = branch === undefined ? "HEAD" : `refs/heads/${branch}`;
    const head = state.iterations === 0
      ? state.snapshot.head
      : await findCommit(name, { cwd: root });
    if (head && head !== headAtStart) {
      return await changesBetween(root, headAtStart, head);
    }
  } catch (error) {
    // Where git fails the loop has ended because of it: that must not hide why.
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

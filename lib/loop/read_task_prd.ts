import type { Prd } from "../task/prd/prd.ts";
import type { LoopEvent } from "../event/loop_event.ts";
import { type LoopState, stamp } from "./loop_state.ts";

/** Iterations that a broken prd.json is left to the agents to mend. */
const BROKEN_ITERATIONS_MAX = 3;

/**
 * Reads prd.json into the state of a loop. A file that cannot be used is never an
 * empty or a finished one: the last good copy stands in for it, with a warning,
 * and after three iterations the loop has to end.
 *
 * @param state The loop.
 * @returns Warnings, and at the end why the loop cannot go on, if it cannot.
 */
export async function* readTaskPrd(
  state: LoopState,
): AsyncGenerator<LoopEvent, string | undefined> {
  const { prd, stale } = await state.reader.read();
  const emptied = stale === undefined && prd.stories.length === 0;
  if (stale === undefined && !emptied) {
    state.broken = undefined;
    const gone = vanishedStories(state.prd, prd);
    for (const id of prd.stories.map((story) => story.id)) state.vanished.delete(id);
    for (const id of gone) state.vanished.add(id);
    state.prd = prd;
    if (gone.length > 0) {
      const message = `Open stories have vanished from prd.json: ${gone.join(", ")}`;
      yield stamp(state, { type: "warning", message });
    }
    return undefined;
  }
  const problem = stale?.message ?? `${state.options.task.prdFile} has no stories any more`;
  const { iterations } = state;
  const { since, reported } = state.broken ?? { since: iterations, reported: -1 };
  state.broken = { since, reported: iterations, problem };
  if (reported !== iterations) {
    const message = `${problem}; going on with the last good copy`;
    yield stamp(state, { type: "warning", message });
  }
  const overdue = iterations - since >= BROKEN_ITERATIONS_MAX;
  return overdue ? `prd.json stays broken: ${problem}` : undefined;
}

/** An agent that rewrites prd.json must not finish a task by forgetting its stories. */
function vanishedStories(before: Prd, after: Prd): string[] {
  const ids = new Set(after.stories.map((story) => story.id));
  return before.stories.filter((story) => !story.passes && !ids.has(story.id)).map((each) =>
    each.id
  );
}

import type { Prd } from "../task/prd/prd.ts";
import type { LoopEvent } from "../event/loop_event.ts";
import { type LoopState, stamp } from "./loop_state.ts";

/** How many iterations the agents have to fix a broken prd.json. */
const BROKEN_ITERATIONS_MAX = 3;

/**
 * Reads prd.json into the state of a loop. A file that cannot be read never counts as empty or
 * finished: the last good copy is used instead, with a warning, and after three iterations the loop
 * ends.
 *
 * @returns Yields warnings; returns why the loop cannot continue, if it cannot.
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
  const problem = stale?.message ?? `${state.options.task.prdFile} no longer has any stories`;
  const { iterations } = state;
  const { since, reported } = state.broken ?? { since: iterations, reported: -1 };
  state.broken = { since, reported: iterations, problem };
  if (reported !== iterations) {
    const message = `${problem}; going on with the last good copy`;
    yield stamp(state, { type: "warning", message });
  }
  const overdue = iterations - since >= BROKEN_ITERATIONS_MAX;
  return overdue ? `prd.json is still broken: ${problem}` : undefined;
}

/** An agent that rewrites prd.json must not finish a task by forgetting its stories. */
function vanishedStories(before: Prd, after: Prd): string[] {
  const ids = new Set(after.stories.map((story) => story.id));
  return before.stories.filter((story) => !story.passes && !ids.has(story.id)).map((each) =>
    each.id
  );
}

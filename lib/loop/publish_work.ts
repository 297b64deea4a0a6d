import type { Prd } from "../task/prd/prd.ts";
import type { LoopEvent, LoopResult } from "../event/loop_event.ts";
import { type LoopState, stamp } from "./loop_state.ts";
import { publishBranch } from "./publish_branch.ts";

/**
 * Hands the work of a loop that is completed on as prd.json asks. What fails is said, and
 * takes nothing back.
 *
 * @param state The loop.
 * @param result How it has ended.
 * @returns What was done.
 */
export async function* publishWork(
  state: LoopState,
  result: LoopResult,
): AsyncGenerator<LoopEvent, void> {
  const { branch, prd, options, env, control } = state;
  if (prd.mergeTarget === null || branch === undefined || branch === prd.mergeTarget) return;
  const report = await publishBranch(options.task, {
    branch,
    mergeTarget: prd.mergeTarget,
    autoMerge: prd.autoMerge,
    title: prd.description.split("\n")[0] || prd.project || options.task.name,
    body: pullRequestBody(prd, result),
    env,
    signal: control.stopSignal,
  }).catch((error: unknown) => {
    if (control.stopSignal.aborted) return undefined;
    throw error;
  });
  if (report === undefined) return;
  yield stamp(state, { type: "published", branch, mergeTarget: prd.mergeTarget, ...report });
}

function pullRequestBody(prd: Prd, result: LoopResult): string {
  const stories = prd.stories.map(({ id, title }) => `- [x] ${id}: ${title}`);
  const agents = Object.entries(result.agents).map(([name, count]) => `${name} ${count}`);
  const by = agents.length === 0 ? "" : ` (${agents.join(", ")})`;
  return [
    prd.description,
    "",
    ...stories,
    "",
    `${result.iterations} iterations${by}, run by ralph.`,
  ].join("\n").trim();
}

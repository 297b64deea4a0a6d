import type { LoopEvent } from "../event/loop_event.ts";
import { checkedOutBranch } from "../git/checked_out_branch.ts";
import { PrdError, type Story } from "../task/prd/prd.ts";
import { readPrd } from "../task/prd/read_prd.ts";
import { type LeftBranch, takeBackBranch } from "./branch/take_back_branch.ts";
import { type LoopContext, stamp } from "./loop_context.ts";
import type { LoopState } from "./loop_state.ts";

/** What an agent did that left the branch of its task. */
export interface Strayed extends LeftBranch {
  /** The stories that pass according to the prd.json of where it went. */
  passing: Story[];
}

/**
 * Sees to it that a loop goes on on its own branch, and that its agent's work is reported where it
 * is.
 *
 * @param state What the loop knew when the agent began.
 * @returns Warnings, and at the end what the agent did; `undefined` if it stayed on the branch.
 */
export async function* keepBranch(
  context: LoopContext,
  state: LoopState,
): AsyncGenerator<LoopEvent, Strayed | undefined> {
  const { branch, options: { task } } = context;
  if (branch === undefined || await checkedOutBranch(task.root) === branch) return undefined;
  const passing = await passingIn(task.prdFile);
  const left = await takeBackBranch(task, { branch, before: state.snapshot.head });
  if (left === undefined) return undefined;
  for (const message of left.warnings) yield stamp(context, { type: "warning", message });
  return { ...left, passing };
}

async function passingIn(file: string): Promise<Story[]> {
  try {
    return (await readPrd(file)).stories.filter(({ passes }) => passes);
  } catch (error) {
    // Where the agent went there may be no such file.
    if (error instanceof PrdError) return [];
    throw error;
  }
}

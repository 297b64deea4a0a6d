import { canonicalJson } from "../../guard/trust/executables.ts";
import { openTrustStore } from "../../guard/trust/trust_store.ts";
import { type JudgedPrd, judgedPrd, NO_JUDGED_PRD } from "../../guard/trust/trusted_content.ts";
import { sessionPaths } from "../../session/model/session_paths.ts";
import type { Prd } from "../../task/prd/prd.ts";
import { isInsideSession } from "./open_trust.ts";

/** A prd.json that `ralph convert` has written. */
export interface ConvertedTask {
  /** The root of the work tree. */
  root: string;
  /** The path of the task's folder from there. */
  task: string;
  /** What it was before; `undefined` if there was none. */
  previous: Prd | undefined;
  /** What it is now. */
  prd: Prd;
}

/**
 * Accepts what a conversion has changed of what judges: a person typed the command. What it merely
 * kept of the file before is as accepted as it was.
 */
export async function acceptConverted(
  { root, task, previous, prd }: ConvertedTask,
  env: Record<string, string | undefined>,
): Promise<void> {
  if (isInsideSession(env)) return;
  const before = previous === undefined ? NO_JUDGED_PRD : judgedPrd(previous);
  const changes = Object.entries(judgedPrd(prd)).filter(([key, value]) =>
    canonicalJson(value) !== canonicalJson(before[key as keyof JudgedPrd])
  );
  if (changes.length === 0) return;
  const store = await openTrustStore(root, sessionPaths(env));
  await store.update((record) => {
    const { prd: accepted = NO_JUDGED_PRD, prompt = null } = record.tasks[task] ?? {};
    const now: JudgedPrd = { ...accepted, ...Object.fromEntries(changes) };
    return { ...record, tasks: { ...record.tasks, [task]: { prd: now, prompt } } };
  });
}

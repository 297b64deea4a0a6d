import { runGit, type RunGitOptions } from "../../git/run_git.ts";
import type { Task } from "../../task/task.ts";
import { DirtyTreeError, explainSwitchError, nameFiles } from "./switch_error.ts";
import { commitNotes, noteOwner, onlyMarksDiffer } from "./task_notes.ts";

/** Options for {@linkcode switchBranch}. */
export interface SwitchBranchOptions {
  /** The branch to switch to, for messages. */
  branch: string;
  /** The branch that is left; `undefined` on a detached HEAD. */
  from: string | undefined;
  /** The arguments of `git switch`. */
  args: readonly string[];
  /** Where to run git, and a signal that stops it. */
  run: RunGitOptions;
}

/**
 * Switches to a branch. What ralph itself noted is never in the way: where git refuses to overwrite
 * it, it is committed on the branch that is left.
 *
 * @returns The files that were committed.
 * @throws {SwitchError} If git cannot switch.
 */
export async function switchBranch(task: Task, options: SwitchBranchOptions): Promise<string[]> {
  const { branch, from, args, run } = options;
  const change = async () => {
    try {
      // Ignored files are overwritten silently by default, and progress.txt may be one.
      await runGit(["switch", "--quiet", "--no-overwrite-ignore", ...args], run);
    } catch (error) {
      throw explainSwitchError(branch, error);
    }
  };
  try {
    await change();
    return [];
  } catch (error) {
    if (!(error instanceof DirtyTreeError) || from === undefined) throw error;
    const { files } = error;
    for (const file of files) if (!await isNote(file, task, run)) throw error;
    if (!await commitNotes(files, task, run)) throw error;
    await change();
    return files;
  }
}

/** In words, that notes were committed. */
export function saidCommitted(files: readonly string[], branch: string): string {
  return `Committed ${nameFiles(files)} on ${branch}, before leaving it`;
}

async function isNote(file: string, task: Task, run: RunGitOptions): Promise<boolean> {
  const owner = noteOwner(file, task);
  if (owner === undefined) return false;
  // The loop would read another PRD than the one that the user has just edited.
  const isOwnPrd = owner === task.name && file.endsWith("prd.json");
  return !isOwnPrd || await onlyMarksDiffer(file, run);
}

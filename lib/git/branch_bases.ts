import { askGit } from "./ask_git.ts";
import { runGit, type RunGitOptions } from "./run_git.ts";

/**
 * Reads where branches started, as recorded by {@linkcode recordBranchBase}.
 *
 * @returns What each of them started from, by the name of the branch.
 */
export async function readBranchBases(options: RunGitOptions): Promise<Map<string, string>> {
  const args = ["config", "--local", "-z", "--get-regexp", "^branch\\..*\\.ralph-base$"];
  const output = (await askGit(args, options)) ?? "";
  const records = output.split("\0").filter((record) => record !== "");
  return new Map(records.map((record) => {
    const [key = "", base = ""] = record.split("\n");
    return [key.slice("branch.".length, -".ralph-base".length), base];
  }));
}

/**
 * Records what a branch started from, which git itself forgets. The record is renamed and deleted
 * with the branch.
 */
export async function recordBranchBase(
  branch: string,
  base: string,
  options: RunGitOptions,
): Promise<void> {
  await runGit(["config", "--local", `branch.${branch}.ralph-base`, base], options);
}

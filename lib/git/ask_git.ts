import { GitError, runGit, type RunGitOptions } from "./run_git.ts";

/**
 * Runs a git command that answers "there is none" with exit code 1.
 *
 * @returns What it wrote, without white space around it; `undefined` if there is none.
 * @throws {GitError} If it fails otherwise.
 */
export async function askGit(
  args: readonly string[],
  options: RunGitOptions,
): Promise<string | undefined> {
  try {
    return (await runGit(args, options)).trim();
  } catch (error) {
    if (error instanceof GitError && error.exitCode === 1) return undefined;
    throw error;
  }
}

/**
 * Finds the commit that a name stands for.
 *
 * @param name A branch, a tag, a full ref or a commit; git takes it as it is.
 * @returns Its full hash; `undefined` if there is none.
 */
export function findCommit(name: string, options: RunGitOptions): Promise<string | undefined> {
  return askGit(["rev-parse", "--verify", "--quiet", `${name}^{commit}`], options);
}

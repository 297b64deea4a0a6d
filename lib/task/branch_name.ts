import { findBranchProblem } from "./find_branch_problem.ts";

/** Thrown if a name cannot be that of a branch. */
export class InvalidBranchNameError extends Error {
  /** The name of the class. */
  override name = "InvalidBranchNameError";
  /** What was given. */
  readonly branchName: string;

  /**
   * Makes the error.
   *
   * @param branchName What was given.
   * @param problem What is wrong with it, to stand behind "the name".
   */
  constructor(branchName: string, problem: string) {
    super(`Cannot use ${JSON.stringify(branchName)} as a branch name: it ${problem}`);
    this.branchName = branchName;
  }
}

/**
 * Checks that a name can be that of a branch before git sees it: what passes is
 * never taken for an option, a range or an expression such as `@{-1}`.
 *
 * @example Usage
 * ```ts
 * import { checkBranchName } from "@ralph/cli";
 *
 * checkBranchName("ralph/my-feature");
 * ```
 *
 * @param name The name.
 * @throws {InvalidBranchNameError} If it cannot be one.
 */
export function checkBranchName(name: string): void {
  const problem = findBranchProblem(name);
  if (problem !== undefined) throw new InvalidBranchNameError(name, problem);
}

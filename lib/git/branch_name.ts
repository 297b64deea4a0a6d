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
 * import { checkBranchName } from "./branch_name.ts";
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

/**
 * Says why a name from outside must not be used as the name of a git branch.
 *
 * The rules are those of `git check-ref-format --branch`.
 *
 * @example Usage
 * ```ts
 * import { findBranchProblem } from "./branch_name.ts";
 * import { assertEquals } from "@std/assert";
 * assertEquals(findBranchProblem("ralph/my-feature"), undefined);
 * assertEquals(findBranchProblem("--force"), 'starts with "-"');
 * ```
 *
 * @param name The name.
 * @returns The problem, to stand behind "the name"; `undefined` if there is none.
 */
export function findBranchProblem(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name.startsWith("-")) return 'starts with "-"';
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x1f\x7f]/.test(name)) return "holds a control character";
  if (name.includes("..")) return 'holds ".."';
  const bad = /[ ~^:?*[\\]|@\{|\/\//.exec(name)?.[0];
  if (bad !== undefined) return `holds "${bad}"`;
  if (name === "@" || name === "HEAD") return "means something else to git";
  if (name.startsWith("/") || name.endsWith("/")) return 'starts or ends with "/"';
  if (name.endsWith(".")) return 'ends with "."';
  const part = name.split("/").find((part) => part.startsWith(".") || part.endsWith(".lock"));
  return part === undefined ? undefined : `holds the part "${part}"`;
}

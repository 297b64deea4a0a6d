/** Thrown if a name cannot be the name of a branch. */
export class InvalidBranchNameError extends Error {
  /** The name of the class. */
  override name = "InvalidBranchNameError";
  /** The name as it was given. */
  readonly branchName: string;

  /** `problem` follows the word "it" in the message. */
  constructor(branchName: string, problem: string) {
    super(`Cannot use ${JSON.stringify(branchName)} as a branch name: it ${problem}`);
    this.branchName = branchName;
  }
}

/**
 * Checks a branch name before git sees it: git never takes a name that passes for an option, a
 * range or an expression such as `@{-1}`.
 *
 * @example Usage
 * ```ts
 * import { checkBranchName } from "./branch_name.ts";
 *
 * checkBranchName("ralph/my-feature");
 * ```
 *
 * @throws {InvalidBranchNameError} If it cannot be a branch name.
 */
export function checkBranchName(name: string): void {
  const problem = findBranchProblem(name);
  if (problem !== undefined) throw new InvalidBranchNameError(name, problem);
}

/**
 * Explains why an untrusted name must not be used as the name of a git branch.
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
 * @returns The problem, worded to follow "the name"; `undefined` if there is none.
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

import { findBranchProblem } from "../git/branch_name.ts";

/**
 * Reads what the section `## Merge Target` of a prd.md says. Pure.
 *
 * @param line Its first line: a branch name, in backticks or alone or with a remark behind it
 * (`main - after the release`), or `None`, with or without a reason.
 * @returns The branch; `null` for none; `undefined` if the line is not understood.
 */
export function readMergeTarget(line: string): string | null | undefined {
  const text = line.trim().replace(/^[-*+]\s+/, "");
  const bare = text.replace(/^[*_`]+/, "");
  if (/^(none|n\/a|no)(?![\w/-])/i.test(bare)) return null;
  const name = /^[*_]*`([^`]+)`/.exec(text)?.[1] ??
    /^(\S+?)[*_]*[.,;:]?(?:\s+(?:[-–—(].*)|$)/.exec(bare)?.[1];
  if (name === undefined || /^(tbd|todo|unknown|undecided)$/i.test(name)) return undefined;
  return findBranchProblem(name) === undefined ? name : undefined;
}

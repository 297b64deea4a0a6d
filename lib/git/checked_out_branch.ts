import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isNotFound } from "../base/error_code.ts";
import { askGit } from "./ask_git.ts";
import { findGitDir } from "./find_git_root.ts";

const BRANCH = /^(?:ref: )?refs\/heads\/(.+)$/;

/**
 * Finds the branch that is checked out, mostly without starting git. HEAD is detached while a
 * branch is rebased; that branch counts as checked out.
 *
 * @param root The root of the work tree.
 * @returns Its name; `undefined` on a detached HEAD.
 */
export async function checkedOutBranch(root: string): Promise<string | undefined> {
  const dir = await findGitDir(root);
  const branch = BRANCH.exec((await readLine(join(dir, "HEAD"))) ?? "")?.[1];
  // Where refs are kept in tables, the file HEAD is only there for programs that expect it.
  if (branch === ".invalid") {
    return await askGit(["symbolic-ref", "--quiet", "--short", "HEAD"], { cwd: root });
  }
  if (branch !== undefined) return branch;
  for (const folder of ["rebase-merge", "rebase-apply"]) {
    const rebased = BRANCH.exec((await readLine(join(dir, folder, "head-name"))) ?? "")?.[1];
    if (rebased !== undefined) return rebased;
  }
  return undefined;
}

async function readLine(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

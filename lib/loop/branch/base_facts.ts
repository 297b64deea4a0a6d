import { join } from "node:path";
import { askGit, findCommit } from "../../git/ask_git.ts";
import { readBranchBases } from "../../git/branch_bases.ts";
import type { RunGitOptions } from "../../git/run_git.ts";
import { listTasks } from "../../task/list_tasks.ts";
import { PrdError } from "../../task/prd/prd.ts";
import { readPrd } from "../../task/prd/read_prd.ts";
import type { Task } from "../../task/task.ts";
import type { BaseFacts } from "./choose_base.ts";
import { findRefs } from "./find_refs.ts";

/** The part of {@linkcode BaseFacts} that the caller knows. */
export type KnownBaseFacts = Pick<BaseFacts, "branch" | "asked" | "current" | "head">;

/** Finds out what is needed to choose the start of a new branch. */
export async function gatherBaseFacts(
  task: Task,
  known: KnownBaseFacts,
  options: RunGitOptions,
): Promise<BaseFacts> {
  const [defaultBranch, startedFrom, taskBranches] = await Promise.all([
    findDefaultBranch(options),
    existingBases(options),
    branchesOfOthers(task),
  ]);
  return { ...known, defaultBranch, startedFrom, taskBranches };
}

/** Finds the commit of a branch, a tag or a commit; of a remote's branch if only a remote has it. */
export async function findStart(
  name: string,
  options: RunGitOptions,
): Promise<string | undefined> {
  const local = await findCommit(name, options);
  if (local !== undefined) return local;
  const remote = (await findRefs(name, options)).find((ref) => ref.startsWith("refs/remotes/"));
  return remote === undefined ? undefined : await findCommit(remote, options);
}

async function findDefaultBranch(options: RunGitOptions): Promise<string | undefined> {
  const prefix = "refs/remotes/origin/";
  const head = await askGit(["symbolic-ref", "--quiet", `${prefix}HEAD`], options);
  const names = ["main", "master"];
  if (head?.startsWith(prefix)) names.unshift(head.slice(prefix.length));
  for (const name of names) if (await findStart(name, options) !== undefined) return name;
  return undefined;
}

async function existingBases(options: RunGitOptions): Promise<BaseFacts["startedFrom"]> {
  const bases = await readBranchBases(options);
  return new Map(
    await Promise.all([...bases].map(async ([branch, base]) => {
      const exists = await findStart(base, options) !== undefined;
      return [branch, exists ? base : undefined] as const;
    })),
  );
}

async function branchesOfOthers(task: Task): Promise<Map<string, string>> {
  const others = (await listTasks(task.root)).filter(({ dir, hasPrd }) =>
    hasPrd && dir !== task.dir
  );
  const branches = new Map<string, string>();
  for (const { name, dir } of others) {
    const branch = await branchOfTask(dir);
    if (branch !== null) branches.set(branch, name);
  }
  return branches;
}

/** The branch that the PRD in a folder names; `null` if it names none or cannot be read. */
export async function branchOfTask(dir: string): Promise<string | null> {
  try {
    return (await readPrd(join(dir, "prd.json"))).branchName;
  } catch (error) {
    if (error instanceof PrdError) return null;
    throw error;
  }
}

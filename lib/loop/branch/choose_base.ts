/** What is known when a new branch is to be made. */
export interface BaseFacts {
  /** The branch to make. */
  branch: string;
  /** What the user asked for; `undefined` if nothing. */
  asked: string | undefined;
  /** The branch that is checked out; `undefined` on a detached HEAD. */
  current: string | undefined;
  /** The commit that is checked out; `null` before the first one. */
  head: string | null;
  /** The default branch of the repository; `undefined` if it has none. */
  defaultBranch: string | undefined;
  /** Where the branches that ralph made started; `undefined` where that is gone. */
  startedFrom: ReadonlyMap<string, string | undefined>;
  /** The tasks of the other branches, by the name of the branch. */
  taskBranches: ReadonlyMap<string, string>;
}

/** What a new branch starts from. */
export interface BaseChoice {
  /** A branch, a tag or a commit; `undefined` before the first commit. */
  base: string | undefined;
  /** What a person should know about it; `undefined` if there is nothing. */
  warning: string | undefined;
}

/**
 * Chooses what a new branch starts from: what the user asked for, else the current branch. The
 * branch of another task is no start for this one: what that branch itself started from is, and
 * where that is not known, the default branch.
 */
export function chooseBase(facts: BaseFacts): BaseChoice {
  const { asked, current, head, defaultBranch, startedFrom } = facts;
  if (asked !== undefined) return withWarning(asked, facts);
  if (head === null) return { base: undefined, warning: undefined };
  if (current === undefined) return { base: head.slice(0, 12), warning: undefined };
  const seen = new Set<string>();
  for (let base: string | undefined = current; base !== undefined; base = startedFrom.get(base)) {
    if (!isOfOtherTask(base, facts)) return { base, warning: undefined };
    // Records of branches that were renamed may lead in a circle.
    if (seen.has(base)) break;
    seen.add(base);
  }
  return withWarning(defaultBranch ?? current, facts);
}

/** Tasks that work on the default branch itself do not make it theirs. */
function isOfOtherTask(
  name: string,
  { branch, defaultBranch, startedFrom, taskBranches }: BaseFacts,
): boolean {
  if (name === defaultBranch || name === branch) return false;
  return startedFrom.has(name) || taskBranches.has(name);
}

function withWarning(base: string, facts: BaseFacts): BaseChoice {
  if (!isOfOtherTask(base, facts)) return { base, warning: undefined };
  const task = facts.taskBranches.get(base);
  const whose = task === undefined ? "the branch of another task" : `the branch of task "${task}"`;
  const warning = `${facts.branch} starts from ${base}, ${whose}: its commits come along`;
  return { base, warning };
}

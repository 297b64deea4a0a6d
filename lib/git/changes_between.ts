import { runGit } from "./run_git.ts";

/** How much changed between two commits. */
export interface Changes {
  /** Commits in the history of the later one that are not in the history of the earlier one. */
  commits: number;
  /** Files that differ between the two. */
  filesChanged: number;
}

/** Options for {@linkcode changesBetween}. */
export interface ChangesBetweenOptions {
  /** Stops git, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Counts what changed between two commits.
 *
 * @example Usage
 * ```ts
 * import { changesBetween } from "./changes_between.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const same = "a29fe2880b866c9c09a06ec4b808312da3b70208";
 * assertEquals(await changesBetween(".", same, same), { commits: 0, filesChanged: 0 });
 * ```
 *
 * @param root The root of the repository.
 * @param before The earlier commit; `null` for the state before the first one.
 * @param after The later commit; `null` if there is none yet.
 * @returns How many commits and files.
 * @throws {GitError} If git fails, for example because it does not know a commit.
 */
export async function changesBetween(
  root: string,
  before: string | null,
  after: string | null,
  options: ChangesBetweenOptions = {},
): Promise<Changes> {
  if (after === null || before === after) return { commits: 0, filesChanged: 0 };
  const git = (args: string[]) => runGit(args, { cwd: root, ...options });
  const range = before === null ? after : `${before}..${after}`;
  const listing = before === null
    ? git(["ls-tree", "-r", "-z", "--name-only", "--full-tree", "--end-of-options", after])
    : git(["diff", "--name-only", "-z", "--end-of-options", before, after, "--"]);
  const counting = git(["rev-list", "--count", "--end-of-options", range, "--"]);
  // Both have ended before an error is thrown: nobody would wait for the other.
  await Promise.allSettled([listing, counting]);
  const [count, names] = await Promise.all([counting, listing]);
  return { commits: Number(count), filesChanged: names.split("\0").length - 1 };
}

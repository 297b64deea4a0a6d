import { runGit, type RunGitOptions } from "../../git/run_git.ts";

/** Finds the local branch of a name and those of remotes, `origin` before others. */
export async function findRefs(name: string, options: RunGitOptions): Promise<string[]> {
  const patterns = [`refs/heads/${name}`, `refs/remotes/*/${name}`];
  const output = await runGit(["for-each-ref", "--format=%(refname)", ...patterns], options);
  return output.split("\n")
    // A pattern also matches names below it: `x` matches the branch `x/y`.
    .filter((ref) =>
      ref === patterns[0] || ref.replace(/^(refs\/remotes\/)[^/]+/, "$1*") === patterns[1]
    )
    .sort((a, b) => Number(isOrigin(b)) - Number(isOrigin(a)));
}

function isOrigin(ref: string): boolean {
  return ref.startsWith("refs/remotes/origin/");
}

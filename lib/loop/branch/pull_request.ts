import type { ProgramResult } from "../../base/run_program.ts";

/** A pull request, as `gh` reports it. */
export interface PullRequest {
  /** Its address. */
  url: string;
  /** Its state: `OPEN`, `CLOSED` or `MERGED`. */
  state: string;
  /** The branch that it is merged into. */
  base: string;
  /** Its last commit. */
  head: string;
}

/**
 * Asks `gh` for the newest pull request of a branch.
 *
 * @param run Runs a command in the repository.
 * @returns The pull request; `undefined` if there is none, or gh fails.
 */
export async function findPullRequest(
  branch: string,
  run: (command: readonly string[]) => Promise<ProgramResult>,
): Promise<PullRequest | undefined> {
  const fields = "url,state,baseRefName,headRefOid";
  const { reason, stdout } = await run(["gh", "pr", "view", branch, "--json", fields]);
  if (reason !== "") return undefined;
  try {
    const { url, state, baseRefName, headRefOid } = JSON.parse(stdout) as Record<string, unknown>;
    if (typeof url !== "string") return undefined;
    return { url, state: `${state}`, base: `${baseRefName}`, head: `${headRefOid}` };
  } catch {
    // Ignored: opening a pull request reports the same problem.
    return undefined;
  }
}

import process from "node:process";
import { agentEnvironment } from "../../agent/agent_environment.ts";
import { errorMessage } from "../../base/error_code.ts";
import { findProgram } from "../../base/find_program.ts";
import { findSecrets, maskSecrets } from "../../base/mask_secrets.ts";
import { type ProgramResult, runProgram } from "../../base/run_program.ts";
import type { Task } from "../../task/task.ts";
import { findPullRequest, type PullRequest } from "./pull_request.ts";
import type { Prd } from "../../task/prd/prd.ts";
import type { LoopEvent, LoopResult } from "../../event/loop_event.ts";
import { type LoopContext, stamp } from "../loop_context.ts";
import type { LoopState } from "../loop_state.ts";

/** Options for {@linkcode publishBranch}. */
export interface PublishBranchOptions {
  /** The branch to push. */
  branch: string;
  /** The branch to merge into. */
  mergeTarget: string;
  /** Whether to merge the pull request at once. @default {false} */
  autoMerge?: boolean | undefined;
  /** The title of the pull request. */
  title: string;
  /** Its text, in markdown. */
  body: string;
  /** The environment of git and gh. @default {process.env} */
  env?: Record<string, string | undefined> | undefined;
  /**
   * Maximum time for each command, including the hooks of a push, in milliseconds.
   * @default {600_000}
   */
  timeoutMs?: number | undefined;
  /** Stops the running command; the promise then rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
}

/** What was done with a branch. */
interface PublishReport {
  /** Whether it was pushed. */
  pushed: boolean;
  /** The address of its pull request; absent if there is none. */
  pullRequest?: string | undefined;
  /** Whether the target contains the whole branch. */
  merged: boolean;
  /** What failed, in one line; absent if nothing failed. */
  problem?: string | undefined;
  /** What to do next by hand; absent if nothing is left to do. */
  hint?: string | undefined;
}

/** Runs a command in the repository. */
type Run = (command: readonly string[], stdin?: string) => Promise<ProgramResult>;

/**
 * Pushes the branch of a finished task, opens a pull request with `gh` if that is installed, and
 * merges it if asked to.
 *
 * The push is the user's own: unlike ralph's other calls of git it runs their hooks (Git LFS uploads
 * in one), their SSH command and their credential helper, in the environment of an agent.
 *
 * Reports a failure, and keeps what was done before it. It can be called again: it reuses an open
 * pull request of the branch, and does nothing for one that is already merged.
 *
 * @example Usage
 * ```ts ignore
 * import { resolveTask } from "@ralph/cli";
 * import { publishBranch } from "./publish_branch.ts";
 *
 * const report = await publishBranch(await resolveTask("my-feature"), {
 *   branch: "ralph/my-feature",
 *   mergeTarget: "main",
 *   title: "My feature",
 *   body: "All 11 stories pass.",
 * });
 * console.log(report.pullRequest ?? report.problem);
 * ```
 *
 * @param options What to publish, and where.
 * @returns What was done, and what failed.
 */
export async function publishBranch(
  task: Task,
  options: PublishBranchOptions,
): Promise<PublishReport> {
  const { branch, mergeTarget } = options;
  const env = publishEnvironment(options.env ?? process.env);
  const run: Run = (command, stdin = "") =>
    runProgram(command, {
      cwd: task.root,
      env,
      timeoutMs: options.timeoutMs ?? 600_000,
      stdin,
      signal: options.signal,
    });
  const failure = (what: string, result: ProgramResult): string =>
    maskSecrets(`${what}: ${reasonOf(result)}`, findSecrets(env));
  const nothing = { pushed: false, merged: false };

  if (branch === mergeTarget) {
    const problem = `Cannot publish branch "${branch}": it is the merge target itself`;
    return { ...nothing, problem, hint: "set branchName or mergeTarget in prd.json" };
  }
  if ((await run(["git", "remote", "get-url", "origin"])).reason !== "") {
    const problem = `Cannot push branch "${branch}": there is no remote "origin"`;
    return { ...nothing, problem, hint: "git remote add origin URL" };
  }
  const local = `refs/heads/${branch}`;
  const target = `refs/remotes/origin/${mergeTarget}`;
  const held = await run(["git", "merge-base", "--is-ancestor", local, target]);
  if (held.reason === "") return { pushed: false, merged: true };

  const gh = await findProgram("gh", { env });
  let found = gh === undefined ? undefined : await findPullRequest(branch, run);
  if (found?.state === "MERGED") {
    // After a squash merge, the target does not contain the branch's commits.
    const head = (await run(["git", "rev-parse", "--verify", local])).stdout.trim();
    if (found.head === head) return { pushed: false, pullRequest: found.url, merged: true };
  }
  if (found?.state !== "OPEN") found = undefined;

  // The full ref: a tag may have the same name, and "+name" would be a forced push.
  const push = await run(["git", "push", "--set-upstream", "origin", local]);
  if (push.reason !== "") {
    const problem = failure(`Cannot push branch "${branch}"`, push);
    return { ...nothing, problem, hint: `git push -u origin ${branch}` };
  }
  if (gh === undefined) {
    const hint = `open a pull request from ${branch} into ${mergeTarget}; ` +
      "with gh (https://cli.github.com) ralph does it";
    return { pushed: true, merged: false, hint };
  }
  return { pushed: true, ...await propose(options, { found, run, failure }) };
}

/** Opens the pull request of a pushed branch, and merges it if asked to. */
async function propose(
  options: PublishBranchOptions,
  { found, run, failure }: {
    found: PullRequest | undefined;
    run: Run;
    failure: (what: string, result: ProgramResult) => string;
  },
): Promise<Omit<PublishReport, "pushed">> {
  const { branch, mergeTarget } = options;
  let pullRequest = found?.url;
  if (pullRequest === undefined) {
    const create = await run([
      ...["gh", "pr", "create", "--base", mergeTarget, "--head", branch],
      ...["--title", options.title, "--body-file", "-"],
    ], options.body);
    pullRequest = /https?:\/\/\S+/.exec(create.stdout)?.[0];
    if (create.reason !== "" || pullRequest === undefined) {
      const problem = failure(`Cannot open a pull request for branch "${branch}"`, create);
      const hint = `gh pr create --base ${mergeTarget} --head ${branch}`;
      return { merged: false, problem, hint };
    }
  }
  if (!options.autoMerge) return { merged: false, pullRequest };
  const otherBase = baseProblem(found, mergeTarget);
  if (otherBase !== undefined) return { merged: false, pullRequest, ...otherBase };

  const command = ["gh", "pr", "merge", pullRequest, "--merge", "--delete-branch"];
  const merge = await run(command);
  if (merge.reason === "") return { merged: true, pullRequest };
  const problem = failure(`Cannot merge pull request "${pullRequest}"`, merge);
  return { merged: false, pullRequest, problem, hint: command.join(" ") };
}

/** A pull request that a person opened may have another target: then they have to merge it. */
function baseProblem(
  found: PullRequest | undefined,
  mergeTarget: string,
): { problem: string; hint: string } | undefined {
  if (found === undefined || found.base === mergeTarget) return undefined;
  const { url, base } = found;
  return {
    problem: `Cannot merge pull request "${url}": it goes into "${base}", not "${mergeTarget}"`,
    hint: `gh pr edit ${url} --base ${mergeTarget}`,
  };
}

/** Nothing may prompt, and the variables of a git hook must not point git at another repository. */
function publishEnvironment(env: Record<string, string | undefined>): Record<string, string> {
  const { GIT_DIR: _1, GIT_WORK_TREE: _2, GIT_INDEX_FILE: _3, GIT_PREFIX: _4, ...rest } = env;
  return {
    ...agentEnvironment(rest, { agent: "gh" }),
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GH_PROMPT_DISABLED: "1",
    GH_NO_UPDATE_NOTIFIER: "1",
    NO_COLOR: "1",
  };
}

/** The first useful line of stderr: a failed push begins with its destination. */
function reasonOf({ reason, stderr }: ProgramResult): string {
  const lines = stderr.split("\n").map((line) => line.trim());
  const said = lines.find((line) => line !== "" && !/^(To |hint:|remote:$)/.test(line));
  if (said === undefined) return reason === "" ? "it printed no address" : reason;
  // If the command was stopped by us, its last output is not the reason.
  return /^exit code/.test(reason) ? said : `${reason}: ${said}`;
}

/**
 * Publishes the work of a completed loop as prd.json asks. A failure is reported, and undoes
 * nothing.
 */
export async function* publishWork(
  context: LoopContext,
  { prd }: LoopState,
  result: LoopResult,
): AsyncGenerator<LoopEvent, void> {
  const { branch, options, env, control } = context;
  if (prd.mergeTarget === null || branch === undefined || branch === prd.mergeTarget) return;
  const report = await publishBranch(options.task, {
    branch,
    mergeTarget: prd.mergeTarget,
    autoMerge: prd.autoMerge,
    title: prd.description.split("\n")[0] || prd.project || options.task.name,
    body: pullRequestBody(prd, result),
    env,
    signal: control.stopSignal,
  }).catch((error: unknown): PublishReport | undefined => {
    if (control.stopSignal.aborted) return undefined;
    return { pushed: false, merged: false, problem: errorMessage(error) };
  });
  if (report === undefined) return;
  yield stamp(context, { type: "published", branch, mergeTarget: prd.mergeTarget, ...report });
}

function pullRequestBody(prd: Prd, result: LoopResult): string {
  const stories = prd.stories.map(({ id, title }) => `- [x] ${id}: ${title}`);
  const agents = Object.entries(result.agents).map(([name, count]) => `${name} ${count}`);
  const by = agents.length === 0 ? "" : ` (${agents.join(", ")})`;
  return [
    prd.description,
    "",
    ...stories,
    "",
    `${result.iterations} iterations${by}, run by ralph.`,
  ].join("\n").trim();
}

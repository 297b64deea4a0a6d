import process from "node:process";
import { gitSnapshot } from "../../git/git_snapshot.ts";
import { prepareBranch } from "../branch/prepare_branch.ts";
import { PrdReader } from "../../task/prd/prd_reader.ts";
import type { Prd, Story } from "../../task/prd/prd.ts";
import type { Task } from "../../task/task.ts";
import { NO_USAGE } from "../../event/usage.ts";
import { type AgentWishes, candidateAgents, wantedAgents } from "../decide/choose_agent.ts";
import { DEFAULT_FAILOVER_RULES } from "../decide/failover.ts";
import { LoopControl } from "../loop_control.ts";
import type { RunLoopOptions } from "../loop_options.ts";
import type { LoopState } from "../loop_state.ts";
import { preflight, PreflightError } from "./preflight.ts";
import { type MissingAgent, probeAgents } from "./probe_agents.ts";

/** The default failover list. */
export const DEFAULT_FAILOVER: readonly string[] = ["claude", "opencode"];

/** Thrown when none of the agents that a loop may use is installed. */
export class AgentNotReadyError extends Error {
  /** The missing agents, each with its problem and how to fix it. */
  readonly agents: MissingAgent[];

  /** The message does not list the agents; `agents` does. */
  constructor(task: string, agents: MissingAgent[]) {
    super(`Cannot run ${task}: no agent is ready`);
    this.name = "AgentNotReadyError";
    this.agents = agents;
  }
}

/** Thrown when a PRD has no story to run. */
export class NoStoriesError extends Error {
  /** The message names the file. */
  constructor(file: string) {
    super(`Cannot run ${file}: it has no stories`);
    this.name = "NoStoriesError";
  }
}

/**
 * Reads the task, probes the agents and switches to the branch, in this order, so that nothing has
 * changed if something is missing.
 *
 * @param options The options of the loop.
 * @returns The state of a loop that is ready to start, and warnings for the user.
 * @throws {PreflightError} If git, a folder or the disk is not ready.
 * @throws {AgentNotReadyError} If no agent is installed and starts.
 * @throws {NoStoriesError} If the PRD has no stories.
 */
export async function startLoop(
  options: RunLoopOptions,
): Promise<{ state: LoopState; agent: string; warnings: string[] }> {
  const { task, now = Date.now, control = new LoopControl(), signal } = options;
  signal?.throwIfAborted();
  // Copied once: each read of process.env is a system call.
  const env = { ...(options.env ?? process.env) };
  const reader = new PrdReader(task.prdFile, {
    now,
    ...(options.goodCopy === undefined ? {} : { goodCopy: options.goodCopy }),
  });
  const { prd } = await reader.read();
  if (prd.stories.length === 0) throw new NoStoriesError(task.prdFile);

  const problems = await preflight({
    task,
    env,
    ...(options.folders && { folders: options.folders }),
    ...(signal && { signal }),
  });
  if (problems.length > 0) throw new PreflightError(task.name, problems);

  const warnings: string[] = [];
  let agent = options.agent ?? prd.agent ?? options.fallbackAgent ?? "claude";
  const open = prd.stories.filter((story) => !story.passes);
  const names = [...new Set(open.flatMap((story) => wantedAgents(wishesFor(options, prd, story))))];
  const { states, missing } = await probeAgents(names, { agents: options.agents, env, signal });
  if (open.length > 0) {
    const ready = names.filter((name) => states.get(name)?.kind === "ready");
    if (ready.length === 0 || (options.agent !== undefined && !ready.includes(options.agent))) {
      const asked = missing.filter((each) => each.agent === options.agent);
      throw new AgentNotReadyError(task.name, options.agent === undefined ? missing : asked);
    }
    const asked = new Set([agent, ...open.flatMap((story) => story.agent ?? [])]);
    for (const { agent: name, reason } of missing) {
      if (asked.has(name)) warnings.push(`Agent "${name}" is asked for and cannot run: ${reason}`);
    }
    const first = open.map((story) =>
      candidateAgents({ ...wishesFor(options, prd, story), isOut: (name) => !ready.includes(name) })
    )[0]?.[0];
    agent = first ?? agent;
  }

  const { branch } = open.length === 0 ? {} : await prepareBranch(task, {
    branchName: prd.branchName,
    ...(options.base === undefined ? {} : { base: options.base }),
    ...(signal === undefined ? {} : { signal }),
  });
  const snapshot = await gitSnapshot(task.root, { ignore: ignoredFiles(task) });
  const state: LoopState = {
    options,
    control,
    agents: new Map(options.agents.map((each) => [each.name, each])),
    env,
    rules: {
      ...DEFAULT_FAILOVER_RULES,
      ...options.failoverRules,
      ...(prd.failoverThreshold === undefined ? {} : { threshold: prd.failoverThreshold }),
      ...(options.failoverThreshold === undefined ? {} : { threshold: options.failoverThreshold }),
    },
    reader,
    branch: branch ?? snapshot.branch ?? undefined,
    startedAt: now(),
    headAtStart: snapshot.head,
    now,
    // The branch may have a newer prd.json than the one that named it.
    prd: (await reader.read()).prd,
    broken: undefined,
    vanished: new Set(),
    failover: states,
    last: undefined,
    snapshot,
    iterations: 0,
    passedSince: false,
    unchanged: 0,
    attempts: new Map(),
    checkFailures: new Map(),
    reasons: new Map(),
    excluded: new Map(),
    agentCounts: new Map(),
    failovers: 0,
    checksHold: false,
    usage: NO_USAGE,
  };
  return { state, agent, warnings };
}

/**
 * Collects the requests for agents for a story, from the options and the task's files.
 *
 * @param options The options of the loop.
 */
export function wishesFor(options: RunLoopOptions, prd: Prd, story: Story): AgentWishes {
  return {
    flag: options.agent,
    story: story.agent,
    prd: prd.agent,
    fallback: options.fallbackAgent ?? "claude",
    failover: options.failover ?? DEFAULT_FAILOVER,
    pin: options.pin,
  };
}

/** Lists the files whose change does not count as progress: the log that ralph itself writes. */
export function ignoredFiles(task: Task): string[] {
  return [task.progressFile];
}

import process from "node:process";
import { shellWord } from "../../base/shell_word.ts";
import type { Prd, Story } from "../../task/prd/prd.ts";
import { PrdReader } from "../../task/prd/prd_reader.ts";
import { isUnfilled, UNFILLED_HINT, unfilledMessage } from "../../task/prd/unfilled_story.ts";
import { frozenJudge, type Judge } from "../../guard/trust/judge.ts";
import { prepareBranch } from "../branch/prepare_branch.ts";
import { Deadline } from "../deadline.ts";
import { candidateAgents, wantedAgents } from "../decide/choose_agent.ts";
import { type AgentState, DEFAULT_FAILOVER_RULES } from "../decide/failover.ts";
import { lookAtWork, type LoopContext, type LoopRules, wishesFor } from "../loop_context.ts";
import { LoopControl } from "../loop_control.ts";
import type { RunLoopOptions } from "../loop_options.ts";
import { initialState, type LoopState } from "../loop_state.ts";
import { preflight, PreflightError } from "./preflight.ts";
import { type MissingAgent, probeAgents } from "./probe_agents.ts";

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
  /** How to look for a copy that has them. */
  readonly hint: string;

  /** The message names the file. */
  constructor(file: string, task: string) {
    super(`Cannot run ${file}: it has no stories`);
    this.hint = `ralph check ${shellWord(task)}`;
    this.name = "NoStoriesError";
  }
}

/** Thrown when open stories are still those of the template that `ralph init` writes. */
export class UnfilledStoriesError extends Error {
  /** What to do about it. */
  readonly hint: string = UNFILLED_HINT;

  /** The message names the file. */
  constructor(file: string, stories: readonly Story[]) {
    super(`Cannot run ${file}: ${stories.map(unfilledMessage).join("; ")}`);
    this.name = "UnfilledStoriesError";
  }
}

/** A loop that can begin. */
interface StartedLoop {
  /** What is fixed for it. */
  context: LoopContext;
  /** What it knows. */
  state: LoopState;
  /** The agent that will run first, as far as that is known. */
  agent: string;
  /** What a person should know about it, in one line each. */
  warnings: string[];
}

/** Options of a loop, with its judge: `ralph run` brings one that knows what a person accepted. */
export interface JudgedLoopOptions extends RunLoopOptions {
  /**
   * Decides which checks, which template for prompts and which other rules of the task's files
   * count, so that no agent changes its own judge. @default {what the files say at the start}
   */
  judge?: Judge | undefined;
}

/**
 * Reads the task, probes the agents and switches to the branch, in this order, so that nothing has
 * changed if something is missing.
 *
 * @param options The options of the loop.
 * @returns A loop that can begin; its deadline is the caller's to dispose of.
 * @throws {PreflightError} If git, a folder or the disk is not ready.
 * @throws {AgentNotReadyError} If no agent is installed and starts.
 * @throws {NoStoriesError} If the PRD has none.
 * @throws {UnfilledStoriesError} If open stories are those of the template.
 */
export async function startLoop(options: JudgedLoopOptions): Promise<StartedLoop> {
  const { task, now = Date.now, control = new LoopControl(), signal } = options;
  signal?.throwIfAborted();
  // Copied once: each read of process.env is a system call.
  const env = { ...(options.env ?? process.env) };
  const reader = new PrdReader(task.prdFile, {
    now,
    goodCopy: options.goodCopy,
    within: task.root,
  });
  const { prd } = await reader.read();
  if (prd.stories.length === 0) throw new NoStoriesError(task.prdFile, task.name);
  const open = prd.stories.filter((story) => !story.passes);
  const unfilled = open.filter(isUnfilled);
  if (unfilled.length > 0) throw new UnfilledStoriesError(task.prdFile, unfilled);

  const problems = await preflight({ task, env, folders: options.folders, signal });
  if (problems.length > 0) throw new PreflightError(task.name, problems);
  const { agent, states, warnings } = await findAgents(options, { prd, open, env });

  const prepared = open.length === 0
    ? undefined
    : await prepareBranch(task, { branchName: prd.branchName, base: options.base, signal });
  const snapshot = await lookAtWork(options);
  const elapsedMs = stopwatch(options.monotonic);
  const { timeMs = Infinity } = options.limits ?? {};
  // The branch that was checked out may hold a newer prd.json than the one it was named in.
  const judge = options.judge ?? frozenJudge(task);
  const judged = await judge.review((await reader.read()).prd);
  if (judged.warning !== undefined) warnings.push(judged.warning);
  const known = { prd: judged.prd, failover: states, snapshot };
  const context: LoopContext = {
    options,
    control,
    agents: new Map(options.agents.map((each) => [each.name, each])),
    env,
    rules: rulesOf(options, judged.prd),
    judge,
    reader,
    branch: prepared?.branch ?? snapshot.branch ?? undefined,
    base: prepared?.base,
    headAtStart: snapshot.head,
    now,
    elapsedMs,
    deadline: new Deadline(() => timeMs - elapsedMs()),
  };
  return {
    context,
    state: initialState(known),
    agent,
    warnings: [...warnings, ...prepared?.warnings ?? []],
  };
}

/** Finds out which agents can run, and which of them comes first. */
async function findAgents(
  options: RunLoopOptions,
  { prd, open, env }: { prd: Prd; open: Story[]; env: Record<string, string | undefined> },
): Promise<{ agent: string; states: Map<string, AgentState>; warnings: string[] }> {
  const wanted = options.agent ?? prd.agent ?? options.fallbackAgent ?? "claude";
  const names = [...new Set(open.flatMap((story) => wantedAgents(wishesFor(options, prd, story))))];
  const { agents, signal } = options;
  const { states, missing } = await probeAgents(names, { agents, env, signal });
  const [first] = open;
  if (first === undefined) return { agent: wanted, states, warnings: [] };
  const ready = names.filter((name) => states.get(name)?.kind === "ready");
  if (ready.length === 0 || (options.agent !== undefined && !ready.includes(options.agent))) {
    const asked = missing.filter((each) => each.agent === options.agent);
    throw new AgentNotReadyError(options.task.name, options.agent === undefined ? missing : asked);
  }
  const asked = new Set([wanted, ...open.flatMap((story) => story.agent ?? [])]);
  const warnings = missing.filter(({ agent }) => asked.has(agent)).map(({ agent, reason }) =>
    `Agent "${agent}" is asked for and cannot run: ${reason}`
  );
  const candidates = candidateAgents({
    ...wishesFor(options, prd, first),
    isOut: (name) => !ready.includes(name),
  });
  return { agent: candidates[0] ?? wanted, states, warnings };
}

function rulesOf(options: RunLoopOptions, prd: Prd): LoopRules {
  const rules = { ...DEFAULT_FAILOVER_RULES, ...options.failoverRules };
  return {
    ...rules,
    threshold: options.failoverThreshold ?? prd.failoverThreshold ?? rules.threshold,
    maxCheckFailures: options.maxCheckFailures ?? 3,
    stagnationLimit: options.stagnationLimit ?? 5,
  };
}

function stopwatch(clock = (): number => performance.now()): () => number {
  const begin = clock();
  return () => clock() - begin;
}

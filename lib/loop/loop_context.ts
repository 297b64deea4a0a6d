import type { Agent } from "../agent/agent.ts";
import { agentEnvironment } from "../agent/agent_environment.ts";
import { RUN_VARIABLE } from "../base/end_processes.ts";
import type { LoopEvent, LoopEventBody } from "../event/loop_event.ts";
import { type GitSnapshot, gitSnapshot } from "../git/git_snapshot.ts";
import type { Judge } from "../guard/trust/judge.ts";
import type { Prd, Story } from "../task/prd/prd.ts";
import type { PrdReader } from "../task/prd/prd_reader.ts";
import type { Deadline } from "./deadline.ts";
import { type AgentWishes, DEFAULT_FAILOVER } from "./decide/choose_agent.ts";
import type { FailoverRules } from "./decide/failover.ts";
import type { LoopControl } from "./loop_control.ts";
import type { RunLoopOptions } from "./loop_options.ts";

/** What is fixed for a loop from its start; what it learns is in `LoopState`. */
export interface LoopContext {
  /** The options that the loop was started with. */
  readonly options: RunLoopOptions;
  /** How commands reach it. */
  readonly control: LoopControl;
  /** The agents by name. */
  readonly agents: ReadonlyMap<string, Agent>;
  /** The environment that the agents' own is made from. */
  readonly env: Record<string, string | undefined>;
  /** The rules by which it decides. */
  readonly rules: LoopRules;
  /** Decides what judges the agents. */
  readonly judge: Judge;
  /** Reads prd.json. */
  readonly reader: PrdReader;
  /** The branch; `undefined` on a detached HEAD. */
  readonly branch: string | undefined;
  /** What ralph started the branch from; `undefined` where it did not make it. */
  readonly base: string | undefined;
  /** The commit at its start. */
  readonly headAtStart: string | null;
  /** The time of day, in milliseconds since the epoch. */
  readonly now: () => number;
  /** The time since its start, in milliseconds, whatever happens to the clock of the machine. */
  readonly elapsedMs: () => number;
  /** Aborted when its time is over. */
  readonly deadline: Deadline;
}

/** The numbers by which a loop decides, each with its default filled in. */
export interface LoopRules extends FailoverRules {
  /** Check failures of one story before it is left alone. */
  maxCheckFailures: number;
  /** Iterations in a row that change nothing before the loop ends; 0 for no such end. */
  stagnationLimit: number;
}

/**
 * Gives an event its time, and leaves out the fields that are `undefined`: what is in memory then
 * equals what is read from a log.
 *
 * @param body What happened.
 */
export function stamp(context: Pick<LoopContext, "now">, body: LoopEventBody): LoopEvent {
  return withoutUndefined({ time: new Date(context.now()).toISOString(), ...body });
}

/** Leaves out the fields that are `undefined`. */
export function withoutUndefined<T extends object>(record: T): T {
  const copy = { ...record };
  for (const key in copy) if (copy[key] === undefined) delete copy[key];
  return copy;
}

/**
 * Makes the environment of an agent or a check.
 *
 * @param agent The name of the agent; `check` for a check.
 */
export function environmentFor(
  context: Pick<LoopContext, "env" | "options">,
  agent: string,
): Record<string, string> {
  return {
    ...agentEnvironment(context.env, { agent }),
    ...context.options.agentVariables,
    [RUN_VARIABLE]: crypto.randomUUID(),
  };
}

/** Lists the checks of a loop: the caller's, then the PRD's. */
export function checksOf(options: Pick<RunLoopOptions, "checks">, prd: Prd): string[] {
  return [...new Set([...(options.checks ?? []), ...prd.checks])];
}

/** Collects who asks for which agent for a story: the options and the task's files. */
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

/**
 * Looks at the repository, except for the log that ralph itself writes: its growth is no progress.
 */
export function lookAtWork({ task }: Pick<RunLoopOptions, "task">): Promise<GitSnapshot> {
  return gitSnapshot(task.root, { ignore: [task.progressFile] });
}

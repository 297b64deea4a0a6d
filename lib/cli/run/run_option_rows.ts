import type { LoopLimits } from "../../event/loop_event.ts";
import { DEFAULT_FAILOVER } from "../../loop/decide/choose_agent.ts";
import { DEFAULT_FAILOVER_RULES, type FailoverRules } from "../../loop/decide/failover.ts";
import type { RunLoopOptions } from "../../loop/loop_options.ts";

/** How the values of an option are read, from text or from a settings file. */
export type OptionKind =
  /** A whole number. */
  | "whole"
  /** US dollars, more than 0. */
  | "dollars"
  /** A duration such as `90s`; `0` for none. */
  | "duration"
  /** On or off. */
  | "switch"
  /** Any text. */
  | "text"
  /** Names, separated by commas on the command line. */
  | "names"
  /** Commands, one for each time the option is given; those from everywhere are added up. */
  | "commands";

/** Where in the options of the loop a value goes; `pty` goes to the agents. */
export type OptionPlace =
  | Exclude<keyof RunLoopOptions, "limits" | "failoverRules">
  | `limits.${keyof LoopLimits}`
  | `failoverRules.${keyof FailoverRules}`
  | "pty";

/** One option of a run: all that is said about it is said here. */
export interface RunOptionRow {
  /** Its name: the flag is `--NAME`, the environment variable `RALPH_NAME`. */
  readonly name: string;
  /** Its one-letter flag. */
  readonly short?: string | undefined;
  /** Whether it is in settings files and the environment only. @default {false} */
  readonly noFlag?: boolean | undefined;
  /** The key in `ralph.toml` and `config.toml`; absent where a repository is not to decide. */
  readonly setting?: string | undefined;
  /** How its values are read. */
  readonly kind: OptionKind;
  /** The smallest whole number. @default {0} */
  readonly min?: number | undefined;
  /** What stands for its value in the help; absent for a switch. */
  readonly value?: string | undefined;
  /** The default, as a person would type it. */
  readonly default?: string | undefined;
  /** What holds where there is no default, in words. */
  readonly otherwise?: string | undefined;
  /** Where its value goes. */
  readonly to: OptionPlace;
  /** Where values go that `prd.json` has precedence over: those of `from`, and the ones below. */
  readonly below?:
    | { readonly from: "environment" | "setting"; readonly to: OptionPlace }
    | undefined;
  /** The heading in the help. */
  readonly group: "Limits" | "Agent" | "Task";
  /** What it does, in a line, with its unit. */
  readonly help: string;
}

/**
 * The options of a run. Flags, settings, environment variables, defaults, the help and what a
 * worker is told are all made from these rows, and a test compares the documentation with them.
 * They are plain data so that `ralph run --help` has nothing else to load.
 */
export const RUN_OPTION_ROWS: readonly RunOptionRow[] = [
  {
    name: "iterations",
    short: "i",
    setting: "iterations",
    kind: "whole",
    min: 1,
    value: "N",
    default: "50",
    to: "limits.iterations",
    group: "Limits",
    help: "iteration limit",
  },
  {
    name: "max-time",
    setting: "max_time",
    kind: "duration",
    value: "TIME",
    otherwise: "none",
    to: "limits.timeMs",
    group: "Limits",
    help: "time limit, such as 90s, 15m or 2h",
  },
  {
    name: "max-tokens",
    setting: "max_tokens",
    kind: "whole",
    min: 1,
    value: "N",
    otherwise: "none",
    to: "limits.tokens",
    group: "Limits",
    help: "token limit, without cached tokens, for agents that report no cost",
  },
  {
    name: "max-cost",
    setting: "max_cost",
    kind: "dollars",
    value: "USD",
    otherwise: "none",
    to: "limits.costUsd",
    group: "Limits",
    help: "cost limit, in US dollars",
  },
  {
    name: "iteration-timeout",
    setting: "iteration_timeout",
    kind: "duration",
    value: "TIME",
    default: "2h",
    to: "limits.iterationMs",
    group: "Limits",
    help: "time limit for one iteration; 0 for none",
  },
  {
    name: "stall-timeout",
    setting: "stall_timeout",
    kind: "duration",
    value: "TIME",
    default: "15m",
    to: "limits.stallMs",
    group: "Limits",
    help: "longest silence of an agent; 0 for no limit",
  },
  {
    name: "stagnation",
    noFlag: true,
    setting: "stagnation",
    kind: "whole",
    value: "N",
    default: "5",
    to: "stagnationLimit",
    group: "Limits",
    help: "iterations in a row that change nothing before the loop ends; 0 for any number",
  },
  {
    name: "agent",
    short: "a",
    setting: "agent",
    kind: "text",
    value: "NAME",
    default: "claude",
    to: "agent",
    below: { from: "environment", to: "fallbackAgent" },
    group: "Agent",
    help: "claude, opencode, codex, gemini, demo, or your own",
  },
  {
    name: "model",
    short: "m",
    setting: "model",
    kind: "text",
    value: "NAME",
    otherwise: "the agent's own",
    to: "model",
    below: { from: "environment", to: "fallbackModel" },
    group: "Agent",
    help: "the model for that agent",
  },
  {
    name: "agents",
    setting: "failover",
    kind: "names",
    value: "A,B,C",
    default: DEFAULT_FAILOVER.join(","),
    to: "failover",
    group: "Agent",
    help: "agents to fail over between, in order",
  },
  {
    name: "pin",
    kind: "switch",
    otherwise: "off",
    to: "pin",
    group: "Agent",
    help: "do not fail over to another agent",
  },
  {
    name: "yolo",
    kind: "switch",
    otherwise: "off",
    to: "yolo",
    group: "Agent",
    help: "let the agent do anything without asking",
  },
  {
    name: "pty",
    kind: "switch",
    otherwise: "off",
    to: "pty",
    group: "Agent",
    help: "run claude and opencode interactively, as a person would, in a PTY",
  },
  {
    name: "failover-threshold",
    setting: "failover_threshold",
    kind: "whole",
    min: 1,
    value: "N",
    default: String(DEFAULT_FAILOVER_RULES.threshold),
    to: "failoverThreshold",
    below: { from: "setting", to: "failoverRules.threshold" },
    group: "Agent",
    help: "failures in a row before failing over to another agent",
  },
  {
    name: "cool-down",
    noFlag: true,
    setting: "cool_down",
    kind: "duration",
    value: "TIME",
    default: durationText(DEFAULT_FAILOVER_RULES.coolDownMs),
    to: "failoverRules.coolDownMs",
    group: "Agent",
    help: "how long an agent that failed over is left alone at first",
  },
  {
    name: "backoff",
    noFlag: true,
    setting: "backoff",
    kind: "duration",
    value: "TIME",
    default: durationText(DEFAULT_FAILOVER_RULES.backoffBaseMs),
    to: "failoverRules.backoffBaseMs",
    group: "Agent",
    help: "the wait after a first failure",
  },
  {
    name: "check",
    setting: "checks",
    kind: "commands",
    value: "CMD",
    otherwise: "none",
    to: "checks",
    group: "Task",
    help: "a command that must pass before a story counts as done; repeatable",
  },
  {
    name: "require-commit",
    setting: "require_commit",
    kind: "switch",
    otherwise: "off",
    to: "requireCommit",
    group: "Task",
    help: "reopen a story that passes without a commit",
  },
  {
    name: "base",
    kind: "text",
    value: "REF",
    otherwise: "the current branch",
    to: "base",
    group: "Task",
    help: "where a new branch starts",
  },
  {
    name: "rotate-at",
    setting: "rotate_at",
    kind: "whole",
    value: "LINES",
    default: "300",
    to: "rotateAt",
    group: "Task",
    help: "rotate progress.txt at this length; 0 for never",
  },
];

/** The environment variable of an option: `RALPH_MAX_TIME` for `max-time`. */
export function variableOf({ name }: Pick<RunOptionRow, "name">): string {
  return `RALPH_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** A duration as a person would type it: `10m` for 600,000 milliseconds. */
function durationText(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return `${ms / 1_000}s`;
}

import type { OptionSpec } from "../kit/command.ts";

/** The options that control how a loop runs; `ralph run` and `ralph demo` accept them. */
export const RUN_OPTIONS: readonly OptionSpec[] = [
  {
    name: "iterations",
    short: "i",
    value: "N",
    help: "iteration limit (default 50)",
    group: "Limits",
  },
  { name: "max-time", value: "TIME", help: "time limit, such as 90s, 15m or 2h", group: "Limits" },
  {
    name: "max-tokens",
    value: "N",
    help: "token limit, without cached tokens, for agents that report no cost",
    group: "Limits",
  },
  { name: "max-cost", value: "USD", help: "cost limit, in US dollars", group: "Limits" },
  {
    name: "iteration-timeout",
    value: "TIME",
    help: "time limit for one iteration (default 2h, 0 for none)",
    group: "Limits",
  },
  {
    name: "stall-timeout",
    value: "TIME",
    help: "longest silence of an agent (default 15m, 0 for no limit)",
    group: "Limits",
  },
  {
    name: "agent",
    short: "a",
    value: "NAME",
    help: "claude, opencode, codex, gemini, demo, or your own (default: claude)",
    group: "Agent",
  },
  { name: "model", short: "m", value: "NAME", help: "the model for that agent", group: "Agent" },
  {
    name: "agents",
    value: "A,B,C",
    help: "agents to fail over between, in order (default claude,opencode)",
    group: "Agent",
  },
  { name: "pin", help: "do not fail over to another agent", group: "Agent" },
  { name: "yolo", help: "let the agent do anything without asking", group: "Agent" },
  {
    name: "pty",
    help: "run claude and opencode interactively, as a person would, in a PTY",
    group: "Agent",
  },
  {
    name: "failover-threshold",
    value: "N",
    help: "failures in a row before failing over to another agent (default 3)",
    group: "Agent",
  },
  {
    name: "check",
    value: "CMD",
    multiple: true,
    help: "a command that must pass before a story counts as done; repeatable",
    group: "Task",
  },
  {
    name: "require-commit",
    help: "reopen a story that passes without a commit",
    group: "Task",
  },
  { name: "base", value: "REF", help: "where a new branch starts", group: "Task" },
  {
    name: "rotate-at",
    value: "LINES",
    help: "rotate progress.txt at this length (default 300, 0 for never)",
    group: "Task",
  },
];

import type { OptionSpec } from "../kit/command.ts";

/** The options that say how a loop runs; `ralph run` and `ralph demo` understand them. */
export const RUN_OPTIONS: readonly OptionSpec[] = [
  {
    name: "iterations",
    short: "i",
    value: "N",
    help: "iterations at most (default 50)",
    group: "Limits",
  },
  { name: "max-time", value: "TIME", help: "time at most, as 90s, 15m, 2h", group: "Limits" },
  {
    name: "max-tokens",
    value: "N",
    help: "tokens at most, but for cached ones, where no cost is named",
    group: "Limits",
  },
  { name: "max-cost", value: "USD", help: "cost at most, in US dollars", group: "Limits" },
  {
    name: "iteration-timeout",
    value: "TIME",
    help: "time at most for one iteration (default 2h, 0 for none)",
    group: "Limits",
  },
  {
    name: "stall-timeout",
    value: "TIME",
    help: "silence at most of an agent (default 15m, 0 for none)",
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
    help: "agents that may take over, in order (default claude,opencode)",
    group: "Agent",
  },
  { name: "pin", help: "let no other agent take over", group: "Agent" },
  { name: "yolo", help: "let the agent do anything without asking", group: "Agent" },
  {
    name: "pty",
    help: "run claude and opencode as the programs that people use, in a PTY",
    group: "Agent",
  },
  {
    name: "failover-threshold",
    value: "N",
    help: "failures in a row before another agent takes over (default 3)",
    group: "Agent",
  },
  {
    name: "check",
    value: "CMD",
    multiple: true,
    help: "a command that must hold before a story counts as done; repeatable",
    group: "Task",
  },
  {
    name: "require-commit",
    help: "set a story back that passes without a commit",
    group: "Task",
  },
  { name: "base", value: "REF", help: "what a new branch starts from", group: "Task" },
  {
    name: "rotate-at",
    value: "LINES",
    help: "rotate progress.txt beyond this (default 300, 0 for never)",
    group: "Task",
  },
];

import type { CommandEntry } from "../commands.ts";
import { type Command, HELP_OPTION, type OptionSpec } from "./command.ts";

/** Renders the help of the whole program: one screen, with a final newline. */
export function renderHelp(commands: readonly CommandEntry[]): string {
  const lines = [
    "ralph runs a coding agent over the user stories of a task until every story passes.",
    "",
    "Examples:",
    "  ralph init my-feature          create tasks/my-feature/prd.md, and fill it in",
    "  ralph convert my-feature       create prd.json from it",
    "  ralph run my-feature           run Claude Code until every story passes",
    "  ralph run -a opencode -i 20    another agent, at most 20 iterations",
    "  ralph demo                     see ralph work, without an account",
    "",
  ];
  const shown = commands.filter((command) => !command.hidden);
  for (const group of new Set(shown.map((command) => command.group))) {
    const rows = shown.filter((command) => command.group === group)
      .map(({ name, summary }): Row => [name, summary]);
    lines.push(`${group}:`, ...aligned(rows, 10));
  }
  lines.push("", "For more: ralph help COMMAND, ralph COMMAND --help, ralph --version.");
  return lines.map((line) => `${line}\n`).join("");
}

/** Renders the help of one command, with a final newline. */
export function renderCommandHelp(name: string, command: Command): string {
  const lines = [`Usage: ralph ${name} ${command.usage}`.trimEnd(), "", command.description];
  if (command.examples.length > 0) lines.push("", "Examples:", ...aligned(command.examples, 0));
  const options = [...command.options, HELP_OPTION];
  const labels = options.map(optionLabel);
  const width = Math.max(...labels.map((label) => label.length));
  for (const group of new Set(options.map((option) => option.group ?? "Options"))) {
    lines.push("", `${group}:`);
    const rows = options.filter((option) => (option.group ?? "Options") === group)
      .map((option): Row => [optionLabel(option), option.help]);
    lines.push(...aligned(rows, width));
  }
  if (command.notes !== undefined) lines.push("", command.notes);
  return lines.map((line) => `${line}\n`).join("");
}

type Row = [left: string, right: string];

function optionLabel({ name, short, value, negatable }: OptionSpec): string {
  const flag = negatable ? `--[no-]${name}` : `--${name}`;
  const long = value === undefined ? flag : `${flag} ${value}`;
  return short === undefined ? `    ${long}` : `-${short}, ${long}`;
}

function aligned(rows: readonly Row[], minWidth: number): string[] {
  const width = Math.max(minWidth, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd());
}

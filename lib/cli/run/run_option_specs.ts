import type { CommandLine, OptionSpec } from "../kit/command.ts";
import type { RunFlags } from "./option_sources.ts";
import { RUN_OPTION_ROWS, type RunOptionRow } from "./run_option_rows.ts";

/** The flags of {@linkcode RUN_OPTION_ROWS}, as `ralph run` accepts them. */
export const RUN_OPTIONS: readonly OptionSpec[] = RUN_OPTION_ROWS
  .filter((row) => !row.noFlag).map(toSpec);

function toSpec(row: RunOptionRow): OptionSpec {
  const { name, short, value, kind, group, help } = row;
  return {
    name,
    short,
    value,
    multiple: kind === "commands",
    negatable: kind === "switch",
    help: row.default === undefined ? help : `${help} (default ${row.default})`,
    group,
  };
}

/** The flags of a command line, as they were given: for `runOptions`, here or in a worker. */
export function runFlags(line: CommandLine): RunFlags {
  const given = RUN_OPTIONS.flatMap(({ name, value, multiple }) => {
    const flag = value === undefined
      ? line.choice(name)
      : multiple
      ? line.values(name)
      : line.value(name);
    return flag === undefined ? [] : [[name, flag]];
  });
  return Object.fromEntries(given);
}

import {
  dollarsValue,
  durationValue,
  switchValue,
  wholeNumberValue,
} from "../kit/option_values.ts";
import {
  type OptionPlace,
  RUN_OPTION_ROWS,
  type RunOptionRow,
  variableOf,
} from "./run_option_rows.ts";
import type { Settings } from "./settings.ts";

/** Flags of `ralph run` as they were given, by their names: a text, a list of them, or on and off. */
export type RunFlags = {
  [Name in (typeof RUN_OPTION_ROWS)[number]["name"]]?:
    | string
    | boolean
    | readonly string[]
    | undefined;
};

/** Where the value of an option may come from. */
export interface OptionSources {
  /** The command line. */
  flags: RunFlags;
  /** The environment. */
  env: Record<string, string | undefined>;
  /** `ralph.toml` and `config.toml`. */
  settings: Settings;
}

/** The value of an option, and where it comes from. */
export interface GivenOption {
  /** Where it goes. */
  to: OptionPlace;
  /** The value; durations in milliseconds. */
  value: unknown;
  /** Where it comes from, for messages: `--agent`, `RALPH_AGENT`, `the setting agent`. */
  where: string;
}

/** The sources of options, those with precedence first. */
const LEVELS = ["flag", "environment", "setting", "default"] as const;

/**
 * The value of every option that has one. An option that `prd.json` can come in between has two:
 * one for either side of it.
 *
 * @throws {UsageError} If a value is invalid.
 */
export function givenOptions(sources: OptionSources): GivenOption[] {
  return RUN_OPTION_ROWS.flatMap((row: RunOptionRow) => {
    const given = LEVELS.map((level) => readLevel(row, level, sources));
    if (row.kind === "commands") return [addedUp(row, given)];
    const border = row.below === undefined ? LEVELS.length : LEVELS.indexOf(row.below.from);
    const above = given.slice(0, border).find((each) => each !== undefined);
    const below = given.slice(border).find((each) => each !== undefined);
    return [
      ...above === undefined ? [] : [{ ...above, to: row.to }],
      ...below === undefined ? [] : [{ ...below, to: row.below?.to ?? row.to }],
    ];
  });
}

type Read = Pick<GivenOption, "value" | "where">;

function readLevel(
  row: RunOptionRow,
  level: (typeof LEVELS)[number],
  { flags, env, settings }: OptionSources,
): Read | undefined {
  switch (level) {
    case "flag": {
      const given = flags[row.name as keyof RunFlags];
      return given === undefined ? undefined : read(row, given, `--${row.name}`);
    }
    case "environment": {
      const name = variableOf(row);
      return env[name] ? read(row, env[name], name) : undefined;
    }
    case "setting": {
      const key = row.setting as keyof Settings | undefined;
      const given = key === undefined ? undefined : settings[key];
      return given === undefined ? undefined : read(row, given, `the setting ${key}`);
    }
    case "default":
      return row.default === undefined ? undefined : read(row, row.default, "the default");
  }
}

/** Reads a text; what a settings file has is mostly of its kind already. */
function read({ kind, min }: RunOptionRow, given: unknown, where: string): Read {
  if (kind === "commands") return { value: [given].flat(), where };
  if (typeof given !== "string") return { value: given, where };
  switch (kind) {
    case "whole":
      return { value: wholeNumberValue(given, where, { min }), where };
    case "dollars":
      return { value: dollarsValue(given, where), where };
    case "duration":
      return { value: durationValue(given, where), where };
    case "switch":
      return { value: switchValue(given, where), where };
    case "names":
      return { value: given.split(",").map((name) => name.trim()), where };
    case "text":
      return { value: given, where };
  }
}

function addedUp({ to, name }: RunOptionRow, given: readonly (Read | undefined)[]): GivenOption {
  return { to, value: given.flatMap((each) => each?.value ?? []), where: `--${name}` };
}

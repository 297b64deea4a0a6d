import { nearestName } from "../../base/nearest_name.ts";
import {
  dollarsValue,
  durationValue,
  switchValue,
  wholeNumberValue,
} from "../kit/option_values.ts";
import { UsageError } from "../kit/usage.ts";
import {
  type OptionPlace,
  RUN_OPTION_ROWS,
  type RunOptionRow,
  variableOf,
} from "./run_option_rows.ts";
import type { Settings } from "./settings.ts";

/** Flags of `ralph run` by their names, such as `max-time`: a text, a list of them, on or off. */
export interface RunFlags {
  /** One flag, as it was given. */
  [option: string]: string | boolean | readonly string[] | undefined;
}

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
 * @throws {UsageError} If a value is invalid, or a flag unknown.
 */
export function givenOptions(sources: OptionSources): GivenOption[] {
  requireKnown(Object.keys(sources.flags));
  return RUN_OPTION_ROWS.flatMap((row) => {
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

/** The parser knows its flags; a program that calls `runOptions` may misspell one. */
function requireKnown(flags: readonly string[]): void {
  const names = RUN_OPTION_ROWS.filter((row) => !row.noFlag).map((row) => row.name);
  const unknown = flags.find((flag) => !names.includes(flag));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, names);
  const hint = nearest === undefined ? "ralph run --help" : `did you mean ${nearest}?`;
  throw new UsageError(`Unknown option "${unknown}" of a run`, hint);
}

type Read = Pick<GivenOption, "value" | "where">;

function readLevel(
  row: RunOptionRow,
  level: (typeof LEVELS)[number],
  { flags, env, settings }: OptionSources,
): Read | undefined {
  switch (level) {
    case "flag": {
      const given = flags[row.name];
      return given === undefined ? undefined : read(row, given, `--${row.name}`);
    }
    case "environment": {
      const name = variableOf(row);
      return env[name] ? read(row, env[name], name) : undefined;
    }
    case "setting": {
      const given = row.setting === undefined ? undefined : settings[row.setting];
      return given === undefined ? undefined : read(row, given, `the setting ${row.setting}`);
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

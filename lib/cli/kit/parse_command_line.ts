import { parseArgs } from "@std/cli";
import { nearestName } from "../../base/nearest_name.ts";
import type { CommandLine, OptionSpec } from "./command.ts";
import { UsageError } from "./usage.ts";

/** The facts about a command that {@linkcode parseCommandLine} needs. */
export interface CommandGrammar {
  /** The command as it is typed: `ralph run`. */
  name: string;
  /** Its options. */
  options: readonly OptionSpec[];
  /** The most operands that it accepts. */
  operands: number;
}

/**
 * Parses a command line.
 *
 * @param args The arguments after the command's name.
 * @throws {UsageError} For an unknown option, a missing value or too many operands.
 */
export function parseCommandLine(args: readonly string[], grammar: CommandGrammar): CommandLine {
  const { name, options, operands } = grammar;
  const takesValue = options.filter((option) => option.value !== undefined);
  const parsed = parseArgs([...args], {
    string: ["_", ...takesValue.map((option) => option.name)],
    boolean: options.filter((option) => option.value === undefined).map((option) => option.name),
    collect: options.filter((option) => option.multiple).map((option) => option.name),
    alias: Object.fromEntries(
      options.flatMap(({ name, short }) => short === undefined ? [] : [[short, name]]),
    ),
    unknown: (arg: string) => {
      if (arg.startsWith("-") && arg !== "-") throw unknownOption(arg, name, options);
      return true;
    },
  });
  for (const option of takesValue) {
    const given = [parsed[option.name] ?? []].flat();
    if (given.includes("")) {
      const example = `--${option.name} ${option.value}`;
      throw new UsageError(`Option --${option.name} needs a value`, `${name} ${example}`);
    }
  }
  const words = parsed._.map(String);
  const extra = words[operands];
  if (extra !== undefined) {
    throw new UsageError(`Unexpected argument "${extra}" for ${name}`, `${name} --help`);
  }
  return {
    operands: words,
    value: (option) => parsed[option] as string | undefined,
    values: (option) => [parsed[option] ?? []].flat().map(String),
    has: (option) => parsed[option] === true,
  };
}

function unknownOption(arg: string, command: string, options: readonly OptionSpec[]): UsageError {
  const given = arg.replace(/=.*$/s, "");
  const names = options.map((option) => option.name);
  const nearest = nearestName(given.replace(/^-+/, ""), [...names, "help"]);
  const hint = nearest === undefined ? `${command} --help` : `did you mean --${nearest}?`;
  return new UsageError(`Unknown option "${given}" for ${command}`, hint);
}

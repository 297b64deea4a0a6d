import { parseArgs } from "@std/cli";
import { nearestName } from "../../base/nearest_name.ts";
import { shellWord } from "../../base/shell_word.ts";
import { type CommandLine, HELP_OPTION, type OptionSpec } from "./command.ts";
import { UsageError } from "./usage.ts";

/** The facts about a command that {@linkcode parseCommandLine} needs. */
export interface CommandGrammar {
  /** The command as it is typed: `ralph run`. */
  name: string;
  /** Its options. `--help` is understood everywhere. */
  options: readonly OptionSpec[];
  /** The most operands that it accepts. */
  operands: number;
}

/**
 * Parses a command line, strictly. An option that takes a value has one, also a lone `-`; what
 * looks like an option is a value only after `=`. A switch has none, and `--no-` only where it is
 * negatable. An option that is not `multiple` is given at most once, whatever its form.
 *
 * @throws {UsageError} If a part of it is not understood; the hint has the nearest name.
 */
export function parseCommandLine(args: readonly string[], grammar: CommandGrammar): CommandLine {
  const { name, operands } = grammar;
  const options = [...grammar.options, HELP_OPTION];
  const { flags, words } = new Tokens(args, { ...grammar, options }).read();
  const parsed = parseArgs([...flags, "--", ...words], {
    string: options.filter((option) => option.value !== undefined).map((option) => option.name),
    boolean: options.filter((option) => option.value === undefined).map((option) => option.name),
    collect: options.filter((option) => option.multiple).map((option) => option.name),
    negatable: options.filter((option) => option.negatable).map((option) => option.name),
  });
  const given = new Set(flags.map((flag) => flag.replace(/^--(no-)?/, "")));
  const extra = words[operands];
  if (extra !== undefined) {
    throw new UsageError(`Unexpected argument "${extra}" for ${name}`, `${name} --help`);
  }
  return {
    operands: words,
    value: (option) => parsed[option] as string | undefined,
    values: (option) => [parsed[option] ?? []].flat().map(String),
    has: (option) => parsed[option] === true,
    choice: (option) => given.has(option) ? parsed[option] === true : undefined,
  };
}

/**
 * The first pass: every option becomes `--name`, `--no-name` or `--name=value`, of which parseArgs
 * makes the one thing that it can be. By itself it guesses: `--yolo=no` turns yolo on, `-` is
 * never a value, and an unknown option swallows the next argument.
 */
class Tokens {
  readonly #rest: string[];
  readonly #grammar: CommandGrammar;
  readonly #seen = new Set<string>();
  readonly #flags: string[] = [];
  readonly #words: string[] = [];

  constructor(args: readonly string[], grammar: CommandGrammar) {
    this.#rest = [...args];
    this.#grammar = grammar;
  }

  read(): { flags: string[]; words: string[] } {
    for (let arg = this.#rest.shift(); arg !== undefined; arg = this.#rest.shift()) {
      if (arg === "--") this.#words.push(...this.#rest.splice(0));
      else if (!arg.startsWith("-") || isOperand(arg)) this.#words.push(arg);
      else if (arg.startsWith("--")) this.#readLong(arg);
      else this.#readShort(arg);
    }
    return { flags: this.#flags, words: this.#words };
  }

  #readLong(arg: string): void {
    const [, name = "", value] = /^--([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
    const option = this.#find(name);
    if (option !== undefined) return this.#add(option, `--${name}`, value);
    const negated = name.startsWith("no-") ? this.#find(name.slice(3)) : undefined;
    if (negated === undefined) throw this.#unknown(`--${name}`);
    if (!negated.negatable) {
      const hint = `leave out --${negated.name} to do without it`;
      throw new UsageError(`Unknown option "--${name}" for ${this.#grammar.name}`, hint);
    }
    if (value !== undefined) throw takesNoValue(`--${name}`, value, negated);
    this.#once(negated, `--${name}`);
    this.#flags.push(`--${name}`);
  }

  /** `-d`, `-i20`, `-i 20`, `-i=20`, and several switches in one, the last of which may have a value. */
  #readShort(arg: string): void {
    const whole = /^-([^=]*)/.exec(arg)?.[1] ?? "";
    // `-json`: never meant as `-j -s -o -n`, nor `-agent` as `-a gent`.
    if (whole.length > 1 && this.#find(whole) !== undefined) throw this.#unknown(`-${whole}`);
    for (let i = 1; i < arg.length; i++) {
      const letter = arg[i];
      const option = this.#options.find(({ short }) => short === letter);
      if (option === undefined) throw this.#unknown(whole.length > 1 ? `-${whole}` : `-${letter}`);
      const after = arg.slice(i + 1);
      if (option.value === undefined && !after.startsWith("=")) {
        this.#add(option, `-${letter}`, undefined);
        continue;
      }
      return this.#add(option, `-${letter}`, after === "" ? undefined : after.replace(/^=/, ""));
    }
  }

  #add(option: OptionSpec, shown: string, value: string | undefined): void {
    this.#once(option, shown);
    if (option.value !== undefined) {
      this.#flags.push(`--${option.name}=${this.#valueOf(option, shown, value)}`);
    } else if (value === undefined) this.#flags.push(`--${option.name}`);
    else throw takesNoValue(shown, value, option);
  }

  #valueOf(option: OptionSpec, shown: string, attached: string | undefined): string {
    const value = attached ?? this.#rest[0];
    const needed = `Option ${shown} needs a value`;
    if (value === undefined || value === "" || (attached === undefined && value === "--")) {
      throw new UsageError(needed, `${this.#grammar.name} --${option.name} ${option.value}`);
    }
    if (attached !== undefined) return attached;
    if (looksLikeOption(value)) {
      const way = `--${option.name}=${shellWord(value)}`;
      throw new UsageError(
        `${needed}, and "${value}" looks like an option`,
        `${way} if that is the value`,
      );
    }
    this.#rest.shift();
    return value;
  }

  #once({ name, multiple }: OptionSpec, shown: string): void {
    if (this.#seen.has(name) && !multiple) {
      const message = `Option ${shown} is given more than once to ${this.#grammar.name}`;
      throw new UsageError(message, `--${name} counts once: leave one of them out`);
    }
    this.#seen.add(name);
  }

  #unknown(shown: string): UsageError {
    const { name } = this.#grammar;
    const names = this.#options.flatMap((option) =>
      option.negatable ? [option.name, `no-${option.name}`] : [option.name]
    );
    const given = shown.replace(/^-+/, "");
    const nearest = names.includes(given) ? given : nearestName(given, names);
    const hint = nearest === undefined ? `${name} --help` : `did you mean --${nearest}?`;
    return new UsageError(`Unknown option "${shown}" for ${name}`, hint);
  }

  get #options(): readonly OptionSpec[] {
    return this.#grammar.options;
  }

  #find(name: string): OptionSpec | undefined {
    return this.#options.find((option) => option.name === name);
  }
}

/** A lone dash stands for stdin or stdout; what begins with a digit behind it is a number. */
function isOperand(arg: string): boolean {
  return arg === "-" || /^-\.?\d/.test(arg);
}

function looksLikeOption(text: string): boolean {
  return /^--?[A-Za-z][\w-]*(=|$)/.test(text);
}

function takesNoValue(shown: string, value: string, option: OptionSpec): UsageError {
  const off = option.negatable ? `--no-${option.name} turns it off` : "leave it out to turn it off";
  const message = `Option ${shown} takes no value, but got "${value}"`;
  return new UsageError(message, `--${option.name} turns it on; ${off}`);
}

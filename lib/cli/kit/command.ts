/**
 * Everything from outside that a command uses besides its arguments, so that a test can replace it.
 */
export interface CommandContext {
  /** Where results go. */
  stdout: OutputStream;
  /** Where errors and hints go. */
  stderr: OutputStream;
  /** Whether a person can answer questions on stdin. */
  interactive: boolean;
  /** How to start this program again: the program and its first arguments. */
  program: readonly string[];
  /** The folder that the command was called in. */
  cwd: string;
  /** The environment. */
  env: Record<string, string | undefined>;
}

/** A stream of text: what is written may come from anywhere, and is made safe for a terminal. */
export interface OutputStream extends RawStream {
  /** The same stream for what ralph itself draws: colours, screens, a protocol. */
  readonly raw: RawStream;
}

/** A stream that writes everything as it is, such as `process.stdout`. */
export interface RawStream {
  /** Writes text; `false` asks the writer to wait for `drain`. */
  write(text: string): boolean;
  /** Whether it is a terminal. */
  readonly isTTY?: boolean | undefined;
  /** Its width, if it is a terminal. */
  readonly columns?: number | undefined;
  /** Its height, if it is a terminal. */
  readonly rows?: number | undefined;
  /** Listens for a new size, for room to write more, or for a reader that has closed. */
  on(event: "resize" | "drain" | "error", listener: () => void): unknown;
  /** Stops listening. */
  off(event: "resize" | "drain" | "error", listener: () => void): unknown;
}

/** One option of a command. */
export interface OptionSpec {
  /** Its long name, without the dashes. */
  name: string;
  /** Its one-letter name, without the dash. */
  short?: string | undefined;
  /** The name of its value in the help text; absent for a switch. */
  value?: string | undefined;
  /** Whether it may be given several times. */
  multiple?: boolean | undefined;
  /** Whether `--no-NAME` turns it off: for a switch that something else may have turned on. */
  negatable?: boolean | undefined;
  /** What it does, in a line, with its unit and default. */
  help: string;
  /** The heading under which the help lists it. @default {"Options"} */
  group?: string | undefined;
}

/** The option that every command has. */
export const HELP_OPTION: OptionSpec = { name: "help", short: "h", help: "show this help" };

/** The options and operands that a command line held. */
export interface CommandLine {
  /** The operands: arguments that are not options. */
  operands: string[];
  /** The value of an option that takes one; `undefined` if it was not given. */
  value(name: string): string | undefined;
  /** The values of an option that may be given several times. */
  values(name: string): string[];
  /** Whether a switch was turned on. */
  has(name: string): boolean;
  /** Whether a switch was turned on or off; `undefined` if nothing was said. */
  choice(name: string): boolean | undefined;
}

/** One command of `ralph`. */
export interface Command {
  /** What comes after its name, such as `[TASK] [options]`. */
  usage: string;
  /** What it does, in a sentence or two. */
  description: string;
  /** The most operands that it accepts. */
  operands: number;
  /** Command lines that work, each with its purpose. */
  examples: [line: string, what: string][];
  /** Its options, besides `--help`. */
  options: OptionSpec[];
  /** Further notes: exit codes, files. */
  notes?: string | undefined;
  /** Runs it. */
  run(line: CommandLine, context: CommandContext): Promise<number>;
}

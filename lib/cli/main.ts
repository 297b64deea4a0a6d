import process from "node:process";
import type { CommandContext } from "./kit/command.ts";
import { programCommand } from "./program.ts";
import type { CommandEntry } from "./commands.ts";

/** Options for {@linkcode main}. */
export interface MainOptions {
  /** The URL of the module that was started, from which workers are started too. */
  entry: string;
  /** The CommandContext. @default {that of this process} */
  context?: CommandContext;
}

/**
 * Runs a command line.
 *
 * @param args The arguments after the program's name.
 * @returns The exit code, as listed in the README.
 */
export async function main(
  args: readonly string[],
  options: MainOptions,
): Promise<number> {
  const { context = processContext(options.entry) } = options;
  try {
    return await dispatch(args, context);
  } catch (error) {
    const { describeError } = await import("./kit/describe_error.ts");
    const { exitCode, lines } = describeError(error, { debug: Boolean(context.env.RALPH_DEBUG) });
    if (args.includes("--json")) {
      const [first, ...rest] = lines;
      const message = first?.replace(/^error: /, "");
      context.stdout.write(`${JSON.stringify({ error: message, details: rest, exitCode })}\n`);
    }
    context.stderr.write(lines.map((line) => `${line}\n`).join(""));
    return exitCode;
  }
}

async function dispatch(args: readonly string[], context: CommandContext): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined || first === "--help" || first === "-h") return await help(context);
  if (first === "help") {
    const name = rest[0];
    return name === undefined ? await help(context) : await commandHelp(name, context);
  }
  const entry = await findCommand(first);
  if (helpIsAsked(rest)) return await commandHelp(first, context);
  const { command } = await entry.load();
  const { parseCommandLine } = await import("./kit/parse_command_line.ts");
  const line = parseCommandLine(rest, { name: `ralph ${first}`, ...command });
  return await command.run(line, context);
}

function helpIsAsked(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).some((arg) => arg === "--help" || arg === "-h");
}

async function help(context: CommandContext): Promise<number> {
  const { renderHelp } = await import("./kit/render_help.ts");
  const { COMMANDS } = await import("./commands.ts");
  context.stdout.write(renderHelp(COMMANDS));
  return 0;
}

async function commandHelp(name: string, context: CommandContext): Promise<number> {
  const entry = await findCommand(name);
  const { command } = await entry.load();
  const { renderCommandHelp } = await import("./kit/render_help.ts");
  context.stdout.write(renderCommandHelp(name, command));
  return 0;
}

async function findCommand(name: string): Promise<CommandEntry> {
  const { COMMANDS } = await import("./commands.ts");
  const entry = COMMANDS.find((command) => command.name === name);
  if (entry !== undefined) return entry;
  const { UsageError } = await import("./kit/usage.ts");
  const { nearestName } = await import("../base/nearest_name.ts");
  if (name.startsWith("-")) {
    throw new UsageError(`Unknown option "${name}" for ralph`, "ralph --help");
  }
  const nearest = nearestName(name, COMMANDS.map((command) => command.name));
  const hint = nearest === undefined ? "ralph --help" : `did you mean ralph ${nearest}?`;
  throw new UsageError(`Unknown command "${name}"`, hint);
}

function processContext(entry: string): CommandContext {
  const { stdout, stderr, stdin, env } = process;
  for (const stream of [stdout, stderr]) {
    // The reader of a pipe may close it early, as `head` does: that is not an error.
    stream.on("error", (error: Error & { code?: string }) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  return {
    stdout,
    stderr,
    interactive: Boolean(stdin.isTTY && stdout.isTTY),
    program: programCommand(entry),
    cwd: process.cwd(),
    env,
  };
}

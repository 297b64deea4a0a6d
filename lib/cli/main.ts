import process from "node:process";
import { sanitizeBlock } from "../ui/text/sanitize_text.ts";
import type { CommandContext, OutputStream, RawStream } from "./kit/command.ts";
import { programCommand } from "./program.ts";
import type { CommandEntry } from "./commands.ts";
import { jsonLine } from "./kit/json_line.ts";

/** Options for {@linkcode main}. */
export interface MainOptions {
  /** The URL of the module that was started, from which workers are started too. */
  entry: string;
  /** The context. @default {that of this process} */
  context?: CommandContext | undefined;
}

/** Runs a command line: the arguments after the program's name. Returns the exit code. */
export async function main(
  args: readonly string[],
  options: MainOptions,
): Promise<number> {
  const { context = processContext(options.entry) } = options;
  try {
    return await dispatch(args, context);
  } catch (error) {
    const { describeError, errorLines } = await import("./kit/describe_error.ts");
    const described = describeError(error);
    if (args.includes("--json")) context.stdout.write(jsonLine(described));
    const lines = errorLines(described);
    if (context.env.RALPH_DEBUG && error instanceof Error) lines.push(error.stack ?? "");
    context.stderr.write(lines.map((line) => `${line}\n`).join(""));
    return described.exitCode;
  }
}

async function dispatch(args: readonly string[], context: CommandContext): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined) return await overview(context);
  if (first === "--help" || first === "-h" || first === "help") return await help(rest, context);
  const entry = await findCommand(first);
  if (helpIsAsked(rest)) return await commandHelp(first, context);
  const { command } = await entry.load();
  const { parseCommandLine } = await import("./kit/parse_command_line.ts");
  const line = parseCommandLine(rest, { name: `ralph ${first}`, ...command });
  // Asked for in a group of short options, such as -dh.
  if (line.has("help")) return await commandHelp(first, context);
  return await command.run(line, context);
}

/** Also where the rest of the line cannot be understood: that is when help is needed. */
function helpIsAsked(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).some((arg) => arg === "--help" || arg === "-h");
}

async function overview(context: CommandContext): Promise<number> {
  const { renderOverview } = await import("./kit/render_overview.ts");
  context.stdout.write(await renderOverview(context));
  return 0;
}

/** `ralph --help` and `ralph help`, with or without the name of a command. */
async function help(rest: readonly string[], context: CommandContext): Promise<number> {
  const names = rest.filter((arg) => arg !== "--help" && arg !== "-h");
  const [name, extra] = names;
  if (name !== undefined && extra !== undefined) {
    const { UsageError } = await import("./kit/usage.ts");
    throw new UsageError(`Unexpected argument "${extra}" for ralph help`, `ralph help ${name}`);
  }
  if (name !== undefined) return await commandHelp(name, context);
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
  const names = COMMANDS.filter((command) => !command.hidden).map((command) => command.name);
  if (name.startsWith("-")) {
    const given = name.replace(/^-+|=.*$/gs, "");
    const nearest = nearestName(given, ["help", "version"]);
    // `ralph --json status`: a command comes before its options.
    const hint = nearest === undefined ? "ralph COMMAND [options]" : `did you mean --${nearest}?`;
    throw new UsageError(`Unknown option "${name}" for ralph`, hint);
  }
  const nearest = nearestName(name, [...names, "help"]);
  const hint = nearest === undefined ? "ralph --help" : `did you mean ralph ${nearest}?`;
  throw new UsageError(`Unknown command "${name}"`, hint);
}

function processContext(entry: string): CommandContext {
  const { stdout, stderr, env } = process;
  for (const stream of [stdout, stderr]) {
    // The reader of a pipe may close it early, as `head` does: that is not an error.
    stream.on("error", (error: Error & { code?: string }) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  return {
    stdout: safeOutput(stdout),
    stderr: safeOutput(stderr),
    // Asked for by few commands, and stdin takes a while to open.
    get interactive() {
      return Boolean(process.stdin.isTTY && stdout.isTTY);
    },
    get program() {
      return programCommand(entry);
    },
    cwd: process.cwd(),
    env,
  };
}

/**
 * Wraps a stream so that no escape sequence of a file, an agent or an error gets through: some reach
 * the clipboard. What ralph itself draws goes by `raw`.
 */
export function safeOutput(stream: RawStream): OutputStream {
  return {
    raw: stream,
    write: (text) => stream.write(sanitizeBlock(text)),
    on: (event, listener) => stream.on(event, listener),
    off: (event, listener) => stream.off(event, listener),
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns;
    },
    get rows() {
      return stream.rows;
    },
  };
}

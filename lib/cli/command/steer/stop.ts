import { openRegistry } from "../../../session/registry/open_registry.ts";
import type { Session } from "../../../session/model/session.ts";
import { sessionPaths } from "../../../session/model/session_paths.ts";
import { stopSession, type StopSessionOptions } from "../../../worker/stop_session.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { findRunning } from "../../sessions/find_running.ts";

/** `ralph stop`: ends a running session. */
export const command: Command = {
  usage: "[TASK] [options]",
  description:
    "Ends a running session: its agent is ended, what it did is kept, and ralph run goes on\n" +
    "from there. A server that the agent used, such as OpenCode's, is not touched. TASK may be\n" +
    "left out when exactly one session runs.",
  operands: 1,
  examples: [["ralph stop my-feature", "and wait until it is so"]],
  options: [
    { name: "now", help: "kill the worker and its agent at once" },
    { name: "json", help: "the session as one JSON object" },
  ],
  run: (line, context) =>
    endRunning(line, context, {
      command: "ralph stop",
      how: line.has("now") ? "kill" : "stop",
      waiting: "Stopping",
    }),
};

/** What {@linkcode endRunning} has to know about its command. */
export interface EndRunningOptions {
  /** The command, as people call it. */
  command: string;
  /** How the session is to end. */
  how: NonNullable<StopSessionOptions["how"]>;
  /** What is said while it has not ended yet. */
  waiting: string;
}

/**
 * Ends a running session and says what came of it: the body of `ralph stop` and
 * `ralph checkpoint`.
 *
 * @param line The command line.
 * @param context The world.
 * @param options The command, and how the session is to end.
 * @returns The exit code: 0 also when the session had ended before.
 */
export async function endRunning(
  line: CommandLine,
  context: CommandContext,
  { command, how, waiting }: EndRunningOptions,
): Promise<number> {
  const { stdout } = context;
  const paths = sessionPaths(context.env);
  using registry = openRegistry({ path: paths.database });
  const json = line.has("json");
  const session = await findRunning(line.operands[0], context, { command, registry, paths });
  const ran = session.status === "running";
  if (ran && !json) stdout.write(`${waiting} ${session.task} ...\n`);
  const ended = ran
    ? await stopSession(session, { registry, paths, how, reason: command })
    : session;
  stdout.write(json ? `${JSON.stringify(ended)}\n` : `${describe(ended, ran)}\n`);
  return 0;
}

function describe(session: Session, ran: boolean): string {
  const { task, status, endReason, stories } = session;
  const count = stories === null ? "" : `, ${stories.done} of ${stories.total} stories`;
  const said = `${task} ${ran ? "is" : "was not running: it is"} ${status}`;
  return `${said} (${endReason ?? "no reason"}${count})`;
}

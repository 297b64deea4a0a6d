import type { Session } from "../../../session/model/session.ts";
import { sessionPaths } from "../../../session/model/session_paths.ts";
import { stopSession, type StopSessionOptions } from "../../../worker/stop_session.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { findSession } from "../../sessions/find_session.ts";
import { openSessions } from "../../sessions/open_sessions.ts";
import { jsonLine } from "../../kit/json_line.ts";

/** `ralph stop`: ends a running session. */
export const command: Command = {
  usage: "[TASK|ID] [options]",
  description:
    "Ends a running session and its agent, and keeps what was done: ralph run continues from\n" +
    "there. A server that the agent used, such as OpenCode's, keeps running. TASK is optional\n" +
    "if exactly one session is running.",
  operands: 1,
  examples: [["ralph stop my-feature", "and wait until it has ended"]],
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

/** What {@linkcode endRunning} needs to know about its command. */
export interface EndRunningOptions {
  /** The command as it is typed. */
  command: string;
  /** How the session is to end. */
  how: NonNullable<StopSessionOptions["how"]>;
  /** The message while the session is still running. */
  waiting: string;
}

/**
 * Ends a running session and reports how it ended: the body of `ralph stop` and `ralph checkpoint`.
 *
 * @returns The exit code: 0 even if the session had already ended.
 */
export async function endRunning(
  line: CommandLine,
  context: CommandContext,
  { command, how, waiting }: EndRunningOptions,
): Promise<number> {
  const { stdout } = context;
  const paths = sessionPaths(context.env);
  using registry = await openSessions(context);
  const json = line.has("json");
  const session = await findSession(line.operands[0], {
    from: context,
    registry,
    command,
    acts: true,
    running: true,
  });
  const ran = session.status === "running";
  if (ran && !json) stdout.write(`${waiting} ${session.task} ...\n`);
  const ended = ran
    ? await stopSession(session, { registry, paths, how, reason: command })
    : session;
  stdout.write(json ? jsonLine(ended) : `${describe(ended, ran)}\n`);
  return 0;
}

function describe(session: Session, ran: boolean): string {
  const { task, status, endReason, stories } = session;
  const count = stories === null ? "" : `, ${stories.done} of ${stories.total} stories`;
  const said = `${task} ${ran ? "is" : "was not running: it is"} ${status}`;
  return `${said} (${endReason ?? "no reason"}${count})`;
}

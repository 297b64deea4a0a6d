import type { Registry } from "../../../session/registry/registry.ts";
import type { Session } from "../../../session/model/session.ts";
import { findGitRoot } from "../../../git/find_git_root.ts";
import { resolveTask } from "../../../task/resolve_task.ts";
import { RpcConnectionError } from "../../../rpc/client/rpc_channel.ts";
import { sessionPaths } from "../../../session/model/session_paths.ts";
import { formatAgo } from "../../../ui/text/times.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { findSession, isOpencodeSession } from "../../sessions/find_session.ts";
import { openSessions } from "../../sessions/open_sessions.ts";
import { attachScreen, connectScreen } from "../../attach/attach_screen.ts";
import { UsageError } from "../../kit/usage.ts";
import { followRun } from "../../run/follow_run.ts";

/** `ralph attach`: shows a running session, or an OpenCode session at any time. */
export const command: Command = {
  usage: "[TASK|ID] [options]",
  description:
    "Shows a running session as ralph run does, from its first event on. Without TASK it is\n" +
    "the most recently active session of all tasks. On a terminal, a session whose agent is\n" +
    "OpenCode opens in OpenCode's own screen, to read and to type, even after it has ended. A\n" +
    "session that runs with --pty shows its agent's terminal: Ctrl-] then ? lists the keys.",
  operands: 1,
  examples: [
    ["ralph attach", "the most recently active session"],
    ["ralph attach my-feature", "the newest session of a task"],
    ["ralph attach --session ses_4f...", "the OpenCode session of one iteration"],
  ],
  options: [
    {
      name: "session",
      value: "ID",
      help: "a session by its id, the start of its id, or OpenCode's id",
    },
    { name: "observe", help: "only watch an agent's terminal: no key reaches it or the loop" },
    { name: "events", help: "the events of the loop, even if the agent is OpenCode" },
    { name: "json", help: "one event a line, as JSON" },
  ],
  notes:
    "Ctrl-C leaves the view, and a second one within two seconds stops the loop. attach never\n" +
    "changes the status of a session that has ended. Exit codes: those of ralph run; 1 if the\n" +
    "session is not running; 5 if the OpenCode server is not.",
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const paths = sessionPaths(context.env);
    using registry = await openSessions(context);
    const choice = await chooseSession(line, context, registry);
    const { session } = choice;
    const json = line.has("json");
    const onTerminal = context.interactive && !json && !line.has("events");
    if (session?.status === "running" && onTerminal) {
      const observe = line.has("observe");
      try {
        const client = await connectScreen(session, observe);
        if (client !== undefined) {
          return await attachScreen(context, session, client, { registry, paths, observe });
        }
      } catch (error) {
        // The worker has just ended, or was killed: its events say how.
        if (!(error instanceof RpcConnectionError)) throw error;
      }
    }
    if (choice.opencode !== undefined && context.interactive && !json && !line.has("events")) {
      return await openInOpencode(context, choice, choice.opencode);
    }
    if (session?.status === "running") {
      return await followRun(context, session, { registry, paths, json });
    }
    context.stderr.write(
      session === undefined
        ? "error: Cannot show the OpenCode session here: no terminal\n"
        : `error: ${describeEnded(session)}\nhint: ${hintFor(choice, session)}\n`,
    );
    return 1;
  },
};

/** What is to be shown. */
interface AttachChoice {
  /** The session; absent for a session of OpenCode that ralph has no record of. */
  session?: Session | undefined;
  /** The session of OpenCode; absent where the agent is another one. */
  opencode?: string | undefined;
  /** The root of the repository. */
  root: string;
}

async function chooseSession(
  line: CommandLine,
  context: CommandContext,
  registry: Registry,
): Promise<AttachChoice> {
  const [name] = line.operands;
  const id = line.value("session");
  const ref = id ?? name;
  if (ref !== undefined && isOpencodeSession(ref) && !isRecorded(registry, ref)) {
    // One that a person began by hand: the server knows which project it is of.
    return { opencode: ref, root: await findGitRoot(context.cwd) };
  }
  // Keys reach the loop; lines and JSON are only read.
  const acts = context.interactive && !line.has("json") && !line.has("observe");
  const session = await findSession(ref, {
    from: context,
    registry,
    command: "ralph attach",
    acts,
  });
  if (id !== undefined && name !== undefined) await requireTask(session, name, { id, context });
  const conversation = ref !== undefined && isOpencodeSession(ref) ? ref : session.agentSessionId;
  const opencode = conversation !== null && isOpencodeSession(conversation)
    ? conversation
    : undefined;
  return { session, opencode, root: session.root };
}

function isRecorded(registry: Registry, agentSessionId: string): boolean {
  return registry.findSessions({ agentSessionId, limit: 1 }).length > 0;
}

async function requireTask(
  session: Session,
  name: string,
  { id, context }: { id: string; context: CommandContext },
): Promise<void> {
  if (session.task === name) return;
  const task = await resolveTask(name, { cwd: context.cwd });
  if (task.dir === session.taskDir) return;
  throw new UsageError(
    `Session "${id}" is not of task "${task.name}": it is of ${session.task} in ${session.root}`,
    `ralph attach --session ${id}`,
  );
}

async function openInOpencode(
  context: CommandContext,
  { session, root }: AttachChoice,
  id: string,
): Promise<number> {
  const { attachOpencode } = await import("../../attach/attach_opencode.ts");
  if (session !== undefined && session.status !== "running") {
    context.stderr.write(`${describeEnded(session)}; this is its OpenCode session\n`);
  }
  const instead = session === undefined ? "ralph history" : `ralph logs --session ${session.id}`;
  return await attachOpencode(context, { id, root, instead });
}

function describeEnded({ task, status, endedAt, endReason }: Session): string {
  const ago = endedAt === null ? "" : ` ${formatAgo(Date.now() - Date.parse(endedAt))}`;
  return `Session not running: ${task} is ${status}${ago} (${endReason ?? "no reason"})`;
}

function hintFor({ opencode }: AttachChoice, { id, task }: Session): string {
  const show = `ralph show ${id}, or ralph run ${task} to go on`;
  return opencode === undefined ? show : `${show}; on a terminal, attach opens it in OpenCode`;
}

import { openRegistry } from "../session/open_registry.ts";
import type { Registry } from "../session/registry.ts";
import type { Session } from "../session/session.ts";
import { type SessionPaths, sessionPaths } from "../session/session_paths.ts";
import { resolveTask } from "../task/resolve_task.ts";
import { formatAgo } from "../ui/format_ago.ts";
import { recoverSessions } from "../worker/recover_sessions.ts";
import type { Command, CommandContext, CommandLine } from "./command.ts";
import { followRun } from "./follow_run.ts";
import { UsageError } from "./usage_error.ts";

/** `ralph attach`: shows a running session. */
export const command: Command = {
  usage: "[TASK] [options]",
  description:
    "Shows a running session as ralph run does, with all that was missed. Without TASK it\n" +
    "is the one that was active last, of all tasks.",
  operands: 1,
  examples: [
    ["ralph attach", "the session that was active last"],
    ["ralph attach my-feature", "the newest one of a task"],
  ],
  options: [
    { name: "session", value: "ID", help: "a session by its id, or the beginning of it" },
    { name: "json", help: "one event a line, as JSON" },
  ],
  notes:
    "Ctrl-C leaves the view, and a second one within two seconds stops the loop. Exit codes:\n" +
    "those of ralph run; 1 when the session is not running.",
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const paths = sessionPaths(context.env);
    using registry = openRegistry({ path: paths.database });
    const session = await findSession(line, context, { registry, paths });
    if (session.status === "running") {
      const json = line.has("json");
      return await followRun(context, session, { registry, paths, json });
    }
    const { task, status, endedAt, endReason } = session;
    const ago = endedAt === null ? "" : ` ${formatAgo(Date.now() - Date.parse(endedAt))}`;
    context.stderr.write(
      `error: Session not running: ${task} is ${status}${ago} (${endReason ?? "no reason"})\n` +
        `hint: ralph show ${session.id}, or ralph run ${task} to go on\n`,
    );
    return 1;
  },
};

async function findSession(
  line: CommandLine,
  { cwd }: CommandContext,
  { registry, paths }: { registry: Registry; paths: SessionPaths },
): Promise<Session> {
  await recoverSessions(registry, { paths });
  const [name] = line.operands;
  const id = line.value("session");
  const all = registry.findSessions({});
  if (id !== undefined) {
    const found = all.filter((session) => session.id.startsWith(id.toUpperCase()));
    const [only, other] = found;
    if (only === undefined) throw new UsageError(`Unknown session "${id}"`, "ralph history");
    if (other !== undefined) {
      const ids = found.slice(0, 5).map((session) => session.id).join(", ");
      throw new UsageError(`Session "${id}" is not unique: ${ids}`);
    }
    return only;
  }
  const running = all.filter((session) => session.status === "running");
  const named = name === undefined
    ? mostRecent(running) ?? mostRecent(all)
    : mostRecent(running.filter((session) => session.task === name)) ??
      registry.latestSession((await resolveTask(name, { cwd })).dir);
  if (named === undefined) {
    throw new UsageError(
      name === undefined ? "No task was ever run" : `Task "${name}" was never run`,
      name === undefined ? "ralph run" : `ralph run ${name}`,
    );
  }
  return named;
}

function mostRecent(sessions: readonly Session[]): Session | undefined {
  return sessions.toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt))[0];
}

import type { Registry } from "../../session/registry/registry.ts";
import type { Session } from "../../session/model/session.ts";
import { findGitRoot, NotARepositoryError } from "../../git/find_git_root.ts";
import { resolveTask } from "../../task/resolve_task.ts";
import type { CommandContext, CommandLine } from "../kit/command.ts";
import { UsageError } from "../kit/usage.ts";

/** What `ralph attach` shows. */
export interface AttachChoice {
  /** The session; absent for an OpenCode session that ralph does not know. */
  session?: Session;
  /** The OpenCode session; absent if the agent is another one. */
  opencode?: string;
  /** The root of the repository. */
  root: string;
}

/**
 * Finds what `ralph attach` shows: a session by its id or by OpenCode's, the newest of a task, or
 * the most recently active session of all.
 *
 * @throws {UsageError} If there is none, or it does not belong to the named task.
 */
export async function findAttachSession(
  line: CommandLine,
  context: CommandContext,
  registry: Registry,
): Promise<AttachChoice> {
  const [name] = line.operands;
  const id = line.value("session");
  if (id === undefined) return choose(await findNewest(registry, name, context));
  if (isOpencodeSession(id)) return await findByOpencode(registry, { id, name, context });
  const found = registry.findSessions({ idPrefix: id.toUpperCase(), limit: 6 });
  const [only, other] = found;
  if (only === undefined) throw new UsageError(`Unknown session "${id}"`, "ralph history");
  if (other !== undefined) {
    const ids = found.slice(0, 5).map((session) => session.id).join(", ");
    throw new UsageError(`Session "${id}" is not unique: ${ids}`);
  }
  await requireTask(only, name, { id, context });
  return choose(only);
}

/** Whether the conversation of an agent is an OpenCode session. */
function isOpencodeSession(agentSessionId: string): boolean {
  return /^ses_[0-9A-Za-z]+$/.test(agentSessionId);
}

function choose(session: Session, opencode: string | null = session.agentSessionId): AttachChoice {
  const { root } = session;
  return opencode !== null && isOpencodeSession(opencode)
    ? { session, opencode, root }
    : { session, root };
}

async function findByOpencode(
  registry: Registry,
  { id, name, context }: { id: string; name: string | undefined; context: CommandContext },
): Promise<AttachChoice> {
  const [session] = registry.findSessions({ agentSessionId: id, limit: 1 });
  if (session !== undefined) {
    await requireTask(session, name, { id, context });
    return choose(session, id);
  }
  // The user started this one in OpenCode: the server knows which project it belongs to.
  try {
    return { opencode: id, root: await findGitRoot(context.cwd) };
  } catch (error) {
    if (!(error instanceof NotARepositoryError)) throw error;
    throw new UsageError(`Unknown session "${id}"`, "ralph history");
  }
}

async function requireTask(
  session: Session,
  name: string | undefined,
  { id, context }: { id: string; context: CommandContext },
): Promise<void> {
  if (name === undefined || session.task === name) return;
  const task = await resolveTask(name, { cwd: context.cwd });
  if (task.dir === session.taskDir) return;
  throw new UsageError(
    `Session "${id}" does not belong to task "${task.name}": it belongs to ${session.task} in ${session.root}`,
    `ralph attach --session ${id}`,
  );
}

async function findNewest(
  registry: Registry,
  name: string | undefined,
  { cwd }: CommandContext,
): Promise<Session> {
  const all = registry.findSessions({});
  const running = all.filter((session) => session.status === "running");
  const named = name === undefined
    ? mostRecent(running) ?? mostRecent(all)
    : mostRecent(running.filter((session) => session.task === name)) ??
      registry.latestSession((await resolveTask(name, { cwd })).dir);
  if (named !== undefined) return named;
  throw new UsageError(
    name === undefined ? "No task was ever run" : `Task "${name}" was never run`,
    name === undefined ? "ralph run" : `ralph run ${name}`,
  );
}

function mostRecent(sessions: readonly Session[]): Session | undefined {
  return sessions.toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt))[0];
}

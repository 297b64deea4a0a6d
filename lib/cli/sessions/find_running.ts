import type { Registry } from "../../session/registry/registry.ts";
import type { Session } from "../../session/model/session.ts";
import type { SessionPaths } from "../../session/model/session_paths.ts";
import { recoverSessions } from "../../worker/recover_sessions.ts";
import { resolveTask } from "../../task/resolve_task.ts";
import type { CommandContext } from "../kit/command.ts";
import { UsageError } from "../kit/usage.ts";

/** Options for {@linkcode findRunning}. */
export interface FindRunningOptions {
  /** The command as it is typed: `ralph stop`. */
  command: string;
  /** The registry. */
  registry: Registry;
  /** Where ralph keeps its files. */
  paths: SessionPaths;
}

/**
 * Finds the session for a command: that of the named task, else the only one that is running.
 *
 * @param name The name or path of the task, if there is one.
 * @returns The running session, or the last one of the named task.
 * @throws {UsageError} If no session is running, or several are and none is named.
 */
export async function findRunning(
  name: string | undefined,
  context: CommandContext,
  { command, registry, paths }: FindRunningOptions,
): Promise<Session> {
  await recoverSessions(registry, { paths });
  const running = registry.runningSessions();
  if (name === undefined) {
    const [only, other] = running;
    if (only === undefined) throw new UsageError("No session is running", "ralph status");
    if (other === undefined) return only;
    const names = running.map((session) => session.task).join(", ");
    throw new UsageError(`Several sessions are running: ${names}`, `${command} ${only.task}`);
  }
  // A running task is found by its name from anywhere, and by its folder relative to here.
  const named = running.filter((session) => session.task === name || session.id === name);
  if (named.length === 1 && named[0] !== undefined) return named[0];
  const task = await resolveTask(name, { cwd: context.cwd });
  const last = registry.latestSession(task.dir);
  if (last !== undefined) return last;
  throw new UsageError(`Task "${task.name}" was never run`, `ralph run ${task.name}`);
}

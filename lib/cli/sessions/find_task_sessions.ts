import { basename, isAbsolute, resolve } from "node:path";
import type { FindSessionsOptions } from "../../session/registry/find_sessions_query.ts";
import type { Registry } from "../../session/registry/registry.ts";
import type { Session } from "../../session/model/session.ts";
import { NotARepositoryError } from "../../git/find_git_root.ts";
import { nearestName } from "../../base/nearest_name.ts";
import { resolveTask, TaskNotFoundError } from "../../task/resolve_task.ts";
import { InvalidTaskNameError } from "../../task/task_name.ts";
import { sanitizeText } from "../../ui/text/sanitize_text.ts";
import type { CommandContext } from "../kit/command.ts";
import { UsageError } from "../kit/usage.ts";

/** Options for {@linkcode findTaskSessions}. */
export interface FindTaskSessionsOptions extends Pick<FindSessionsOptions, "limit"> {
  /** Where the command runs. */
  context: CommandContext;
}

/**
 * Finds the sessions of a task, newest first. The task is looked up in the repository first, and
 * then in the registry, which also knows tasks of other repositories and deleted ones. If several
 * tasks have that name, the one that ran last is used, and stderr says which one that is.
 *
 * @param given The name or path of the task.
 * @returns At least one session.
 * @throws {UsageError} If the task was never run, or is not known at all.
 */
export async function findTaskSessions(
  registry: Registry,
  given: string,
  options: FindTaskSessionsOptions,
): Promise<Session[]> {
  const { context, ...limit } = options;
  const found = await inRepository(given, context.cwd);
  if ("dir" in found) {
    const sessions = registry.findSessions({ taskDir: found.dir, ...limit });
    if (sessions.length > 0) return sessions;
    // Older versions recorded the folder as it was typed, relative to an unknown folder.
    const relative = registry.findSessions({ task: found.name })
      .filter((session) => !isAbsolute(session.taskDir)).slice(0, limit.limit);
    if (relative.length > 0) return relative;
    throw new UsageError(`No session of ${found.name}: it was never run`, `ralph run ${given}`);
  }
  const atPath = registry.findSessions({ taskDir: resolve(context.cwd, given), ...limit });
  if (atPath.length > 0) return atPath;
  const named = registry.findSessions({ task: given });
  const here = named.filter((session) => session.root === found.root);
  const candidates = here.length > 0 ? here : named;
  const [newest] = candidates;
  if (newest === undefined) throw notFound(registry, given, found.error);
  const folders = new Set(candidates.map((session) => session.taskDir)).size;
  if (folders > 1) {
    const place = sanitizeText(newest.taskDir);
    context.stderr.write(
      `note: ${folders} task folders are called ${given}; this is ${place}, which ran last\n`,
    );
  }
  return candidates.filter((session) => session.taskDir === newest.taskDir).slice(0, limit.limit);
}

type Place = { dir: string; name: string } | { root?: string; error: Error };

async function inRepository(given: string, cwd: string): Promise<Place> {
  try {
    return await resolveTask(given, { cwd });
  } catch (error) {
    if (error instanceof TaskNotFoundError) return { root: error.root, error };
    if (error instanceof NotARepositoryError || error instanceof InvalidTaskNameError) {
      return { error };
    }
    throw error;
  }
}

function notFound(registry: Registry, given: string, error: Error): Error {
  if (!(error instanceof NotARepositoryError)) return error;
  const tasks = registry.findSessions({ latestOnly: true }).map((session) => session.task);
  const nearest = nearestName(basename(given), tasks);
  return new UsageError(
    `Cannot find task "${given}": it has no session, and "${error.cwd}" is not in a git repository`,
    nearest === undefined ? "ralph status --all" : `did you mean ${nearest}?`,
  );
}

import { basename, resolve } from "node:path";
import { nearestName } from "../../base/nearest_name.ts";
import { findGitRoot, NotARepositoryError } from "../../git/find_git_root.ts";
import { resolveTask, TaskNotFoundError } from "../../task/resolve_task.ts";
import { InvalidTaskNameError } from "../../task/task_name.ts";
import type { Session } from "../model/session.ts";
import type { Registry } from "../registry/registry.ts";
import {
  decideSession,
  isOpencodeSession,
  looksLikeId,
  MIN_ID_LENGTH,
  type SessionDecision,
} from "./decide_session.ts";

/** As many ids as fit into a hint. */
const IDS_SHOWN = 5;

/** Thrown if a reference means no session, or several. */
export class SessionRefError extends Error {
  /** The name of the class. */
  override name = "SessionRefError";
  /** What to do about it. */
  readonly hint: string;

  /**
   * Makes the error.
   *
   * @param message What is wrong with the reference.
   * @param hint What to do about it.
   */
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** Options for {@linkcode findSession}. */
export interface FindSessionOptions {
  /** The folder that the reference is made from. */
  cwd: string;
  /** Whether only a running session is of use. @default {false} */
  running?: boolean | undefined;
  /** What is asked for, as people type it, for hints. @default {"ralph show"} */
  command?: string | undefined;
}

/** A session, or those elsewhere of which somebody has to say whether they are meant. */
export type FoundSession = Extract<SessionDecision, { kind: "found" | "elsewhere" }>;

/**
 * Finds the session that a reference means, by the rule of {@linkcode decideSession}.
 *
 * @throws {SessionRefError} If there is none, or several are equally likely.
 * @throws {TaskNotFoundError} If the reference can only be a task, and there is no such task.
 * @throws {InvalidTaskNameError} If the reference can be nothing at all.
 */
export async function findSession(
  registry: Registry,
  ref: string | undefined,
  options: FindSessionOptions,
): Promise<FoundSession> {
  const { cwd, running = false } = options;
  const root = await rootOf(cwd);
  if (ref === undefined) {
    const sessions = running
      ? registry.runningSessions()
      : registry.findSessions({ latestOnly: true });
    const decision = decideSession({ sessions, here: { root }, running });
    return settle(decision, { ref: "", options, absent: () => absentUnnamed(running) });
  }
  const task = await taskAt(ref, cwd);
  const { dir: taskDir = resolve(cwd, ref) } = task;
  const sessions = new Map<string, Session>();
  const add = (found: readonly Session[]) => found.forEach((each) => sessions.set(each.id, each));
  add(registry.findSessions({ taskDir, limit: 1 }));
  if (looksLikeId(ref)) {
    add(registry.findSessions({ idPrefix: ref.toUpperCase(), limit: IDS_SHOWN }));
  }
  add(registry.findSessions({ task: ref }));
  const conversation = isOpencodeSession(ref)
    ? registry.findSessions({ agentSessionId: ref, limit: 1 })[0]
    : undefined;
  const here = { root, taskDir };
  const newestFirst = [...sessions.values()].sort((a, b) => b.startedAt.localeCompare(a.startedAt));
  const question = { ref, sessions: newestFirst, conversation, here, running };
  return settle(decideSession(question), {
    ref,
    options,
    absent: () => absentNamed(registry, { ref, task }),
  });
}

/** Every session of the task that a session is of, newest first. */
export function sessionsOfTask(
  registry: Registry,
  { task, taskDir }: Session,
  limit?: number,
): Session[] {
  const sessions = registry.findSessions({ taskDir, limit });
  if (taskDir.startsWith("/") || limit === 1) return sessions;
  // Older versions recorded the folder as it was typed, each time in another way.
  return registry.findSessions({ task })
    .filter((session) => !session.taskDir.startsWith("/"))
    .slice(0, limit);
}

interface Outcome {
  ref: string;
  options: FindSessionOptions;
  absent: () => Error;
}

function settle(decision: SessionDecision, { ref, options, absent }: Outcome): FoundSession {
  if (decision.kind === "none") throw absent();
  if (decision.kind !== "several") return decision;
  const { by, sessions } = decision;
  const shown = sessions.slice(0, IDS_SHOWN);
  if (by === "id") {
    const ids = shown.map(({ id }) => id).join(", ");
    throw new SessionRefError(`Ambiguous session id "${ref}": several begin like that`, ids);
  }
  const { command = "ralph show" } = options;
  const names = sessions.map(({ task }) => task);
  // Two repositories can have a task of one name.
  const unique = (session: Session) =>
    names.filter((name) => name === session.task).length === 1 ? session.task : session.id;
  throw new SessionRefError(
    `Several sessions are running: ${names.join(", ")}`,
    shown.map((session) => `${command} ${unique(session)}`).join("\n"),
  );
}

function absentUnnamed(running: boolean): Error {
  return running
    ? new SessionRefError("No session is running", "ralph status")
    : new SessionRefError("There is no session yet", "ralph run my-feature");
}

function absentNamed(registry: Registry, { ref, task }: { ref: string; task: TaskHere }): Error {
  if (task.dir !== undefined) {
    return new SessionRefError(
      `No session of ${task.name}: it was never run`,
      `ralph run ${ref}`,
    );
  }
  if (looksLikeId(ref) || isOpencodeSession(ref)) {
    const why = isOpencodeSession(ref)
      ? "ralph has no record of it"
      : ref.length < MIN_ID_LENGTH
      ? `${MIN_ID_LENGTH} characters of an id are needed at least`
      : "no session has an id that begins like that";
    return new SessionRefError(`Cannot find session "${ref}": ${why}`, "ralph history");
  }
  const { error } = task;
  if (!(error instanceof NotARepositoryError)) return error;
  const tasks = registry.findSessions({ latestOnly: true }).map((session) => session.task);
  const nearest = nearestName(basename(ref), tasks);
  return new SessionRefError(
    `Cannot find task "${ref}": it has no session, and "${error.cwd}" is in no git repository`,
    nearest === undefined ? "ralph status --all" : `did you mean ${nearest}?`,
  );
}

/** The task that a reference leads to from here, or why it leads to none. */
type TaskHere = { dir: string; name: string } | { dir?: undefined; error: Error };

async function taskAt(ref: string, cwd: string): Promise<TaskHere> {
  try {
    return await resolveTask(ref, { cwd });
  } catch (error) {
    if (
      error instanceof TaskNotFoundError || error instanceof NotARepositoryError ||
      error instanceof InvalidTaskNameError
    ) return { error };
    throw error;
  }
}

async function rootOf(cwd: string): Promise<string | undefined> {
  try {
    return await findGitRoot(cwd);
  } catch (error) {
    if (error instanceof NotARepositoryError) return undefined;
    throw error;
  }
}

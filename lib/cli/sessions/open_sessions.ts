import { openRegistry } from "../../session/registry/open_registry.ts";
import type { Registry } from "../../session/registry/registry.ts";
import { sessionLogDir, sessionPaths } from "../../session/model/session_paths.ts";
import { sanitizeText } from "../../ui/text/sanitize_text.ts";
import type { CommandContext } from "../kit/command.ts";
import type { Session } from "../../session/model/session.ts";
import type { SessionState } from "../../ui/report/status_table.ts";
import { existsSync } from "node:fs";

/**
 * Opens the registry after {@linkcode refreshSessions}, so that every session recorded as running
 * really is. Close it with `using`.
 */
export async function openSessions(context: CommandContext): Promise<Registry> {
  const registry = openRegistry({ path: sessionPaths(context.env).database });
  try {
    await refreshSessions(registry, context);
    return registry;
  } catch (error) {
    registry[Symbol.dispose]();
    throw error;
  }
}

/** Options for {@linkcode refreshSessions}. */
export interface RefreshSessionsOptions {
  /** Only the sessions of this task folder. @default {all} */
  taskDir?: string | undefined;
}

/** Ends the sessions that are recorded as running although their worker is dead. */
export async function refreshSessions(
  registry: Registry,
  context: CommandContext,
  options: RefreshSessionsOptions = {},
): Promise<void> {
  // Most of the time no session is running, and then there is nothing to load.
  if (registry.runningSessions().length === 0) return;
  const { recoverSessions } = await import("../../worker/recover_sessions.ts");
  const paths = sessionPaths(context.env);
  await recoverSessions(registry, {
    paths,
    ...options,
    // One broken log must not hide all other sessions.
    onWarning: (message) => context.stderr.write(`warning: ${sanitizeText(message)}\n`),
  });
}

/**
 * Adds facts to sessions that are not in their rows: the attempt at the current story, and whether
 * the server responds. All servers are asked at the same time. The order is kept.
 */
export function sessionStates(
  registry: Registry,
  sessions: readonly Session[],
): Promise<SessionState[]> {
  const attempts = registry.currentAttempts(sessions);
  return Promise.all(sessions.map(async (session) => {
    const attempt = attempts.get(session.id) ?? null;
    return { session, attempt, serverLive: await isServerLive(session) };
  }));
}

async function isServerLive({ status, transport, serverPort }: Session): Promise<boolean> {
  // The port of a session on another host is not a port of this machine.
  if (status !== "running" || transport !== "local" || serverPort === null) return false;
  return await serverAnswers(serverPort);
}

/**
 * The folder of a session's log; `undefined` for sessions of older versions, which have none.
 */
export function logDirOf(id: string, context: CommandContext): string | undefined {
  const dir = sessionLogDir(id, context.env);
  return existsSync(dir) ? dir : undefined;
}

/** Options for {@linkcode serverAnswers}. */
export interface ServerAnswersOptions {
  /** How long to wait for an answer, in milliseconds. @default {300} */
  timeoutMs?: number | undefined;
}

/**
 * Whether an OpenCode server responds at a port of this machine. Any response counts: a server with
 * a password answers 401, but it is there.
 */
export async function serverAnswers(
  port: number,
  options: ServerAnswersOptions = {},
): Promise<boolean> {
  const { timeoutMs = 300 } = options;
  // Loaded only here: most of the time no server is asked.
  const { get } = await import("node:http");
  return await new Promise((resolve) => {
    // Not fetch(): it would use the environment's proxy, and a proxy always answers.
    const request = get({ host: "127.0.0.1", port, path: "/global/health", agent: false });
    // The request's own time limit only covers silence.
    const timer = setTimeout(() => end(false), timeoutMs);
    const end = (answers: boolean) => {
      clearTimeout(timer);
      request.destroy();
      resolve(answers);
    };
    request.on("response", () => end(true)).on("error", () => end(false));
  });
}

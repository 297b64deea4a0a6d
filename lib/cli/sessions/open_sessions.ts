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
  taskDir?: string;
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
  try {
    await recoverSessions(registry, { paths, ...options });
  } catch (error) {
    // One broken log must not hide all other sessions.
    const message = error instanceof Error ? error.message : String(error);
    context.stderr.write(`warning: ${sanitizeText(message)}\n`);
  }
}

/**
 * Adds facts to sessions that are not in their rows: the attempt at the current story, and whether
 * the server responds. All servers are asked at the same time. The order is kept.
 */
export function sessionStates(
  registry: Registry,
  sessions: readonly Session[],
): Promise<SessionState[]> {
  return Promise.all(sessions.map(async (session) => {
    const current = registry.listIterations(session.id).at(-1);
    return { session, attempt: current?.attempt ?? null, serverLive: await isServerLive(session) };
  }));
}

async function isServerLive({ status, transport, serverPort }: Session): Promise<boolean> {
  // The port of a session on another host is not a port of this machine.
  if (status !== "running" || transport !== "local" || serverPort === null) return false;
  const { serverAnswers } = await import("./server_answers.ts");
  return await serverAnswers(serverPort);
}

/**
 * The folder of a session's log; `undefined` for sessions of older versions, which have none.
 */
export function logDirOf(id: string, context: CommandContext): string | undefined {
  const dir = sessionLogDir(id, context.env);
  return existsSync(dir) ? dir : undefined;
}

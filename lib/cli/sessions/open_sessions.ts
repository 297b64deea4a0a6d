import { openRegistry } from "../../session/registry/open_registry.ts";
import type { Registry } from "../../session/registry/registry.ts";
import { sessionLogDir, sessionPaths } from "../../session/model/session_paths.ts";
import { sanitizeText } from "../../ui/text/sanitize_text.ts";
import type { CommandContext } from "../kit/command.ts";
import type { Session } from "../../session/model/session.ts";
import type { SessionState } from "../../ui/report/status_table.ts";
import { existsSync } from "node:fs";

/**
 * Opens the registry for a command that looks at sessions: what it says of running ones is
 * true, as {@linkcode refreshSessions} has been at work.
 *
 * @param context The world.
 * @returns The registry; close it with `using`.
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

/**
 * Ends the sessions that are recorded as running and whose worker is dead.
 *
 * @param registry The registry.
 * @param context The world.
 * @param options Additional options.
 */
export async function refreshSessions(
  registry: Registry,
  context: CommandContext,
  options: RefreshSessionsOptions = {},
): Promise<void> {
  // Most of the time nothing runs, and then there is nothing to load.
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
 * Adds to sessions what their rows do not tell: how often the current story has been
 * tried, and whether the server answers. All servers are asked at the same time.
 *
 * @param registry The registry.
 * @param sessions The sessions.
 * @returns The states, in the same order.
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
  // The port of a session on another host says nothing about this one.
  if (status !== "running" || transport !== "local" || serverPort === null) return false;
  const { serverAnswers } = await import("./server_answers.ts");
  return await serverAnswers(serverPort);
}

/**
 * Says where the log of a session is, if it has one: sessions of older versions have none.
 *
 * @param id The id of the session.
 * @param context The world.
 * @returns The folder; `undefined` if there is none.
 */
export function logDirOf(id: string, context: CommandContext): string | undefined {
  const dir = sessionLogDir(id, context.env);
  return existsSync(dir) ? dir : undefined;
}

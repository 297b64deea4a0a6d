import type { Registry } from "../session/registry/registry.ts";
import type { Session } from "../session/model/session.ts";
import type { SessionState } from "../ui/report/status_table.ts";

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

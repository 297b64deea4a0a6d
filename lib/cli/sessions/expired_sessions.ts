import type { Session } from "../../session/model/session.ts";

/** Options for {@linkcode expiredSessions}: a session to delete meets both criteria. */
export interface ExpiredSessionsOptions {
  /** It ended this long ago or longer, in milliseconds. @default {0} */
  olderThanMs?: number;
  /** This many sessions of its task are newer, the running one included. @default {0} */
  keep?: number;
  /** The present, in milliseconds since the epoch. */
  now: number;
}

/**
 * Chooses the sessions to delete, in the same order. A running session is never among them.
 *
 * @param sessions All sessions, newest first.
 */
export function expiredSessions(
  sessions: readonly Session[],
  options: ExpiredSessionsOptions,
): Session[] {
  const { olderThanMs = 0, keep = 0, now } = options;
  const newer = new Map<string, number>();
  return sessions.filter(({ taskDir, endedAt }) => {
    const before = newer.get(taskDir) ?? 0;
    newer.set(taskDir, before + 1);
    return endedAt !== null && before >= keep && now - Date.parse(endedAt) >= olderThanMs;
  });
}

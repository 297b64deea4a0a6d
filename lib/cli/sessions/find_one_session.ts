import type { Registry } from "../../session/registry/registry.ts";
import type { Session } from "../../session/model/session.ts";
import type { CommandContext } from "../kit/command.ts";
import { findTaskSessions } from "./find_task_sessions.ts";
import { UsageError } from "../kit/usage.ts";

const MIN_PREFIX = 6;
/** The most ids to show in a hint. */
const IDS_SHOWN = 5;

/**
 * Finds the session for a command: the newest one of a task, or without a task the most recently
 * active one.
 *
 * @param given The name or path of the task, if there is one.
 * @throws {UsageError} If there is none.
 */
export async function findLatestSession(
  registry: Registry,
  given: string | undefined,
  context: CommandContext,
): Promise<Session> {
  const found = given === undefined
    ? mostRecentlyActive(registry.findSessions({ latestOnly: true }))
    : (await findTaskSessions(registry, given, { context, limit: 1 }))[0];
  if (found === undefined) throw new UsageError("There is no session yet", "ralph run my-feature");
  return found;
}

/**
 * Finds a session by its id or the start of its id.
 *
 * @param prefix At least 6 characters of the id, in upper or lower case.
 * @throws {UsageError} If no session or several sessions match.
 */
export function requireSession(registry: Registry, prefix: string): Session {
  const found = findSessionById(registry, prefix);
  if (found !== undefined) return found;
  const reason = couldBeId(prefix)
    ? "no session has an id that starts with it"
    : `an id has the form 01KA3QXJ5M..., of which ${MIN_PREFIX} characters are enough`;
  throw new UsageError(`Cannot find session "${prefix}": ${reason}`, "ralph history");
}

/**
 * Finds a session by its id or the start of its id, if the text can be one.
 *
 * @returns The session; `undefined` if there is none.
 * @throws {UsageError} If several sessions match.
 */
export function findSessionById(registry: Registry, prefix: string): Session | undefined {
  if (!couldBeId(prefix)) return undefined;
  const idPrefix = prefix.toUpperCase();
  const [first, ...others] = registry.findSessions({ idPrefix, limit: IDS_SHOWN });
  if (first === undefined || others.length === 0) return first;
  const ids = [first, ...others].map((session) => session.id).join(", ");
  throw new UsageError(`Ambiguous session id "${prefix}": several ids start with it`, ids);
}

/** Whether a text can be the start of a ULID, and is long enough to identify one session. */
function couldBeId(text: string): boolean {
  return text.length >= MIN_PREFIX && /^[0-7][0-9A-HJKMNP-TV-Z]{0,25}$/i.test(text);
}

/** A running session counts as active, however long it has been silent. */
function mostRecentlyActive(sessions: readonly Session[]): Session | undefined {
  const [first] = sessions.toSorted((a, b) =>
    Number(b.status === "running") - Number(a.status === "running") ||
    (a.updatedAt < b.updatedAt ? 1 : -1)
  );
  return first;
}

import { join } from "node:path";
import type { NumberedEvent } from "../event/numbered_event.ts";
import { isAlive } from "../base/process_identity.ts";
import { readSessionLog } from "../session/log/read_session_log.ts";
import type { Registry } from "../session/registry/registry.ts";
import type { SessionPaths } from "../session/model/session_paths.ts";
import { recoverSessions } from "./recover_sessions.ts";

/** Options for {@linkcode followSession}. */
export interface FollowSessionOptions {
  /** The registry. */
  registry: Registry;
  /** Where ralph keeps its files. */
  paths: SessionPaths;
  /** The number of the last known event. @default {0} */
  since?: number | undefined;
  /** Ends the reading; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** How often to check the worker, in milliseconds. */
const LOOK_MS = 500;

/**
 * Reads the events of a session from its log, as they come, until the session has ended. If the
 * worker dies meanwhile, its session is recovered, and the last event says so.
 *
 * @example Usage
 * ```ts ignore
 * import { followSession, openRegistry, sessionPaths } from "@ralph/cli";
 *
 * using registry = openRegistry();
 * for await (const { seq, event } of followSession(id, { registry, paths: sessionPaths() })) {
 *   console.log(seq, event.type);
 * }
 * ```
 *
 * @param options Where it is recorded.
 * @returns The events, each once and in order.
 */
export async function* followSession(
  id: string,
  options: FollowSessionOptions,
): AsyncGenerator<NumberedEvent, void> {
  const { registry, paths, since = 0, signal } = options;
  const over = new AbortController();
  let endedBefore = false;
  let looking: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    const session = registry.getSession(id);
    if (session?.status !== "running") {
      // The last event is logged before the session is marked as ended: reading once more finds it.
      if (endedBefore) over.abort();
      endedBefore = true;
    } else if (session.worker === null || !isAlive(session.worker)) {
      await recoverSessions(registry, { paths, taskDir: session.taskDir });
    }
  };
  const timer = setInterval(() => {
    looking ??= look().catch((error) => over.abort(error)).finally(() => looking = undefined);
  }, LOOK_MS);
  const signals = [over.signal, ...(signal === undefined ? [] : [signal])];
  try {
    yield* readSessionLog(join(paths.sessionsDir, id), {
      follow: true,
      // Whoever follows wants the rest of it.
      onDamage: () => {},
      since,
      pollMs: 50,
      signal: AbortSignal.any(signals),
    });
  } catch (error) {
    const reason: unknown = over.signal.reason;
    if (!over.signal.aborted || signal?.aborted) throw error;
    if (!(reason instanceof DOMException)) throw reason;
  } finally {
    clearInterval(timer);
    await looking;
  }
}

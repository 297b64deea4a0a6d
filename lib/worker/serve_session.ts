import type { SessionControl } from "../rpc/server/session_hub.ts";
import type { SessionServer } from "../rpc/server/session_server.ts";
import type { Registry } from "../session/registry/registry.ts";
import type { Session } from "../session/model/session.ts";
import type { SessionPaths } from "../session/model/session_paths.ts";

/** Options for {@linkcode serveSession}. */
export interface ServeSessionOptions {
  /** The registry that has the session. */
  registry: Registry;
  /** Where ralph keeps its files. */
  paths: SessionPaths;
  /** The folder of the session's log. */
  dir: string;
  /** How commands reach the loop. */
  control: SessionControl;
  /** Takes what a person should know, in one line. @default {nobody does} */
  onWarning?: ((message: string) => void) | undefined;
}

/**
 * Starts the server of a session and records where it is. A loop can do without: where there can
 * be no socket, that is a warning.
 *
 * @param session The session.
 * @param options Where it is recorded, and how its loop is reached.
 * @returns The server; `undefined` if there is none.
 */
export async function serveSession(
  session: Session,
  options: ServeSessionOptions,
): Promise<SessionServer | undefined> {
  const { registry, paths, dir, control, onWarning } = options;
  // Loaded only here: a command that only follows a worker has no use for it.
  const { startSessionServer } = await import("../rpc/server/session_server.ts");
  try {
    const server = await startSessionServer(session, { paths, dir, control });
    registry.updateSession(session.id, { socket: server.path });
    return server;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    onWarning?.(`Cannot open a socket for ${session.task}, ralph rpc does not reach it: ${why}`);
    return undefined;
  }
}

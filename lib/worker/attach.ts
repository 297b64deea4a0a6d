import { dirname } from "node:path";
import process from "node:process";
import { connectSession, type ConnectSessionOptions } from "../rpc/client/connect_session.ts";
import { RpcConnectionError } from "../rpc/client/rpc_channel.ts";
import type { SessionClient } from "../rpc/client/session_client.ts";
import { findSession, SessionRefError } from "../session/find/find_session.ts";
import { type SessionPaths, sessionPaths } from "../session/model/session_paths.ts";
import { openRegistry } from "../session/registry/open_registry.ts";
import { recoverSessions } from "./recover_sessions.ts";

/** Options for {@linkcode attach}. */
export interface AttachOptions extends ConnectSessionOptions {
  /** The folder that `ref` is looked up from. @default {process.cwd()} */
  cwd?: string | undefined;
  /** Where ralph keeps its files. @default {sessionPaths()} */
  paths?: SessionPaths | undefined;
}

/**
 * Finds a running session, as every command of ralph does, and connects to it.
 *
 * @example Usage
 * ```ts ignore
 * import { attach } from "@ralph/cli";
 *
 * await using session = await attach("my-feature");
 * for await (const { seq, event } of session.events()) console.log(seq, event.type);
 * ```
 *
 * @param ref A task's name or path, a session's id or its beginning, or a session of OpenCode; the
 * only running session of the repository if it is absent.
 * @throws {SessionRefError} If no running session is meant, several are, or one of another
 * repository, which only its id or its path names for certain.
 * @throws {RpcConnectionError} If the session cannot be reached.
 */
export async function attach(ref?: string, options: AttachOptions = {}): Promise<SessionClient> {
  const { cwd = process.cwd(), paths = sessionPaths(), ...connect } = options;
  connect.signal?.throwIfAborted();
  using registry = openRegistry({ path: paths.database });
  // A neighbour that is broken is the business of the commands that show it.
  await recoverSessions(registry, { paths, onWarning: () => {} });
  const command = "ralph attach";
  const found = await findSession(registry, ref, { cwd, running: true, command });
  if (found.kind === "elsewhere") {
    const places = found.sessions.map(({ taskDir }) => dirname(dirname(taskDir))).join(", ");
    throw new SessionRefError(
      `No running session${ref === undefined ? "" : ` of ${ref}`} is here: it is in ${places}`,
      found.sessions.map(({ id }) => `${command} ${id}`).join("\n"),
    );
  }
  const { id, task, status, socket } = found.session;
  if (status !== "running") {
    throw new SessionRefError(`Session not running: ${task} is ${status}`, `ralph show ${id}`);
  }
  if (socket === null) throw new RpcConnectionError(`Cannot reach ${task}: it has no socket`);
  return await connectSession(socket, connect);
}

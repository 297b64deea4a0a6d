import { join } from "node:path";
import { connectSession } from "../rpc/client/connect_session.ts";
import type { SessionClient } from "../rpc/client/session_client.ts";
import type { Session } from "../session/model/session.ts";
import type { SessionPaths } from "../session/model/session_paths.ts";
import { type ControlRequest, writeControl } from "./control_file.ts";

/** Options for {@linkcode steer}. */
export interface SteerOptions {
  /** Where ralph keeps its files. */
  paths: Pick<SessionPaths, "sessionsDir">;
  /** A connection to the session that is open already. @default {a new one} */
  client?: SessionClient | undefined;
}

/** How long the socket has to answer, in milliseconds. */
const ANSWER_MS = 2_000;

/**
 * Asks a running session for something: by its socket if that answers, and otherwise by its control
 * file, which also reaches a worker that is just starting or has lost its socket. All commands and
 * keys take this road.
 */
export async function steer(
  session: Pick<Session, "id" | "socket">,
  request: ControlRequest,
  options: SteerOptions,
): Promise<void> {
  const { paths, client } = options;
  try {
    if (client !== undefined) return await ask(client, request);
    if (session.socket !== null) {
      const own = { client: "ralph", attempts: 0, timeoutMs: ANSWER_MS };
      await using connection = await connectSession(session.socket, own);
      return await ask(connection, request);
    }
  } catch {
    // Asking twice does no harm: a second stop, checkpoint or retry changes nothing.
  }
  await writeControl(join(paths.sessionsDir, session.id), request);
}

async function ask(client: SessionClient, request: ControlRequest): Promise<void> {
  const options = { timeoutMs: ANSWER_MS };
  switch (request.kind) {
    case "stop":
    case "checkpoint":
      await client.call(request.kind, { reason: request.reason }, options);
      return;
    case "retry":
      await client.call("retry_now", {}, options);
      return;
  }
}

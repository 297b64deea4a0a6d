import { RpcConnectionError } from "./rpc_channel.ts";
import { SessionClient, type SessionClientOptions } from "./session_client.ts";
import { type RpcTransport, unixTransport } from "./transports.ts";

/** Options for {@linkcode connectSession}. */
export interface ConnectSessionOptions extends SessionClientOptions {
  /** Aborts the first attempt to connect. */
  signal?: AbortSignal | undefined;
}

/**
 * Connects to a running session: for its events from any number on, its state, and commands to its
 * loop. It reconnects when the connection is lost.
 *
 * @example Usage
 * ```ts ignore
 * import { connectSession, openRegistry } from "@ralph/cli";
 *
 * using registry = openRegistry();
 * const [running] = registry.runningSessions();
 * await using session = await connectSession(running?.socket ?? "");
 * await session.call("inject_prompt", { prompt: "Use the new API" });
 * for await (const { seq, event } of session.events()) console.log(seq, event.type);
 * ```
 *
 * @param target The path of the socket, as recorded in the registry, or another transport.
 * @returns The client; dispose of it to close the connection.
 * @throws {RpcConnectionError} If the session cannot be reached.
 */
export async function connectSession(
  target: string | RpcTransport,
  options: ConnectSessionOptions = {},
): Promise<SessionClient> {
  const { signal, ...clientOptions } = options;
  const transport = typeof target === "string" ? unixTransport(target) : target;
  const client = new SessionClient(transport, clientOptions);
  try {
    await client.open(signal);
    return client;
  } catch (error) {
    await client[Symbol.asyncDispose]();
    signal?.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    throw new RpcConnectionError(`Cannot connect to "${transport.name}": ${why}`, { cause: error });
  }
}

import { once } from "node:events";
import { chmod } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { LoopEvent } from "../../event/loop_event.ts";
import type { Sink } from "../../event/sink.ts";
import type { SessionPaths } from "../../session/model/session_paths.ts";
import { Delivery } from "./delivery.ts";
import { EventRing } from "./event_ring.ts";
import { LoopStatus } from "./loop_status.ts";
import { RPC_ERROR_CODES, type RpcStateChange } from "../protocol/protocol.ts";
import { ScreenFeed } from "./screen_feed.ts";
import { ServerConnection } from "./server_connection.ts";
import {
  createHub,
  type ServedSession,
  type SessionControl,
  type SessionHub,
} from "./session_hub.ts";
import { claimSocketPath, type SocketPath } from "./socket_path.ts";

/** Options for {@linkcode startSessionServer}. */
export interface SessionServerOptions {
  /** Where ralph keeps its files. */
  paths: Pick<SessionPaths, "socketsDir" | "stateDir">;
  /** The folder of the session's log. */
  dir: string;
  /** How commands reach the loop. */
  control: SessionControl;
  /** The number of the last event that is already in the log. @default {0} */
  lastSeq?: number | undefined;
  /** Number of recent events kept in memory, so that most clients need no file. @default {1000} */
  ringSize?: number | undefined;
  /** Longest request in bytes. @default {1_048_576} */
  maxRequestBytes?: number | undefined;
  /** Time limit for a request that has begun to arrive, in milliseconds. @default {10_000} */
  requestTimeoutMs?: number | undefined;
  /** What may wait for a slow client besides numbered events, in bytes. @default {1_048_576} */
  maxQueueBytes?: number | undefined;
  /** Connection limit; further connections are refused. @default {256} */
  maxConnections?: number | undefined;
  /** Time limit for clients to read the last events at the end, in milliseconds. @default {1000} */
  graceMs?: number | undefined;
  /** The clock. @default {() => new Date()} */
  now?: (() => Date) | undefined;
}

/** How long to gather changes before sending, in milliseconds: many small writes cost most. */
const FLUSH_MS = 5;
/** Gathered text is sent when it is longer than this, in characters. */
const FLUSH_CHARS = 262_144;
/**
 * Gathered events are sent when there are more than this: the ring has room for a few such batches.
 */
const FLUSH_COUNT = 250;

/** Serves the clients of a session. Dispose of it to close it and to remove its socket. */
export class SessionServer implements Sink {
  readonly #claim: SocketPath;
  readonly #server: Server;
  readonly #hub: SessionHub;
  readonly #connections = new Set<ServerConnection>();
  readonly #now: () => Date;
  readonly #graceMs: number;
  #delivery = new Delivery();
  #untold = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closing: Promise<void> | undefined;

  /** A server that does not listen yet: use {@linkcode startSessionServer}. */
  constructor(session: ServedSession, claim: SocketPath, options: SessionServerOptions) {
    const { control, ringSize = 1000, lastSeq = 0, dir } = options;
    this.#claim = claim;
    this.#now = options.now ?? (() => new Date());
    this.#graceMs = options.graceMs ?? 1000;
    const status = new LoopStatus({
      task_name: session.task,
      task_dir: session.taskDir,
      agent: session.agent,
      started_at: session.startedAt,
    });
    const screen = new ScreenFeed({
      control,
      onData: (data) => {
        this.#gather((delivery) => delivery.addScreen(data, this.#timestamp()));
        // A person waits for the echo of a key; floods come in large pieces anyway.
        this.#flush();
      },
      onTerminal: () => this.#gather((delivery) => delivery.repaint = true),
    });
    const ring = new EventRing(ringSize, lastSeq);
    const flush = () => this.#flush();
    this.#hub = createHub({ session, control, status, screen, ring, flush }, { dir });
    this.#server = createServer(
      { allowHalfOpen: true },
      (socket) => this.#accept(socket, options),
    );
  }

  /** The path of the socket. */
  get path(): string {
    return this.#claim.path;
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Begins to listen. */
  async listen(): Promise<void> {
    this.#server.listen(this.path);
    await once(this.#server, "listening");
    // Failing to accept a client, as when file descriptors run out, must not end the loop.
    this.#server.on("error", () => {});
    // Its folder already belongs to this user alone.
    await chmod(this.path, 0o600);
  }

  /**
   * Tells the clients about an event that is in the log already. Returns at once, however slow they
   * are.
   */
  write(event: LoopEvent, seq: number): void {
    const { ring, status, screen } = this.#hub;
    ring.push({ seq, event });
    screen.look();
    const { change, lines } = status.take(event);
    const changes = { ...change, ...this.#interactive() };
    this.#gather((delivery) => {
      delivery.addOutput(lines, event.time);
      Object.assign(delivery.change, changes);
    });
  }

  /** Stops listening, gives the clients time to read the rest, and removes the socket. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#server.close();
    await this.#claim[Symbol.asyncDispose]();
    this.#flush();
    this.#hub.screen[Symbol.dispose]();
    await Promise.all([...this.#connections].map((each) => each.finish(this.#graceMs)));
    clearTimeout(this.#timer);
  }

  #accept(socket: Socket, options: SessionServerOptions): void {
    if (this.#connections.size >= (options.maxConnections ?? 256)) {
      const { internalError: code } = RPC_ERROR_CODES;
      const error = { code, message: "Internal error: too many connections" };
      socket.on("error", () => socket.destroy());
      socket.end(
        `${JSON.stringify({ jsonrpc: "2.0", id: null, error })}\n`,
        () => socket.destroy(),
      );
      return;
    }
    const connection = new ServerConnection(socket, this.#hub, {
      maxBytes: options.maxRequestBytes ?? 1_048_576,
      lineTimeoutMs: options.requestTimeoutMs ?? 10_000,
      maxQueueBytes: options.maxQueueBytes ?? 1_048_576,
      timestamp: () => this.#timestamp(),
      onRequest: () => this.#look(),
    });
    this.#connections.add(connection);
    socket.on("close", () => this.#connections.delete(connection));
    void connection.serve();
  }

  /** Checks what may have changed without an event. */
  #look(): void {
    this.#hub.screen.look();
    const change = this.#interactive();
    if (Object.keys(change).length === 0) return;
    this.#gather((delivery) => void Object.assign(delivery.change, change));
  }

  #interactive(): RpcStateChange {
    return this.#hub.status.change({ interactive_mode: this.#hub.control.interactive });
  }

  #gather(add: (delivery: Delivery) => void): void {
    if (this.#connections.size === 0) return;
    add(this.#delivery);
    this.#untold++;
    if (this.#delivery.size > FLUSH_CHARS || this.#untold >= FLUSH_COUNT) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#untold === 0) return;
    this.#untold = 0;
    const delivery = this.#delivery;
    this.#delivery = new Delivery();
    for (const connection of this.#connections) connection.deliver(delivery);
  }

  #timestamp(): string {
    return this.#now().toISOString();
  }
}

/**
 * Starts the server of a session: JSON-RPC 2.0, one message a line, on a unix socket that only this
 * user can reach. PROTOCOL.md beside this file describes the protocol.
 *
 * @example Usage
 * ```ts ignore
 * import { startSessionServer } from "./session_server.ts";
 *
 * await using server = await startSessionServer(session, { paths, dir, control });
 * registry.updateSession(session.id, { socket: server.path });
 * for await (const event of loop) {
 *   const { seq } = await recorder.write(event);
 *   server.write(event, seq);
 * }
 * ```
 *
 * @param options Its log, its loop, its limits.
 * @returns The server; it accepts connections when the promise resolves.
 */
export async function startSessionServer(
  session: ServedSession,
  options: SessionServerOptions,
): Promise<SessionServer> {
  const claim = await claimSocketPath(session, options.paths);
  try {
    const server = new SessionServer(session, claim, options);
    await server.listen();
    return server;
  } catch (error) {
    await claim[Symbol.asyncDispose]();
    throw error;
  }
}

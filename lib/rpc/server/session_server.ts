import { once } from "node:events";
import { chmod } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { NumberedEvent } from "../../event/numbered_event.ts";
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
  /** The number of the last event that is in the log already. @default {0} */
  lastSeq?: number;
  /** The last events that are kept in memory, so that most clients need no file. @default {1000} */
  ringSize?: number;
  /** Longest request in bytes. @default {1_048_576} */
  maxRequestBytes?: number;
  /** Time at most for a request that has begun to come in, in milliseconds. @default {10_000} */
  requestTimeoutMs?: number;
  /** What may wait for a slow client besides numbered events, in bytes. @default {1_048_576} */
  maxQueueBytes?: number;
  /** Connections at most; further ones are refused. @default {256} */
  maxConnections?: number;
  /** Time at most for clients to take the last events at the end, in milliseconds. @default {1000} */
  graceMs?: number;
  /** The clock. @default {() => new Date()} */
  now?: () => Date;
}

/** What happens within this time is told at once, in milliseconds: many small writes cost most. */
const FLUSH_MS = 5;
/** Text for clients is not gathered beyond this, in characters. */
const FLUSH_CHARS = 262_144;
/** More than this is not gathered before it is told: the ring has room for a few of them. */
const FLUSH_COUNT = 250;

/** What the clients of a session talk to. Dispose of it to close it and to remove its socket. */
export class SessionServer implements AsyncDisposable {
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

  /**
   * Makes a server that does not listen yet. Use {@linkcode startSessionServer}.
   *
   * @param session The session.
   * @param claim The path of its socket.
   * @param options Its log, its loop, its limits.
   */
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
        // The echo of a key is waited for by a person; a flood comes in large pieces anyway.
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
    // A client that cannot be let in, for want of file descriptors, is no end of the loop.
    this.#server.on("error", () => {});
    // Its folder is this user's alone already.
    await chmod(this.path, 0o600);
  }

  /**
   * Tells the clients of an event, and returns at once, however slow they are.
   *
   * @param numbered The event, which is in the log already.
   */
  publish(numbered: NumberedEvent): void {
    const { ring, status, screen } = this.#hub;
    ring.push(numbered);
    screen.look();
    const { change, lines } = status.take(numbered.event);
    const changes = { ...change, ...this.#interactive() };
    this.#gather((delivery) => {
      delivery.addOutput(lines, numbered.event.time);
      Object.assign(delivery.change, changes);
    });
  }

  /** Stops listening, lets the clients have what there is, and removes the socket. */
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

  /** What may have changed without an event. */
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
 * Starts the server of a session: JSON-RPC 2.0, a line each, on a unix socket that only this user
 * can reach. The protocol is told in PROTOCOL.md beside this file.
 *
 * @example Usage
 * ```ts ignore
 * import { startSessionServer } from "./session_server.ts";
 *
 * await using server = await startSessionServer(session, { paths, dir, control });
 * registry.updateSession(session.id, { socket: server.path });
 * for await (const event of loop) server.publish(await recorder.write(event));
 * ```
 *
 * @param session The session.
 * @param options Its log, its loop, its limits.
 * @returns The server, which can be reached when the promise fulfils.
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

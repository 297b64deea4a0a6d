import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "../../base/backoff.ts";
import {
  PROTOCOL_VERSION,
  type RpcHello,
  type RpcNotification,
  type RpcRole,
} from "../protocol/protocol.ts";
import { RpcChannel, RpcConnectionError } from "./rpc_channel.ts";
import type { RpcTransport } from "./transports.ts";

/** Options for {@linkcode SessionClient}: how to connect and reconnect. */
export interface SessionClientOptions {
  /** What the connection may do. @default {"control"} */
  role?: RpcRole | undefined;
  /** The name of the client. @default {"ralph"} */
  client?: string | undefined;
  /** Time limit for an answer, in milliseconds. @default {10_000} */
  timeoutMs?: number | undefined;
  /** How often to retry a lost connection before giving up. @default {10} */
  attempts?: number | undefined;
  /** The wait before the first retry, in milliseconds; it doubles each time. @default {100} */
  retryBaseMs?: number | undefined;
  /** The longest wait, in milliseconds. @default {5_000} */
  retryMaxMs?: number | undefined;
  /** Source of random numbers from 0 (inclusive) to 1 (exclusive). @default {Math.random} */
  random?: (() => number) | undefined;
  /** Events that are queued for a slow reader. @default {1_000} */
  maxQueuedEvents?: number | undefined;
}

/** Callbacks of the owner of a link. */
export interface RpcLinkUser {
  /** Receives notifications. */
  onNotification: (notification: RpcNotification) => void;
  /** Called with every new connection, before anybody else uses it. */
  onConnect: (channel: RpcChannel) => Promise<void>;
  /** Called when the connection is lost; another one may follow. */
  onLost: () => void;
  /** Called when the link gives up. */
  onEnd: (error: RpcConnectionError) => void;
}

/** A connection to a session that reconnects when it is lost, as long as the session runs. */
export class RpcLink {
  readonly #transport: RpcTransport;
  readonly #options: SessionClientOptions;
  readonly #user: RpcLinkUser;
  readonly #end = new AbortController();
  #channel = Promise.withResolvers<RpcChannel>();
  #hello: RpcHello | undefined;
  #sessionOver = false;

  constructor(
    transport: RpcTransport,
    { user, ...options }: SessionClientOptions & { user: RpcLinkUser },
  ) {
    this.#transport = transport;
    this.#options = options;
    this.#user = user;
    // A failure must not become an unhandled rejection when nobody waits for the channel.
    this.#channel.promise.catch(() => {});
  }

  /** What the server answered to `hello`; `undefined` before the first connection. */
  get hello(): RpcHello | undefined {
    return this.#hello;
  }

  /** The current connection, or the next one; rejects when the link gives up. */
  get channel(): Promise<RpcChannel> {
    return this.#channel.promise;
  }

  /** Aborted when the link gives up; its reason says why. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** Notes that the session has ended: a connection that is lost now is not retried. */
  sessionIsOver(): void {
    this.#sessionOver = true;
  }

  /** Connects for the first time. */
  async open(signal?: AbortSignal): Promise<void> {
    const signals = signal === undefined ? [this.ended] : [this.ended, signal];
    await this.#connect(AbortSignal.any(signals));
  }

  /** Closes the connection for good. */
  async close(): Promise<void> {
    this.#giveUp(new RpcConnectionError("Connection to the session closed"));
    const channel = await this.channel.catch(() => undefined);
    channel?.close();
    await channel?.closed;
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { role = "control", client = "ralph", timeoutMs = 10_000 } = this.#options;
    const { onNotification, onConnect } = this.#user;
    const stream = await this.#transport.connect(signal);
    const channel = new RpcChannel(stream, { onNotification });
    try {
      const params = { role, client, protocol: PROTOCOL_VERSION };
      const hello = await channel.call("hello", params, { timeoutMs, signal });
      if (hello.protocol !== PROTOCOL_VERSION) {
        const versions = `it speaks version ${hello.protocol}, expected ${PROTOCOL_VERSION}`;
        throw new RpcConnectionError(`Cannot talk to the session: ${versions}`);
      }
      if (this.#hello !== undefined && this.#hello.session_id !== hello.session_id) {
        this.#sessionOver = true;
        throw new RpcConnectionError(`Session ${this.#hello.session_id} is over`);
      }
      this.#hello = hello;
      await onConnect(channel);
    } catch (error) {
      channel.close();
      throw error;
    }
    this.#channel.resolve(channel);
    void channel.closed.then((error) => this.#reconnect(error));
  }

  async #reconnect(lost: RpcConnectionError): Promise<void> {
    const { attempts = 10, retryBaseMs = 100, retryMaxMs = 5000 } = this.#options;
    const { random = Math.random } = this.#options;
    if (this.ended.aborted) return;
    this.#channel = Promise.withResolvers();
    this.#channel.promise.catch(() => {});
    this.#user.onLost();
    const bounds = { backoffBaseMs: retryBaseMs, backoffMaxMs: retryMaxMs };
    let cause: unknown = lost;
    for (let attempt = 1; attempt <= attempts && !this.#sessionOver; attempt++) {
      try {
        const signal = this.ended;
        await delay(backoffMs(attempt, bounds, random()), undefined, { signal });
        await this.#connect(signal);
        return;
      } catch (error) {
        if (this.ended.aborted) return;
        cause = error;
      }
    }
    const message = this.#sessionOver ? "The session is over" : lost.message;
    this.#giveUp(new RpcConnectionError(message, { cause }));
  }

  #giveUp(error: RpcConnectionError): void {
    if (this.ended.aborted) return;
    this.#end.abort(error);
    this.#channel.reject(error);
    this.#user.onEnd(error);
  }
}

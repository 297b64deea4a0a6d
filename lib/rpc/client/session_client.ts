import type { NumberedEvent } from "../../event/numbered_event.ts";
import { EventQueue } from "./event_queue.ts";
import type {
  RpcHello,
  RpcMethod,
  RpcMethods,
  RpcNotification,
  RpcTopic,
} from "../protocol/protocol.ts";
import { type RpcCallOptions, type RpcChannel, RpcConnectionError } from "./rpc_channel.ts";
import { RpcLink, type SessionClientOptions } from "./rpc_link.ts";
import type { RpcTransport } from "./transports.ts";

export type { SessionClientOptions };

/** Options for {@linkcode SessionClient.events}. */
export interface ClientEventsOptions {
  /** The number of the last known event. @default {0} */
  since?: number | undefined;
  /** Ends the reading; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * A client of a running session; get one from {@linkcode connectSession}.
 *
 * @example Usage
 * ```ts ignore
 * import { connectSession } from "@ralph/cli";
 *
 * await using session = await connectSession(path);
 * const { iteration, current_story } = await session.call("get_status");
 * console.log(iteration, current_story);
 * ```
 */
export class SessionClient implements AsyncDisposable {
  readonly #link: RpcLink;
  readonly #timeoutMs: number;
  readonly #maxQueuedEvents: number;
  readonly #listeners = new Map<
    (notification: RpcNotification) => void,
    readonly Exclude<RpcTopic, "event">[]
  >();
  #events: EventQueue | undefined;

  /** A client that is not connected yet: use {@linkcode connectSession}. */
  constructor(transport: RpcTransport, options: SessionClientOptions) {
    const { maxQueuedEvents = 1000, ...linkOptions } = options;
    this.#maxQueuedEvents = maxQueuedEvents;
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#link = new RpcLink(transport, {
      ...linkOptions,
      user: {
        onNotification: (notification) => this.#take(notification),
        onConnect: (channel) => this.#resubscribe(channel),
        onLost: () => this.#events?.close(),
        onEnd: (error) => this.#events?.fail(error),
      },
    });
  }

  /** What the server said of itself and of the session. */
  get session(): RpcHello {
    const { hello } = this.#link;
    if (hello === undefined) throw new RpcConnectionError("Not connected to a session");
    return hello;
  }

  /** Connects for the first time. */
  async open(signal?: AbortSignal): Promise<void> {
    await this.#link.open(signal);
  }

  /**
   * Calls a method. While the connection is lost, it waits for the next one. A request that was
   * sent and not answered is not repeated.
   *
   * @throws {RpcError} If the server refuses, or fails.
   * @throws {RpcConnectionError} If the connection is lost.
   * @throws {DOMException} If the answer takes too long: a `TimeoutError`.
   */
  async call<Method extends Exclude<RpcMethod, "hello" | "subscribe" | "unsubscribe">>(
    method: Method,
    ...[params, options = {}]: Record<never, never> extends RpcMethods[Method]["params"]
      ? [params?: RpcMethods[Method]["params"], options?: RpcCallOptions]
      : [params: RpcMethods[Method]["params"], options?: RpcCallOptions]
  ): Promise<RpcMethods[Method]["result"]> {
    const { timeoutMs = this.#timeoutMs, signal } = options;
    const late = new AbortController();
    const message = `No answer to ${method} within ${timeoutMs / 1000} s`;
    const timer = setTimeout(
      () => late.abort(new DOMException(message, "TimeoutError")),
      timeoutMs,
    );
    try {
      const either = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
      const channel = await abortable(this.#link.channel, either);
      return await channel.call(method, params ?? {}, { timeoutMs, signal: either });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Reads the events of the session: past ones, then new ones, each once and in order, until the
   * last one. After a lost connection it reconnects and the events continue where they stopped.
   * Calls can be made meanwhile.
   *
   * @throws {RpcConnectionError} If the connection cannot be restored.
   * @throws {TypeError} If the events are being read already.
   */
  async *events(options: ClientEventsOptions = {}): AsyncGenerator<NumberedEvent, void, void> {
    const { since = 0, signal } = options;
    if (this.#events !== undefined) {
      throw new TypeError("Cannot read the events: they are being read already");
    }
    const queue = this.#events = new EventQueue(this.#maxQueuedEvents, since);
    const onAbort = (): void => queue.fail(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      for (;;) {
        signal?.throwIfAborted();
        const numbered = await queue.next();
        if (numbered === undefined) {
          await this.#follow(queue, signal);
          continue;
        }
        yield numbered;
        if (numbered.event.type === "loop_finished") return;
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#events = undefined;
      this.#unsubscribe(["event"]);
    }
  }

  /**
   * Listens to notifications that are not numbered; those sent while there is no connection are
   * missed.
   *
   * @param topics What to listen to.
   * @param listener Receives each notification, and every `lagged`.
   * @returns Dispose of it to stop listening.
   */
  async subscribe(
    topics: readonly Exclude<RpcTopic, "event">[],
    listener: (notification: RpcNotification) => void,
  ): Promise<Disposable> {
    this.#listeners.set(listener, topics);
    try {
      const channel = await this.#link.channel;
      await channel.call("subscribe", { events: [...topics] }, { timeoutMs: this.#timeoutMs });
    } catch (error) {
      this.#listeners.delete(listener);
      throw error;
    }
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener);
        const left = [...this.#listeners.values()].flat();
        const unwanted = topics.filter((topic) => !left.includes(topic));
        if (unwanted.length > 0) this.#unsubscribe(unwanted);
      },
    };
  }

  /** Closes the connection; everything that is still waiting rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link.close();
  }

  async #resubscribe(channel: RpcChannel): Promise<void> {
    const events = [...new Set([...this.#listeners.values()].flat())];
    if (events.length === 0) return;
    await channel.call("subscribe", { events }, { timeoutMs: this.#timeoutMs });
  }

  #unsubscribe(events: RpcTopic[]): void {
    if (this.#link.ended.aborted) return;
    this.#link.channel.then((channel) => channel.notify("unsubscribe", { events }), () => {});
  }

  /** Requests the events that are still to come. */
  async #follow(queue: EventQueue, signal: AbortSignal | undefined): Promise<void> {
    const channel = await abortable(this.#link.channel, signal);
    try {
      await channel.call("subscribe", { events: ["event"], since: queue.last }, {
        timeoutMs: this.#timeoutMs,
        // There may be a gap before events that came before the answer.
        onResult: () => queue.reopen(),
        signal,
      });
    } catch (error) {
      const silent = error instanceof DOMException && error.name === "TimeoutError";
      if (signal?.aborted || !(silent || error instanceof RpcConnectionError)) throw error;
      // Another connection may work; if there is none, waiting for it reports that.
      channel.close();
      await channel.closed;
      this.#link.ended.throwIfAborted();
    }
  }

  #take(notification: RpcNotification): void {
    const { type, data } = notification;
    if (type === "event") {
      if (data.event.type === "loop_finished") this.#link.sessionIsOver();
      if (this.#events?.take(data) === false) this.#unsubscribe(["event"]);
      return;
    }
    if (type === "state_change" && (data.status ?? "running") !== "running") {
      this.#link.sessionIsOver();
    }
    for (const [listener, topics] of this.#listeners) {
      const wanted = type === "lagged" || topics.includes(type) ||
        (type !== "screen" && topics.includes("*"));
      if (wanted) listener(notification);
    }
  }
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

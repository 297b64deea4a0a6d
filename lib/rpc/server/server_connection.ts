import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { ClientStream } from "./client_stream.ts";
import type { Delivery } from "./delivery.ts";
import { EventCursor } from "./event_cursor.ts";
import { notificationLine, parseRequest, toErrorBody } from "../protocol/messages.ts";
import {
  RPC_ERROR_CODES,
  type RpcErrorBody,
  type RpcId,
  type RpcNotifications,
  type RpcRole,
  type RpcStateChange,
  type RpcTopic,
} from "../protocol/protocol.ts";
import { LineTimeoutError, readFrames, type ReadFramesOptions } from "../protocol/frames.ts";
import type { SessionHub } from "./session_hub.ts";
import { callMethod, type RpcCaller } from "./session_methods.ts";

/** Options for {@linkcode ServerConnection}. */
export interface ServerConnectionOptions extends ReadFramesOptions {
  /** What may wait for a slow client, in bytes; anything beyond it is dropped. */
  maxQueueBytes: number;
  /** The clock, ISO 8601 in UTC. */
  timestamp: () => string;
  /** Called before and after each request, which may read or change the state. */
  onRequest: () => void;
}

/** The interval in which to check whether the client has read everything, in milliseconds. */
const LOOK_MS = 5;

/** One client of a server. */
export class ServerConnection implements RpcCaller {
  role: RpcRole = "control";
  readonly #stream: ClientStream;
  readonly #hub: SessionHub;
  readonly #options: ServerConnectionOptions;
  readonly #events: EventCursor;
  readonly #topics = new Set<RpcTopic>();
  readonly #dropped = new Set<"output" | "screen">();
  #droppedFrom = 0;
  #change: RpcStateChange = {};
  /** Work that a request started and that must not overtake its answer. */
  #afterAnswer: (() => void)[] = [];

  constructor(stream: Duplex, hub: SessionHub, options: ServerConnectionOptions) {
    this.#stream = new ClientStream(stream, { onDrain: () => this.#onDrain() });
    this.#hub = hub;
    this.#options = options;
    this.#events = new EventCursor(hub, {
      stream: this.#stream,
      lagged: (data) => this.#tell("lagged", data),
      fail: (error) => this.#fail(toErrorBody(error)),
    });
  }

  get topics(): RpcTopic[] {
    return [...this.#topics].sort();
  }

  subscribe(topics: readonly RpcTopic[], since: number | undefined): void {
    // Earlier events are not for new subscribers.
    this.#hub.flush();
    const painted = this.#topics.has("screen");
    const followed = this.#topics.has("event");
    for (const topic of topics) this.#topics.add(topic);
    if (topics.includes("event") && (since !== undefined || !followed)) {
      this.#afterAnswer.push(() => this.#events.start(since ?? this.#hub.ring.last));
    }
    if (topics.includes("screen") && !painted) {
      this.#afterAnswer.push(() => this.#stream.write(this.#paint()));
    }
  }

  unsubscribe(topics: readonly RpcTopic[]): void {
    for (const topic of topics) this.#topics.delete(topic);
    if (topics.includes("event")) this.#events.stop();
  }

  /** Answers requests until the client sends no more. */
  async serve(): Promise<void> {
    try {
      for await (const frame of readFrames(this.#stream.chunks, this.#options)) {
        const request = parseRequest(frame);
        if (request.kind === "error") this.#answer(request.id, { error: request.error });
        else await this.#obey(request);
        // A client that does not read its answers is not asked for more requests.
        await this.#stream.drained();
      }
      // A client that only listens may have closed its side.
      if (this.#topics.size === 0) this.#stream.end();
    } catch (error) {
      if (!(error instanceof LineTimeoutError)) return this.#stream.destroy();
      this.#fail({ code: RPC_ERROR_CODES.parseError, message: `Parse error: ${error.message}` });
    }
  }

  /** Sends the client what happened, as far as it subscribed to it and has room for it. */
  deliver(delivery: Delivery): void {
    if (delivery.hasOutput && this.#wants("output") && this.#hasRoom("output")) {
      this.#stream.write(delivery.output);
    }
    if (this.#wants("state_change")) Object.assign(this.#change, delivery.change);
    this.#tellChange();
    const drawn = delivery.repaint || delivery.hasScreen;
    if (drawn && this.#topics.has("screen") && this.#hasRoom("screen")) {
      this.#stream.write(delivery.repaint ? this.#paint() : delivery.screen);
    }
    this.#events.advance();
  }

  /**
   * Closes the connection when the client has read everything, after `graceMs` milliseconds at
   * most. A client that has stopped reading is not waited for.
   */
  async finish(graceMs: number): Promise<void> {
    const deadline = performance.now() + graceMs;
    while (!this.#stream.stuck && performance.now() < deadline) {
      if (!this.#stream.blocked && this.#events.upToDate) break;
      this.#events.advance();
      await delay(LOOK_MS);
    }
    this.#events.stop();
    await this.#stream.close();
  }

  async #obey(request: { id?: RpcId | undefined; method: string; params: object }): Promise<void> {
    this.#options.onRequest();
    const answer = await callMethod(request, this.#hub, this).then(
      (result) => ({ result }),
      (error: unknown) => ({ error: toErrorBody(error) }),
    );
    if (request.id !== undefined) this.#answer(request.id, answer);
    this.#options.onRequest();
    for (const begin of this.#afterAnswer.splice(0)) begin();
  }

  #wants(topic: "output" | "state_change"): boolean {
    return this.#topics.has(topic) || this.#topics.has("*");
  }

  #answer(id: RpcId, answer: { result: unknown } | { error: RpcErrorBody }): void {
    this.#stream.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...answer })}\n`);
  }

  #tell<Type extends keyof RpcNotifications>(type: Type, data: RpcNotifications[Type]): void {
    this.#stream.write(notificationLine(type, data, this.#options.timestamp()));
  }

  /** Whether there is room for more; if not, it records what was dropped. */
  #hasRoom(topic: "output" | "screen"): boolean {
    const full = this.#stream.waiting > this.#options.maxQueueBytes;
    // After one drop everything is dropped, until the client was notified.
    if (!full && this.#dropped.size === 0) return true;
    if (this.#dropped.size === 0) this.#droppedFrom = this.#hub.ring.last;
    this.#dropped.add(topic);
    return false;
  }

  #tellChange(): void {
    if (this.#stream.blocked || Object.keys(this.#change).length === 0) return;
    this.#tell("state_change", this.#change);
    this.#change = {};
  }

  #paint(): string {
    const { paint } = this.#hub.screen;
    return paint === undefined ? "" : notificationLine("screen", paint, this.#options.timestamp());
  }

  #onDrain(): void {
    if (this.#dropped.size > 0) {
      const dropped = [...this.#dropped].sort();
      this.#dropped.clear();
      this.#tell("lagged", { from: this.#droppedFrom, dropped });
      if (dropped.includes("screen")) this.#stream.write(this.#paint());
    }
    this.#tellChange();
    this.#events.advance();
  }

  #fail(error: RpcErrorBody): void {
    this.#answer(null, { error });
    this.#events.stop();
    void this.#stream.close();
  }
}

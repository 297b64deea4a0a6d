import type { Duplex } from "node:stream";
import type {
  RpcErrorBody,
  RpcId,
  RpcMethod,
  RpcMethods,
  RpcNotification,
} from "../protocol/protocol.ts";
import { readFrames } from "../protocol/frames.ts";
import { RpcError } from "../protocol/messages.ts";

/** Thrown when the connection to a session is lost, or cannot be made again. */
export class RpcConnectionError extends Error {
  /** `message` says what was lost, and why. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RpcConnectionError";
  }
}

/** Options for {@linkcode RpcChannel.call}. */
export interface RpcCallOptions {
  /** Time limit for the answer, in milliseconds. @default {10_000} */
  timeoutMs?: number | undefined;
  /** Ends the waiting, not the request; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Options for {@linkcode RpcChannel}. */
export interface RpcChannelOptions {
  /** Receives notifications, in order, also while a call is waiting for its answer. */
  onNotification: (notification: RpcNotification) => void;
}

interface Waiting {
  resolve: (result: never) => void;
  reject: (error: unknown) => void;
  onResult: (() => void) | undefined;
}

/** Answers with events are long; a server that sends more than this is not a ralph server. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** One connection of a client: calls, their answers, and notifications. */
export class RpcChannel {
  readonly #stream: Duplex;
  readonly #onNotification: (notification: RpcNotification) => void;
  readonly #waiting = new Map<RpcId, Waiting>();
  #lastId = 0;
  #closed: RpcConnectionError | undefined;
  /** Resolves with the reason when the connection is closed. */
  readonly closed: Promise<RpcConnectionError>;

  constructor(stream: Duplex, options: RpcChannelOptions) {
    this.#stream = stream;
    this.#onNotification = options.onNotification;
    // The reader reports errors of the stream.
    stream.on("error", () => {});
    this.closed = this.#read();
  }

  /**
   * Calls a method.
   *
   * @param options Time limit and signal; `onResult` is called before any later notification.
   * @throws {RpcError} If the answer is an error.
   * @throws {RpcConnectionError} If the connection is lost before the answer.
   */
  async call<Method extends RpcMethod>(
    method: Method,
    params: RpcMethods[Method]["params"],
    options: RpcCallOptions & { onResult?: () => void } = {},
  ): Promise<RpcMethods[Method]["result"]> {
    const { timeoutMs = 10_000, signal, onResult } = options;
    signal?.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed;
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<RpcMethods[Method]["result"]>();
    this.#waiting.set(id, { ...answer, onResult });
    const timer = setTimeout(() => {
      const message = `No answer to ${method} within ${timeoutMs / 1000} s`;
      answer.reject(new DOMException(message, "TimeoutError"));
    }, timeoutMs);
    const onAbort = (): void => answer.reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      this.#stream.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#waiting.delete(id);
    }
  }

  /** Calls a method without waiting for an answer. */
  notify<Method extends RpcMethod>(method: Method, params: RpcMethods[Method]["params"]): void {
    if (this.#closed === undefined) {
      this.#stream.write(`${JSON.stringify({ jsonrpc: "2.0", method, params })}\n`);
    }
  }

  /** Closes the connection. */
  close(): void {
    this.#stream.destroy();
  }

  async #read(): Promise<RpcConnectionError> {
    let cause: unknown;
    try {
      for await (const frame of readFrames(this.#stream, { maxBytes: MAX_LINE_BYTES })) {
        if (frame.kind !== "line") throw new TypeError("The server sent a line that is not JSON");
        this.#take(JSON.parse(frame.text));
      }
    } catch (error) {
      cause = error;
    }
    this.#stream.destroy();
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    this.#closed = new RpcConnectionError(`Connection to the session lost${why}`, { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#closed);
    return this.#closed;
  }

  #take(message: {
    id?: RpcId | undefined;
    method?: string | undefined;
    params?: RpcNotification | undefined;
    result?: never | undefined;
    error?: RpcErrorBody | undefined;
  }): void {
    const { id, method, params, result, error } = message;
    if (method === "event" && params !== undefined) {
      this.#onNotification(params);
      return;
    }
    // An error without an id is about the connection as a whole.
    if (error !== undefined && (id === undefined || id === null)) throw asError(error);
    const waiting = this.#waiting.get(id ?? null);
    if (waiting === undefined) return;
    if (error !== undefined) {
      waiting.reject(asError(error));
      return;
    }
    waiting.onResult?.();
    waiting.resolve(result as never);
  }
}

function asError({ code, message, data }: RpcErrorBody): RpcError {
  return new RpcError(code, message, data);
}

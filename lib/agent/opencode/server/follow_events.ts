import { setTimeout as delay } from "node:timers/promises";
import { readServerEvent, type ServerEvent } from "./event.ts";
import type { ServerFetch } from "./fetch.ts";

/** Options for {@linkcode followEvents}. */
export interface FollowEventsOptions {
  /** A `fetch` that adds the project and the password. */
  fetch: ServerFetch;
  /** How many attempts in a row may fail before the server counts as gone. @default {15} */
  maxMisses?: number | undefined;
  /** The pause between two attempts, in milliseconds. @default {1_000} */
  pauseMs?: number | undefined;
  /** How long the server may be silent, in milliseconds; it sends a heartbeat every 10 seconds. @default {75_000} */
  silenceMs?: number | undefined;
  /** Called for each piece of text that a session of the project writes. */
  onDelta?: ((sessionID: string) => void) | undefined;
  /** Ends it. */
  signal: AbortSignal;
}

/** What {@linkcode followEvents} yields. */
export type Followed =
  /** Connected; `again` means that events may have been missed since the connection was lost. */
  | { kind: "connected"; again: boolean }
  /** The connection is lost; connecting again. */
  | { kind: "disconnected"; reason: string }
  /** An event of the server. */
  | { kind: "event"; event: ServerEvent };

/** Thrown when a server does not come back. */
export class ServerGoneError extends Error {
  /** `reason` is why the last attempt failed. */
  constructor(url: string, reason: string) {
    super(`Cannot reach the OpenCode server at ${url}: ${reason}`);
    this.name = "ServerGoneError";
  }
}

/**
 * Follows the events of one project on an OpenCode server, and reconnects when the connection
 * breaks. The server does not repeat events: after each `connected` with `again` the reader must
 * read the state again.
 *
 * @returns The events; when the signal is aborted, it throws the signal's reason.
 * @throws {ServerGoneError} If the server does not come back.
 */
export async function* followEvents(
  url: string,
  options: FollowEventsOptions,
): AsyncGenerator<Followed, void, void> {
  const { maxMisses = 15, pauseMs = 1_000, signal } = options;
  let misses = 0;
  let again = false;
  for (;;) {
    let reason = "the connection was closed";
    try {
      for await (const event of readOnce(url, options)) {
        if (event === "connected") {
          misses = 0;
          yield { kind: "connected", again };
          again = true;
        } else {
          yield { kind: "event", event };
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      reason = error instanceof Error ? error.message : String(error);
    }
    signal.throwIfAborted();
    if (++misses > maxMisses) throw new ServerGoneError(url, reason);
    if (misses === 1) yield { kind: "disconnected", reason };
    await delay(pauseMs, undefined, { signal });
  }
}

async function* readOnce(
  url: string,
  { fetch, signal, silenceMs = 75_000, onDelta }: FollowEventsOptions,
): AsyncGenerator<"connected" | ServerEvent, void, void> {
  const silent = new AbortController();
  const beat = () => silent.abort(new Error(`silent for ${Math.round(silenceMs / 1_000)} s`));
  // A server that is starting accepts connections and does not answer.
  let timer = setTimeout(beat, Math.min(silenceMs, 5_000));
  try {
    const response = await fetch(`${url}/event`, {
      headers: { accept: "text/event-stream" },
      signal: AbortSignal.any([signal, silent.signal]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`status ${response.status}`);
    }
    for await (const value of readEventStream(response.body)) {
      clearTimeout(timer);
      timer = setTimeout(beat, silenceMs);
      const { type, properties } = value as {
        type?: unknown | undefined;
        properties?: { sessionID?: unknown };
      };
      if (type === "server.connected") yield "connected";
      if (type === "message.part.delta") onDelta?.(String(properties?.sessionID));
      const event = readServerEvent(value);
      if (event !== undefined) yield event;
    }
  } finally {
    clearTimeout(timer);
    // Also closes the connection if the reader stopped early.
    silent.abort(new Error("left"));
  }
}

/** Options for {@linkcode readEventStream}. */
export interface ReadEventStreamOptions {
  /** An event with more characters is dropped. @default {16_777_216} */
  maxLength?: number | undefined;
}

/**
 * Reads server-sent events whose data is JSON. Memory is bounded: an event that is too long or not
 * JSON is ignored.
 *
 * @example Usage
 * ```ts
 * import { readEventStream } from "./follow_events.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = new Response('data: {"type":"a"}\n\n: beat\n\ndata: {"type":"b"}\n\n').body;
 * const events = await Array.fromAsync(readEventStream(stream));
 * assertEquals(events, [{ type: "a" }, { type: "b" }]);
 * ```
 *
 * @param stream The body of the response; it is cancelled when the reader leaves early.
 * @returns The data of each event that is an object, parsed.
 */
export async function* readEventStream(
  stream: ReadableStream<Uint8Array> | null,
  options: ReadEventStreamOptions = {},
): AsyncGenerator<object, void, void> {
  const { maxLength = 16 * 1024 * 1024 } = options;
  if (stream === null) return;
  const decoder = new TextDecoder();
  let line = "";
  let isBlank = true;
  let data = "";
  let isDropped = false;
  for await (const chunk of stream) {
    const pieces = decoder.decode(chunk, { stream: true }).split("\n");
    for (const [i, piece] of pieces.entries()) {
      isBlank &&= piece === "" || piece === "\r";
      if (!isDropped) line += piece;
      if (data.length + line.length > maxLength) {
        isDropped = true;
        line = "";
        data = "";
      }
      if (i === pieces.length - 1) break;
      if (isBlank) {
        const value = parse(data);
        if (typeof value === "object" && value !== null) yield value;
        data = "";
        isDropped = false;
      } else if (line.startsWith("data:")) {
        data += `${line.slice("data:".length).trim()}\n`;
      }
      line = "";
      isBlank = true;
    }
  }
}

function parse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

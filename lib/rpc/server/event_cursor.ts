import type { ClientStream } from "./client_stream.ts";
import type { RpcNotifications } from "../protocol/protocol.ts";
import { notificationLine } from "../protocol/messages.ts";
import type { SessionHub } from "./session_hub.ts";

/** What an {@linkcode EventCursor} needs to reach its client. */
export interface EventCursorOptions {
  /** The client. */
  stream: Pick<ClientStream, "write" | "blocked" | "drained">;
  /** Tells the client that it was too slow, or that events are gone. */
  lagged: (data: RpcNotifications["lagged"]) => void;
  /** Closes the connection because its events cannot be read. */
  fail: (error: unknown) => void;
}

/** Events are written in pieces of about this many characters. */
const BATCH_CHARS = 65_536;

/**
 * How far one client has come in the events of a session. It only advances when the client reads
 * what was written, so nothing is queued for it: what the ring no longer has comes from the log.
 * Each event is written once and in order, because the position is one number for both sources.
 */
export class EventCursor {
  readonly #hub: SessionHub;
  readonly #options: EventCursorOptions;
  /**
   * The number of the last event that was written; `undefined` while the client wants no events.
   */
  #known: number | undefined;
  /** Aborts the reading of the log. */
  #replay: AbortController | undefined;

  constructor(hub: SessionHub, options: EventCursorOptions) {
    this.#hub = hub;
    this.#options = options;
  }

  /** Whether nothing is left to write. */
  get upToDate(): boolean {
    return this.#known === undefined || this.#known >= this.#hub.ring.last;
  }

  /** Starts, or restarts, after the event with this number. */
  start(known: number): void {
    this.stop();
    this.#known = known;
    if (this.#hub.ring.covers(known)) this.advance();
    else void this.#readLog(known);
  }

  /** Stops writing events. */
  stop(): void {
    this.#known = undefined;
    this.#replay?.abort();
    this.#replay = undefined;
  }

  /** Writes as much as the client takes right now. */
  advance(): void {
    const { ring } = this.#hub;
    const { stream } = this.#options;
    while (this.#known !== undefined && this.#replay === undefined && !stream.blocked) {
      if (!ring.covers(this.#known)) {
        this.#options.lagged({ from: this.#known + 1, dropped: [] });
        void this.#readLog(this.#known);
        return;
      }
      const batch = ring.batch(this.#known, BATCH_CHARS);
      if (batch === undefined) return;
      this.#known = batch.last;
      stream.write(batch.bytes);
    }
  }

  /** Reads the log until the ring has what comes next. */
  async #readLog(since: number): Promise<void> {
    const { ring } = this.#hub;
    const replay = this.#replay = new AbortController();
    const { signal } = replay;
    let known = since;
    let lines = "";
    const flush = async (): Promise<void> => {
      if (signal.aborted || lines === "") return;
      this.#known = known;
      this.#options.stream.write(lines);
      lines = "";
      await this.#options.stream.drained();
      await this.#hub.turn();
    };
    try {
      while (!signal.aborted && !ring.covers(known)) {
        const before = known;
        for await (const numbered of this.#hub.readLog(known, signal)) {
          const from = known + 1;
          if (numbered.seq > from) this.#options.lagged({ from, dropped: ["event"] });
          known = numbered.seq;
          lines += notificationLine("event", numbered, numbered.event.time);
          if (lines.length >= BATCH_CHARS) await flush();
          if (signal.aborted || ring.covers(known)) break;
        }
        if (known === before) {
          // An event that is in neither was deleted: the ring begins after it.
          throw new RangeError(`Cannot read event ${known + 1}: it is not in the log`);
        }
      }
      await flush();
    } catch (error) {
      if (!signal.aborted) this.#options.fail(error);
      return;
    }
    if (this.#replay !== replay) return;
    this.#replay = undefined;
    this.advance();
  }
}

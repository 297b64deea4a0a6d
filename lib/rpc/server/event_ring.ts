import { Buffer } from "node:buffer";
import type { NumberedEvent } from "../../event/numbered_event.ts";
import { notificationLine } from "../protocol/messages.ts";

/** A piece of the stream of events, ready to be written. */
export interface EventBatch {
  /** The number of its last event. */
  last: number;
  /** Its lines. */
  bytes: Uint8Array;
}

/**
 * The last events of a session as protocol lines, so that a client that is only a little behind
 * needs no file. Each event is serialized once, however many clients there are.
 */
export class EventRing {
  readonly #capacity: number;
  readonly #events: NumberedEvent[] = [];
  /** The line of an event, built on first use. */
  readonly #lines: (string | undefined)[] = [];
  #last: number;
  #batch: { after: number; batch: EventBatch } | undefined;

  /**
   * `last` is the number of the last event that has already happened; the ring keeps `capacity`
   * events.
   */
  constructor(capacity: number, last = 0) {
    this.#capacity = capacity;
    this.#last = last;
  }

  /** The number of the last event; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Adds the next event and drops the oldest one when the ring is full. */
  push(numbered: NumberedEvent): void {
    const slot = numbered.seq % this.#capacity;
    this.#events[slot] = numbered;
    this.#lines[slot] = undefined;
    this.#last = numbered.seq;
    this.#batch = undefined;
  }

  /**
   * Whether everything after event `known` is in the ring, so that nothing has to be read from the
   * log.
   */
  covers(known: number): boolean {
    return known >= this.#last || this.get(known + 1) !== undefined;
  }

  /** The event with this number; `undefined` if the ring does not have it. */
  get(seq: number): NumberedEvent | undefined {
    const found = this.#events[seq % this.#capacity];
    return found?.seq === seq ? found : undefined;
  }

  /**
   * Writes the events after one that is known.
   *
   * @param known The number of the last known event; the ring must cover it.
   * @param maxChars The batch ends with the event that makes it longer than this.
   * @returns The events; `undefined` if there are none.
   */
  batch(known: number, maxChars: number): EventBatch | undefined {
    // Clients that keep up all want the same batch.
    if (this.#batch?.after === known) return this.#batch.batch;
    let text = "";
    let last = known;
    while (last < this.#last && text.length < maxChars) text += this.#line(++last);
    if (last === known) return undefined;
    const batch = { last, bytes: Buffer.from(text) };
    this.#batch = { after: known, batch };
    return batch;
  }

  #line(seq: number): string {
    const slot = seq % this.#capacity;
    const numbered = this.get(seq);
    if (numbered === undefined) throw new RangeError(`Cannot find event ${seq}: it is too old`);
    return this.#lines[slot] ??= notificationLine("event", numbered, numbered.event.time);
  }
}

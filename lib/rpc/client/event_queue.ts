import type { NumberedEvent } from "../../event/numbered_event.ts";

/**
 * Events between a connection and their reader. It is bounded: when it is full, new events are
 * dropped, and {@linkcode EventQueue.open} is `false` until the events after
 * {@linkcode EventQueue.last} have been requested again.
 */
export class EventQueue {
  readonly #capacity: number;
  readonly #events: NumberedEvent[] = [];
  #news = Promise.withResolvers<void>();
  #last: number;
  #open = false;
  #failure: { error: unknown } | undefined;

  /** Starts empty and closed; `since` is the number of the last event that the reader knows. */
  constructor(capacity: number, since: number) {
    this.#capacity = capacity;
    this.#last = since;
  }

  /** The number of the last event that was accepted; the next one follows it. */
  get last(): number {
    return this.#last;
  }

  /** Whether events are accepted. */
  get open(): boolean {
    return this.#open;
  }

  /** Accepts events again: from now on those after {@linkcode EventQueue.last} come in order. */
  reopen(): void {
    this.#open = true;
  }

  /** Accepts nothing until it is reopened: the connection is lost. */
  close(): void {
    this.#open = false;
    this.#news.resolve();
  }

  /** Makes the reader fail with this error after it has read what is queued. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#news.resolve();
  }

  /**
   * Accepts an event unless it is a duplicate or out of order; returns whether there is room for
   * another.
   */
  take(numbered: NumberedEvent): boolean {
    if (!this.#open || numbered.seq <= this.#last) return true;
    this.#events.push(numbered);
    this.#last = numbered.seq;
    this.#news.resolve();
    if (this.#events.length < this.#capacity) return true;
    this.#open = false;
    return false;
  }

  /** Waits for the next event; `undefined` if the queue is empty and closed. */
  async next(): Promise<NumberedEvent | undefined> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      if (this.#failure !== undefined) throw this.#failure.error;
      if (!this.#open) return undefined;
      this.#news = Promise.withResolvers();
      await this.#news.promise;
    }
  }
}

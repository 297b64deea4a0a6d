import type { NumberedEvent } from "../../event/numbered_event.ts";

/**
 * Events between a connection and their reader. It is bounded: when it is full, what comes is
 * dropped and {@linkcode EventQueue.open} is `false` until the events after
 * {@linkcode EventQueue.last} have been asked for again.
 */
export class EventQueue {
  readonly #capacity: number;
  readonly #events: NumberedEvent[] = [];
  #news = Promise.withResolvers<void>();
  #last: number;
  #open = false;
  #failure: { error: unknown } | undefined;

  /**
   * Makes an empty queue, which is not open.
   *
   * @param capacity How many events it holds.
   * @param since The number of the last event that is known.
   */
  constructor(capacity: number, since: number) {
    this.#capacity = capacity;
    this.#last = since;
  }

  /** The number of the last event that was taken: those after it are still to come. */
  get last(): number {
    return this.#last;
  }

  /** Whether events are taken. */
  get open(): boolean {
    return this.#open;
  }

  /** Takes events again: from now on those after {@linkcode EventQueue.last} come in order. */
  reopen(): void {
    this.#open = true;
  }

  /** Takes nothing until it is opened again: the connection is lost. */
  close(): void {
    this.#open = false;
    this.#news.resolve();
  }

  /**
   * Ends the reading, when what has come is read.
   *
   * @param error Why.
   */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#news.resolve();
  }

  /**
   * Takes an event, if it is one that is waited for.
   *
   * @param numbered The event.
   * @returns Whether there is room for another.
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

  /**
   * Waits for the next event.
   *
   * @returns It; `undefined` if there is none and the queue is not open.
   */
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

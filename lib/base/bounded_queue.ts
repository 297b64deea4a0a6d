/**
 * A queue between a producer and one consumer; the producer waits when it is full.
 *
 * @example Usage
 * ```ts
 * import { BoundedQueue } from "./bounded_queue.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new BoundedQueue<number>(2);
 * await queue.push(1);
 * queue.close();
 * assertEquals(await Array.fromAsync(queue), [1]);
 * ```
 *
 * @typeParam T The type of the items.
 */
export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly #capacity: number;
  #items: T[] = [];
  #closed = false;
  #room = Promise.withResolvers<void>();
  #news = Promise.withResolvers<void>();

  /**
   * Makes an empty queue.
   *
   * @param capacity How many items it holds before a producer has to wait.
   */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Whether a producer would have to wait. */
  get full(): boolean {
    return this.#items.length >= this.#capacity && !this.#closed;
  }

  /**
   * Adds an item. Items that come after {@linkcode close} are dropped.
   *
   * @returns Nothing while there is room, else a promise that fulfils when there is.
   */
  push(item: T): Promise<void> | undefined {
    if (this.#closed) return;
    this.#items.push(item);
    this.#news.resolve();
    return this.full ? this.#room.promise : undefined;
  }

  /** Ends the queue: what it holds is still delivered, and no producer waits any more. */
  close(): void {
    this.#closed = true;
    this.#room.resolve();
    this.#news.resolve();
  }

  /** Ends the queue and drops what it holds. */
  discard(): void {
    this.#items = [];
    this.close();
  }

  /** Takes the items, in order, until the queue is closed and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    while (true) {
      while (this.#items.length > 0) {
        yield this.#items.shift() as T;
        if (!this.full) {
          this.#room.resolve();
          this.#room = Promise.withResolvers<void>();
        }
      }
      if (this.#closed) return;
      this.#news = Promise.withResolvers<void>();
      await this.#news.promise;
    }
  }
}

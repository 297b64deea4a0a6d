/** The longest time that a timer can be set to; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The moment at which the time of a loop is over. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Starts to wait for it.
   *
   * @param leftMs How long there is left, in milliseconds; `Infinity` for ever. Asked again when a
   * timer fires, so that the clock decides and not the timer.
   */
  constructor(leftMs: () => number) {
    const look = (): void => {
      const left = leftMs();
      if (left <= 0) this.#controller.abort();
      else if (left < Infinity) this.#timer = setTimeout(look, Math.min(left, LONGEST_TIMER_MS));
    };
    look();
  }

  /** Aborted when the time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Stops waiting for it. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

import process from "node:process";

/**
 * The first and the second SIGINT of this process, as signals that abort. As long as
 * it is not disposed of, SIGINT does not end the process.
 */
export class Interrupts implements Disposable {
  readonly #controllers = [new AbortController(), new AbortController()];

  /** Begins to listen. */
  constructor() {
    process.on("SIGINT", this.#onInterrupt);
  }

  /** Aborted by the first. */
  get first(): AbortSignal {
    return this.#signal(0);
  }

  /** Aborted by the second. */
  get second(): AbortSignal {
    return this.#signal(1);
  }

  /** Leaves SIGINT alone again. */
  [Symbol.dispose](): void {
    process.off("SIGINT", this.#onInterrupt);
  }

  /** Counts one more: where the terminal is read key by key, Ctrl-C is no signal. */
  press(): void {
    this.#controllers.find(({ signal }) => !signal.aborted)?.abort();
  }

  readonly #onInterrupt = (): void => this.press();

  #signal(index: number): AbortSignal {
    return (this.#controllers[index] ?? new AbortController()).signal;
  }
}

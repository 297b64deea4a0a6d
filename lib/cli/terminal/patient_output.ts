import type { RawStream } from "../kit/command.ts";

/** Writes a lot of text to a stream without keeping it in memory. Dispose of it at the end. */
export class PatientOutput implements Disposable {
  readonly #stream: RawStream;
  readonly #signal: AbortSignal;
  #broken = false;
  #wake: (() => void) | undefined;

  /**
   * `signal` ends the waiting for the reader, as if it had closed.
   */
  constructor(stream: RawStream, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
    signal.addEventListener("abort", this.#onBroken);
    stream.on("error", this.#onBroken);
    stream.on("drain", this.#onDrain);
  }

  /**
   * Writes text, and waits until the reader can take more.
   *
   * @returns Whether there is still a reader: it may close its pipe, as `head` does.
   */
  async write(text: string): Promise<boolean> {
    if (this.#broken) return false;
    if (!this.#stream.write(text) && !this.#broken) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return !this.#broken;
  }

  /** Stops listening to the stream, which stays open. */
  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#onBroken);
    this.#stream.off("error", this.#onBroken);
    this.#stream.off("drain", this.#onDrain);
  }

  readonly #onBroken = (): void => {
    this.#broken = true;
    this.#wake?.();
  };

  readonly #onDrain = (): void => this.#wake?.();
}

import type { OutputStream } from "../kit/command.ts";

/** Writes much text to a stream without keeping it in memory. Dispose of it at the end. */
export class PatientOutput implements Disposable {
  readonly #stream: OutputStream;
  readonly #signal: AbortSignal;
  #broken = false;
  #wake: (() => void) | undefined;

  /**
   * Writes nothing yet.
   *
   * @param stream The stream.
   * @param signal Ends the waiting for the reader, as if it had gone.
   */
  constructor(stream: OutputStream, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
    signal.addEventListener("abort", this.#onBroken);
    stream.on("error", this.#onBroken);
    stream.on("drain", this.#onDrain);
  }

  /**
   * Writes text, and waits until the reader can take more.
   *
   * @param text The text.
   * @returns Whether there is still a reader: it may have closed its pipe, as `head` does.
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

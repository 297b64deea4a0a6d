import type { Duplex } from "node:stream";
import type { Buffer } from "node:buffer";

/** Options for {@linkcode ClientStream}. */
export interface ClientStreamOptions {
  /** Called when the client has read everything that was written. */
  onDrain: () => void;
}

/** A client that has read nothing for this long is stuck, in milliseconds. */
const STUCK_MS = 250;
/** After we close, the other side gets this long to close too, in milliseconds. */
const CLOSE_MS = 250;

/** The byte stream of one client: knows what the client has not read yet, and never blocks. */
export class ClientStream {
  readonly #stream: Duplex;
  #blockedSince: number | undefined;

  constructor(stream: Duplex, options: ClientStreamOptions) {
    this.#stream = stream;
    // A client that disconnects midway is not an error.
    stream.on("error", () => stream.destroy());
    stream.on("drain", () => {
      this.#blockedSince = undefined;
      options.onDrain();
    });
  }

  /** What the client sends. */
  get chunks(): AsyncIterable<Buffer> {
    return this.#stream.iterator({ destroyOnReturn: false });
  }

  /** Whether the client still has to read what was written. */
  get blocked(): boolean {
    return this.#stream.writableNeedDrain;
  }

  /** Whether the client has stopped reading. */
  get stuck(): boolean {
    const since = this.#blockedSince;
    return this.#stream.destroyed || since !== undefined && performance.now() - since > STUCK_MS;
  }

  /** What was written and not read yet, in bytes. */
  get waiting(): number {
    return this.#stream.writableLength;
  }

  /** Writes at once, however much is waiting already. */
  write(data: string | Uint8Array): void {
    if (data.length === 0 || this.#stream.destroyed || this.#stream.writableEnded) return;
    if (!this.#stream.write(data)) this.#blockedSince ??= performance.now();
  }

  /** Waits until the client has read what was written, or has disconnected. */
  async drained(): Promise<void> {
    if (!this.blocked || this.#stream.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#stream.off("drain", done);
        this.#stream.off("close", done);
        resolve();
      };
      this.#stream.on("drain", done);
      this.#stream.on("close", done);
    });
  }

  /** Closes our side; the client may go on to send. */
  end(): void {
    this.#stream.end();
  }

  /** Closes both sides at once. */
  destroy(): void {
    this.#stream.destroy();
  }

  /**
   * Closes both sides once the client has read what was written; a stuck client is disconnected.
   */
  async close(): Promise<void> {
    if (!this.stuck) {
      const closed = new Promise((resolve) => this.#stream.once("close", resolve));
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise((resolve) => timer = setTimeout(resolve, CLOSE_MS));
      this.#stream.end();
      await Promise.race([closed, late]);
      clearTimeout(timer);
    }
    this.#stream.destroy();
  }
}

import type { Duplex } from "node:stream";
import type { Buffer } from "node:buffer";

/** Options for {@linkcode ClientStream}. */
export interface ClientStreamOptions {
  /** Is called when the client has taken what was written. */
  onDrain: () => void;
}

/** A client that has taken nothing for this long is stuck, in milliseconds. */
const STUCK_MS = 250;
/** The other side closes when we do; this long it may take, in milliseconds. */
const CLOSE_MS = 250;

/** The bytes of one client: what is written and not taken yet is known, and nobody has to wait. */
export class ClientStream {
  readonly #stream: Duplex;
  #blockedSince: number | undefined;

  /**
   * Begins to watch a stream.
   *
   * @param stream The stream.
   * @param options Who wants to know when there is room.
   */
  constructor(stream: Duplex, options: ClientStreamOptions) {
    this.#stream = stream;
    // A client that goes away in the middle of something is nobody's error.
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

  /** Whether the client has more to take than it has taken. */
  get blocked(): boolean {
    return this.#stream.writableNeedDrain;
  }

  /** Whether the client takes nothing. */
  get stuck(): boolean {
    const since = this.#blockedSince;
    return this.#stream.destroyed || since !== undefined && performance.now() - since > STUCK_MS;
  }

  /** What was written and is not taken, in bytes. */
  get waiting(): number {
    return this.#stream.writableLength;
  }

  /**
   * Writes, whatever there is already.
   *
   * @param data The text or the bytes.
   */
  write(data: string | Uint8Array): void {
    if (data.length === 0 || this.#stream.destroyed || this.#stream.writableEnded) return;
    if (!this.#stream.write(data)) this.#blockedSince ??= performance.now();
  }

  /** Waits until the client has taken what was written, or is gone. */
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

  /** Closes both sides when the client has taken what was written; one that is stuck is cut off. */
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

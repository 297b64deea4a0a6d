/** A line of the protocol, or why the bytes are not a valid line. */
export type Frame =
  | { kind: "line"; text: string }
  /** It is longer than allowed; nothing of it is kept. */
  | { kind: "too_long" }
  /** It is not UTF-8. */
  | { kind: "not_utf8" };

const NEWLINE = 10;
/** A buffer for a line longer than this is not kept for the next one. */
const KEPT_BYTES = 16_384;

/**
 * Splits bytes into lines, in chunks of any size, and never holds more than one line. Unlike
 * {@linkcode boundedLines} it does not cut: a line that is too long or not UTF-8 is reported as
 * such, because half a request is useless.
 *
 * @example Usage
 * ```ts
 * import { LineFramer } from "./frames.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const framer = new LineFramer(1024);
 * const encoder = new TextEncoder();
 * assertEquals(framer.push(encoder.encode('{"jsonrpc":')), []);
 * assertEquals(framer.push(encoder.encode('"2.0"}\n')), [
 *   { kind: "line", text: '{"jsonrpc":"2.0"}' },
 * ]);
 * ```
 */
export class LineFramer {
  readonly #maxBytes: number;
  /** One buffer that grows, as a line may come byte by byte. */
  #line = new Uint8Array(0);
  #size = 0;

  /** `maxBytes` is the longest line, without its line end. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a line has begun and not ended. */
  get pending(): boolean {
    return this.#size > 0;
  }

  /**
   * Adds bytes, which are copied, and returns the lines that end in them; empty lines are skipped.
   */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let start = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, start)) !== -1; start = end + 1) {
      this.#keep(chunk.subarray(start, end));
      const frame = this.#take();
      if (frame.kind !== "line" || frame.text.trim() !== "") frames.push(frame);
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return frames;
  }

  #keep(part: Uint8Array): void {
    const before = this.#size;
    this.#size += part.length;
    if (this.#size > this.#maxBytes) {
      this.#line = new Uint8Array(0);
      return;
    }
    if (this.#size > this.#line.length) {
      const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(256, 2 * this.#size)));
      grown.set(this.#line.subarray(0, before));
      this.#line = grown;
    }
    this.#line.set(part, before);
  }

  #take(): Frame {
    const size = this.#size;
    this.#size = 0;
    if (size > this.#maxBytes) return { kind: "too_long" };
    const line = this.#line.subarray(0, size);
    if (size > KEPT_BYTES) this.#line = new Uint8Array(0);
    try {
      return { kind: "line", text: new TextDecoder("utf-8", { fatal: true }).decode(line) };
    } catch {
      return { kind: "not_utf8" };
    }
  }
}

/** Thrown when the other side begins a line and does not finish it in time. */
export class LineTimeoutError extends Error {
  constructor(timeoutMs: number) {
    super(`Line not finished within ${timeoutMs / 1000} s`);
    this.name = "LineTimeoutError";
  }
}

/** Options for {@linkcode readFrames}. */
export interface ReadFramesOptions {
  /** Longest line in bytes. */
  maxBytes: number;
  /** Time limit for the rest of a line, in milliseconds. @default {no limit} */
  lineTimeoutMs?: number | undefined;
}

/**
 * Reads the lines of a connection. It reads on only when the next line is requested, so a slow
 * reader slows the other side down.
 *
 * Only the time spent waiting counts towards the time limit of a line, and all of it together: a
 * byte now and then does not extend it.
 *
 * @returns The lines; an unfinished line at the end of the connection is dropped.
 * @throws {LineTimeoutError} If the rest of a line does not come in time.
 */
export async function* readFrames(
  chunks: AsyncIterable<Uint8Array>,
  options: ReadFramesOptions,
): AsyncGenerator<Frame, void, void> {
  const { maxBytes, lineTimeoutMs } = options;
  const framer = new LineFramer(maxBytes);
  const source = chunks[Symbol.asyncIterator]();
  let left = lineTimeoutMs ?? Infinity;
  let late = false;
  try {
    for (;;) {
      const since = performance.now();
      const next = framer.pending && lineTimeoutMs !== undefined
        ? await withTimeout(source.next(), { left, lineTimeoutMs })
        : await source.next();
      if (next.done) return;
      const wasPending = framer.pending;
      const frames = framer.push(next.value);
      left = frames.length > 0 || !wasPending
        ? lineTimeoutMs ?? Infinity
        : left - (performance.now() - since);
      yield* frames;
    }
  } catch (error) {
    late = error instanceof LineTimeoutError;
    throw error;
  } finally {
    // A source with a pending read would only return after that read.
    if (!late) await source.return?.();
  }
}

async function withTimeout<T>(
  promise: Promise<T>,
  { left, lineTimeoutMs }: { left: number; lineTimeoutMs: number },
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LineTimeoutError(lineTimeoutMs)), Math.max(0, left));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    // After the timeout, nobody waits for this promise any more.
    promise.catch(() => {});
  }
}

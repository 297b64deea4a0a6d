import { type Frame, LineFramer } from "./line_framer.ts";

/** Thrown when the other side begins a line and does not end it in time. */
export class LineTimeoutError extends Error {
  /**
   * Makes the error.
   *
   * @param timeoutMs The time limit in milliseconds.
   */
  constructor(timeoutMs: number) {
    super(`Line not finished within ${timeoutMs / 1000} s`);
    this.name = "LineTimeoutError";
  }
}

/** Options for {@linkcode readFrames}. */
export interface ReadFramesOptions {
  /** Longest line in bytes. */
  maxBytes: number;
  /** Time at most that is waited for the rest of a line, in milliseconds. @default {no limit} */
  lineTimeoutMs?: number;
}

/**
 * Reads the lines of a connection. It reads on only when the next line is asked for, so a
 * reader that is slow slows the other side down.
 *
 * Only the time in which it waits counts as time for a line, all of it together: a byte now and
 * then buys no more.
 *
 * @param chunks The bytes that come in.
 * @param options The limits.
 * @returns The lines; what is not ended at the end of the connection is passed over.
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
    // A source that is being waited for would end only when it has given something.
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
    // When the time is over, what becomes of the connection is not waited for any more.
    promise.catch(() => {});
  }
}

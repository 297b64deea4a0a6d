import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";

/** Options for {@linkcode drainStreams}. */
export interface DrainStreamsOptions {
  /** Settles when the writing process has exited, for any reason. */
  exited: Promise<unknown>;
  /** Functions that each read one stream to its end. */
  read: ((chunks: AsyncIterable<Uint8Array>) => Promise<void>)[];
  /** Whether the readers wait for their own consumer, so that silence means nothing. */
  blocked: () => boolean;
  /** Called for each chunk that is read. */
  onChunk?: (() => void) | undefined;
  /** How long a silence after the exit ends the reading, in milliseconds. @default {100} */
  quietMs?: number | undefined;
  /** Maximum time spent reading after the exit, in milliseconds. @default {1000} */
  maxMs?: number | undefined;
  /** Maximum bytes read from a pipe after the exit: what a pipe can hold. @default {1048576} */
  maxBytes?: number | undefined;
}

const TICK_MS = 10;
/** A program that writes without a pause would starve timers and signals. */
const LONGEST_TURN_MS = 10;

/**
 * Reads the output of a process to its end, but not forever: once the process has exited, pipes
 * that another process holds open are read until they are quiet, and then destroyed. Pipes that
 * close cause no delay.
 *
 * @throws If a reader throws.
 */
export async function drainStreams(
  streams: Readable[],
  options: DrainStreamsOptions,
): Promise<void> {
  const { exited, read, blocked, onChunk } = options;
  const { quietMs = 100, maxMs = 1000, maxBytes = 1024 * 1024 } = options;
  let seen = 0;
  let hasExited = false;
  const counted = async function* (stream: Readable): AsyncGenerator<Uint8Array, void, void> {
    let turn = performance.now();
    let bytesAfterExit = 0;
    try {
      for await (const chunk of stream) {
        seen++;
        onChunk?.();
        yield chunk;
        // More than a pipe can hold was not written by the process that exited.
        if (hasExited && (bytesAfterExit += chunk.length) > maxBytes) stream.destroy();
        if (performance.now() - turn < LONGEST_TURN_MS) continue;
        await setImmediate();
        turn = performance.now();
      }
    } catch {
      // Destroyed by us, or broken: there is nothing more to read.
    }
  };
  const finished = Promise.all(streams.map((stream, i) => read[i]?.(counted(stream))));

  let timer: ReturnType<typeof setInterval> | undefined;
  let isFinished = false;
  const watch = () => {
    hasExited = true;
    if (isFinished) return;
    let total = 0;
    let quiet = 0;
    let before = seen;
    timer = setInterval(() => {
      if (blocked()) return;
      total += TICK_MS;
      quiet = seen === before ? quiet + TICK_MS : 0;
      before = seen;
      if (quiet >= quietMs || total >= maxMs) {
        for (const stream of streams) stream.destroy();
      }
    }, TICK_MS);
  };
  exited.then(watch, watch);
  try {
    await finished;
  } finally {
    isFinished = true;
    clearInterval(timer);
    for (const stream of streams) stream.destroy();
  }
}

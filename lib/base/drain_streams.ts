import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";

/** Options for {@linkcode drainStreams}. */
export interface DrainStreamsOptions {
  /** Settles when the process that writes has exited, however it did. */
  exited: Promise<unknown>;
  /** Reads one stream each, to its end. */
  read: ((chunks: AsyncIterable<Uint8Array>) => Promise<void>)[];
  /** Whether the readers wait for somebody else, so that silence means nothing. */
  blocked: () => boolean;
  /** Called for each piece that is read. */
  onChunk?: () => void;
  /** Silence after the exit that ends the reading, in milliseconds. @default {100} */
  quietMs?: number;
  /** Longest reading after the exit, in milliseconds of reading. @default {1000} */
  maxMs?: number;
  /** Most that is read of a pipe after the exit: what one can hold. @default {1048576} */
  maxBytes?: number;
}

const TICK_MS = 10;
/** A program that writes without a pause would keep timers and signals from running. */
const LONGEST_TURN_MS = 10;

/**
 * Reads the output of a process until its end, but not for ever: once the process has
 * exited, pipes that something else holds open are read until they are quiet, and then
 * destroyed. Pipes that close cost no time at all.
 *
 * @param streams The pipes.
 * @param options Additional options.
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
        // More than a pipe holds was not written by the process that has ended.
        if (hasExited && (bytesAfterExit += chunk.length) > maxBytes) stream.destroy();
        if (performance.now() - turn < LONGEST_TURN_MS) continue;
        await setImmediate();
        turn = performance.now();
      }
    } catch {
      // Destroyed by us, or broken: either way there is no more to read.
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

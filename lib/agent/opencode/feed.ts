import { type Followed, followEvents, type FollowEventsOptions } from "./server/follow_events.ts";
import { BoundedQueue } from "../../base/bounded_queue.ts";

/** The input of a run of OpenCode. */
export type FeedItem =
  | Followed
  /** The clock ticked. */
  | { kind: "tick" }
  /** The server is gone. */
  | { kind: "gone"; error: unknown };

const TICK_MS = 250;
const QUEUED_ITEMS = 256;

/**
 * Merges the events of a server with ticks of the clock. The connection is closed when the reader
 * stops.
 *
 * @param options How to connect; aborting the signal ends the feed at once.
 */
export async function* opencodeFeed(
  url: string,
  options: FollowEventsOptions,
): AsyncGenerator<FeedItem, void, void> {
  const { signal } = options;
  const queue = new BoundedQueue<FeedItem>(QUEUED_ITEMS);
  const leave = new AbortController();
  const either = AbortSignal.any([signal, leave.signal]);
  const onAbort = () => queue.discard();
  signal.addEventListener("abort", onAbort, { once: true });
  const timer = setInterval(() => queue.full || queue.push({ kind: "tick" }), TICK_MS);
  const followed = (async () => {
    try {
      const events = followEvents(url, { ...options, signal: either });
      for await (const item of events) await queue.push(item);
    } catch (error) {
      if (!either.aborted) await queue.push({ kind: "gone", error });
    }
  })();
  try {
    yield* queue;
    signal.throwIfAborted();
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", onAbort);
    leave.abort();
    queue.discard();
    await followed;
  }
}

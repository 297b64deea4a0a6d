import type { LoopEvent } from "./loop_event.ts";

/**
 * Takes the events of a loop, in their order: progress.txt, the registry and the log, the socket,
 * hooks, a terminal. A new output is a new sink; the loop does not change.
 *
 * @example A sink that counts commits
 * ```ts
 * import type { Sink } from "@ralph/cli";
 *
 * let commits = 0;
 * const counter: Sink = {
 *   write(event) {
 *     if (event.type === "iteration_finished") commits += event.commits;
 *   },
 *   [Symbol.asyncDispose]: () => Promise.resolve(console.log(`${commits} commits`)),
 * };
 * ```
 */
export interface Sink extends AsyncDisposable {
  /**
   * Takes an event. The loop does not continue before the promise is fulfilled, so a sink that may
   * be slow returns nothing and works beside the loop.
   *
   * @param event The event.
   * @param seq Its number in the session, counted from 1 without gaps.
   */
  write(event: LoopEvent, seq: number): void | Promise<unknown>;
}

import type { AgentEnding, AgentEvent, AgentResult, AgentRun } from "./agent.ts";
import { endingOfSignal } from "./ending_of_signal.ts";

/** Options for {@linkcode inProcessRun}. */
export interface InProcessRunOptions {
  /** Ends the run; the ending is its reason if that is an {@linkcode AgentEnding}. */
  signal?: AbortSignal;
}

/**
 * Makes a run of an agent that works in this process: a generator of events.
 *
 * @example Usage
 * ```ts
 * import { inProcessRun } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * await using run = inProcessRun(async function* () {
 *   yield { kind: "text", text: "hello" };
 * });
 * assertEquals(await Array.fromAsync(run.events), [{ kind: "text", text: "hello" }]);
 * assertEquals((await run.result).ending, { kind: "ok" });
 * ```
 *
 * @param work Does the work. It is started by the first read, and gets a signal that it must heed.
 * @param options Additional options.
 * @returns The run. What `work` throws is its ending, of kind `error`.
 */
export function inProcessRun(
  work: (signal: AbortSignal) => AsyncIterable<AgentEvent>,
  options: InProcessRunOptions = {},
): AgentRun {
  const dispose = new AbortController();
  const signals = options.signal ? [options.signal, dispose.signal] : [dispose.signal];
  const signal = AbortSignal.any(signals);
  const startedAt = performance.now();
  const result = Promise.withResolvers<AgentResult>();

  const finish = (ending: AgentEnding) =>
    result.resolve({
      ending,
      exitCode: null,
      signal: null,
      durationMs: Math.round(performance.now() - startedAt),
      denials: [],
      stderrTail: [],
    });
  const events = (async function* () {
    try {
      signal.throwIfAborted();
      for await (const event of work(signal)) {
        yield event;
        signal.throwIfAborted();
      }
      finish({ kind: "ok" });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      finish(signal.aborted ? endingOfSignal(signal) : { kind: "error", message });
    } finally {
      // Only a reader that leaves early gets here without an ending.
      finish({ kind: "aborted", message: "Ended by request" });
    }
  })();

  return {
    events,
    result: result.promise,
    send: () => Promise.resolve(false),
    async [Symbol.asyncDispose]() {
      dispose.abort();
      // Of a generator that was never read, this runs nothing at all.
      await events.return();
      finish({ kind: "aborted", message: "Ended by request" });
      await result.promise;
    },
  };
}

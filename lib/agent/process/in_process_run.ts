import type { AgentCommand, AgentResult, AgentRun } from "../agent.ts";
import type { AgentEnding, AgentEvent, Denial, Usage } from "../../event/agent_event.ts";
import { endingOfSignal } from "../ending/ending_of_signal.ts";

/** Options for {@linkcode inProcessRun}. */
export interface InProcessRunOptions {
  /** Ends the run; the ending is its reason if that is an {@linkcode AgentEnding}. */
  signal?: AbortSignal;
  /** Sends a command to the running agent. @default {refuses all commands} */
  send?: (command: AgentCommand) => Promise<boolean>;
}

/**
 * The work of a run: yields events, and returns how it ended; returning nothing means success.
 */
export type InProcessWork = AsyncGenerator<AgentEvent, AgentEnding | void, void>;

/**
 * Runs an agent in this process, from a generator of events. Its usage, conversation and denials
 * are taken from the events.
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
 * @param work Does the work. It starts at the first read, and must obey its abort signal.
 * @returns The run. If `work` throws, its ending is an `error`.
 */
export function inProcessRun(
  work: (signal: AbortSignal) => InProcessWork,
  options: InProcessRunOptions = {},
): AgentRun {
  const { send = () => Promise.resolve(false) } = options;
  const dispose = new AbortController();
  const signals = options.signal ? [options.signal, dispose.signal] : [dispose.signal];
  const signal = AbortSignal.any(signals);
  const startedAt = performance.now();
  const result = Promise.withResolvers<AgentResult>();
  const denials: Denial[] = [];
  let usage: Usage | undefined;
  let agentSessionId: string | undefined;

  const note = (event: AgentEvent) => {
    if (event.kind === "usage") usage = event.usage;
    if (event.kind === "session") agentSessionId = event.agentSessionId;
    if (event.kind === "denial") denials.push(event.denial);
  };
  const finish = (ending: AgentEnding) =>
    result.resolve({
      ending,
      exitCode: null,
      signal: null,
      durationMs: Math.round(performance.now() - startedAt),
      denials,
      stderrTail: [],
      ...(usage && { usage }),
      ...(agentSessionId !== undefined && { agentSessionId }),
    });
  const events = (async function* () {
    try {
      signal.throwIfAborted();
      const running = work(signal);
      try {
        for (;;) {
          const next = await running.next();
          if (next.done) {
            finish(next.value ?? { kind: "ok" });
            break;
          }
          note(next.value);
          yield next.value;
          signal.throwIfAborted();
        }
      } finally {
        await running.return();
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      finish(signal.aborted ? endingOfSignal(signal) : { kind: "error", message });
    } finally {
      // Only reached without an ending if the reader stopped early.
      finish({ kind: "aborted", message: "Ended by request" });
    }
  })();

  return {
    events,
    result: result.promise,
    send,
    async [Symbol.asyncDispose]() {
      dispose.abort();
      // If the generator was never read, this runs nothing.
      await events.return();
      finish({ kind: "aborted", message: "Ended by request" });
      await result.promise;
    },
  };
}

import process from "node:process";
import type { AgentCommand, AgentRun, AgentStartOptions } from "../agent.ts";
import type { AgentEnding, AgentEvent } from "../../event/agent_event.ts";
import { RunFrame } from "./run_frame.ts";

/** Options for {@linkcode inProcessRun}: what the agent was started with, and how it is talked to. */
export interface InProcessRunOptions extends Partial<Pick<AgentStartOptions, "env" | "signal">> {
  /** Sends a command to the running agent. @default {refuses all commands} */
  send?: ((command: AgentCommand) => Promise<boolean>) | undefined;
}

/**
 * The work of a run: yields events, and returns how it ended; returning nothing means success.
 */
export type InProcessWork = AsyncGenerator<AgentEvent, AgentEnding | void, void>;

/**
 * Runs an agent in this process, from a generator of events. Its usage, conversation and denials
 * are taken from the events.
 *
 * As with every run, secrets of the environment are masked in all that it says: those of
 * `options.env`, or of this process where that is left out.
 *
 * @example Usage
 * ```ts
 * import { inProcessRun } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const env = { GREETER_TOKEN: "s3cr3t-t0k3n" };
 * await using run = inProcessRun(async function* () {
 *   yield { kind: "text", text: `hello, ${env.GREETER_TOKEN}` };
 * }, { env });
 * assertEquals(await Array.fromAsync(run.events), [{ kind: "text", text: "hello, ***" }]);
 * assertEquals((await run.result).ending, { kind: "ok" });
 * ```
 *
 * @param work Does the work. It starts at the first read, and must obey its abort signal.
 * @param options What the agent was started with: pass the start options as they are.
 * @returns The run. If `work` throws, its ending is an `error`.
 */
export function inProcessRun(
  work: (signal: AbortSignal) => InProcessWork,
  options: InProcessRunOptions = {},
): AgentRun {
  const { env = definedValues(process.env), signal } = options;
  const { send = () => Promise.resolve(false) } = options;
  const frame = new RunFrame(async () => {
    const running = work(frame.signal);
    try {
      for (;;) {
        const next = await running.next();
        if (next.done) return { ending: next.value ?? { kind: "ok" } };
        await frame.record.emit(next.value);
        frame.signal.throwIfAborted();
      }
    } finally {
      await running.return();
    }
  }, {
    env,
    signal,
    endingOfError: (error) => ({
      kind: "error",
      message: error instanceof Error ? error.message : String(error),
    }),
  });
  return {
    events: frame.events,
    get result() {
      return frame.result;
    },
    send,
    [Symbol.asyncDispose]: () => frame[Symbol.asyncDispose](),
  };
}

function definedValues(env: Record<string, string | undefined>): Record<string, string> {
  const defined = Object.entries(env).filter((it): it is [string, string] => it[1] !== undefined);
  return Object.fromEntries(defined);
}

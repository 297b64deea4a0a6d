import type { Agent, AgentResult, AgentStartOptions } from "../agent/agent.ts";
import type { AgentEnding, AgentEvent, Usage } from "../event/agent_event.ts";
import { addUsage, NO_USAGE } from "../event/usage.ts";
import type { LoopControl } from "./loop_control.ts";
import { reachedLimit } from "./decide/limits.ts";
import type { LoopLimits } from "../event/loop_event.ts";

/** Options for {@linkcode watchAgent}: the agent's input, and its limits. */
export interface WatchAgentOptions extends Omit<AgentStartOptions, "signal" | "onOutput"> {
  /** The limits of the loop. */
  limits: LoopLimits;
  /** When the loop's time is over, in milliseconds since the epoch. @default {never} */
  deadline?: number;
  /** The usage of the loop's earlier iterations. @default {nothing} */
  spent?: Usage;
  /** Ends the agent because a stop was requested. */
  stopSignal: AbortSignal;
  /** Connects a person to the agent, who can take it over. @default {none} */
  control?: Pick<LoopControl, "interactive" | "reach">;
  /** The clock, in milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

/**
 * Starts an agent and passes its events on. Ends it when a limit is reached or a stop is requested;
 * the result's ending says which.
 *
 * @param options The agent's input, and its limits.
 * @returns Yields the agent's events; returns its result.
 */
export async function* watchAgent(
  agent: Agent,
  options: WatchAgentOptions,
): AsyncGenerator<AgentEvent, AgentResult> {
  const { limits, deadline, spent = NO_USAGE, stopSignal, control, now = Date.now, ...start } =
    options;
  const abort = new AbortController();
  const end = (ending: AgentEnding): void => abort.abort(ending);
  const onStop = (): void => end({ kind: "aborted", message: String(stopSignal.reason) });
  if (stopSignal.aborted) onStop();
  else stopSignal.addEventListener("abort", onStop, { once: true });

  const timers = new Set<ReturnType<typeof setTimeout>>();
  const after = (ms: number, act: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, Math.min(Math.max(ms, 0), 2 ** 31 - 1));
    timers.add(timer);
  };
  if (limits.iterationMs !== undefined) {
    const ms = limits.iterationMs;
    after(ms, () => end({ kind: "timeout", message: `No end after ${seconds(ms)}` }));
  }
  if (deadline !== undefined) {
    const message = "The loop has reached its time limit";
    after(deadline - now(), () => end({ kind: "aborted", message }));
  }
  let heardAt = now();
  if (limits.stallMs !== undefined) {
    const stallMs = limits.stallMs;
    // One timer that is set again if the agent has written something since, rather than a new one
    // for each of its events.
    const listen = (): void => {
      // No stall limit while a person has taken over: they may think for as long as they like.
      if (control?.interactive) heardAt = now();
      const left = heardAt + stallMs - now();
      if (left > 0) after(left, listen);
      else end({ kind: "stalled", message: `Silent for ${seconds(stallMs)}` });
    };
    after(stallMs, listen);
  }

  try {
    const onOutput = (): void => {
      heardAt = now();
    };
    await using run = agent.start({ ...start, signal: abort.signal, onOutput });
    using _reach = control?.reach({
      send: (command) => run.send(command),
      setInteractive(enabled) {
        heardAt = now();
        run.setInteractive?.(enabled);
      },
      get terminal() {
        return run.terminal;
      },
    });
    for await (const event of run.events) {
      heardAt = now();
      if (event.kind === "usage") {
        const message = reachedLimit(addUsage(spent, event.usage), limits);
        if (message !== undefined) end({ kind: "aborted", message });
      }
      yield event;
      heardAt = now();
    }
    return await run.result;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    stopSignal.removeEventListener("abort", onStop);
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

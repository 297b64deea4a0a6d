import type { Agent, AgentResult, AgentStartOptions } from "../agent/agent.ts";
import type { AgentEnding, AgentEvent, Usage } from "../event/agent_event.ts";
import type { LoopLimits } from "../event/loop_event.ts";
import { addUsage, NO_USAGE } from "../event/usage.ts";
import { nextRunEnd, reachedUsageLimit } from "./decide/limits.ts";
import type { LoopControl } from "./loop_control.ts";

/** Options for {@linkcode watchAgent}: what the agent gets, and what bounds it. */
interface WatchAgentOptions extends Omit<AgentStartOptions, "signal" | "onOutput"> {
  /** The limits of the loop. */
  limits: LoopLimits;
  /** The time since the loop began, in milliseconds. @default {the time since the agent began} */
  elapsedMs?: (() => number) | undefined;
  /** What the loop's earlier iterations have used. @default {nothing} */
  spent?: Usage | undefined;
  /** Ends the agent because a stop was asked for. */
  stopSignal: AbortSignal;
  /** How a person reaches the agent, and says that they have taken it over. @default {nobody does} */
  control?: Pick<LoopControl, "interactive" | "reach"> | undefined;
}

/** The longest time that a timer can be set to; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Starts an agent and passes its events on, and ends it when a limit is reached
 * or a stop is asked for. The result's ending says which.
 *
 * @param agent The agent.
 * @param options What it gets, and what bounds it.
 * @returns The agent's events, and at the end its result.
 */
export async function* watchAgent(
  agent: Agent,
  options: WatchAgentOptions,
): AsyncGenerator<AgentEvent, AgentResult> {
  const begin = performance.now();
  const {
    limits,
    elapsedMs = () => performance.now() - begin,
    spent = NO_USAGE,
    stopSignal,
    control,
    ...start
  } = options;
  const abort = new AbortController();
  const end = (ending: AgentEnding): void => abort.abort(ending);
  const onStop = (): void => end({ kind: "aborted", message: String(stopSignal.reason) });
  if (stopSignal.aborted) onStop();
  else stopSignal.addEventListener("abort", onStop, { once: true });

  const startedAt = elapsedMs();
  let heardAt = startedAt;
  const onOutput = (): void => {
    heardAt = elapsedMs();
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  // One timer, set again where it finds that the agent was heard of, rather than one that is
  // replaced at each of its events.
  const look = (): void => {
    // A person may think for as long as they like.
    if (control?.interactive) onOutput();
    const loopMs = elapsedMs();
    const times = { loopMs, runMs: loopMs - startedAt, silentMs: loopMs - heardAt };
    const next = nextRunEnd(times, limits);
    if (next === undefined) return;
    if (next.leftMs <= 0) end(next.ending);
    else timer = setTimeout(look, Math.min(next.leftMs, LONGEST_TIMER_MS));
  };
  look();

  try {
    await using run = agent.start({ ...start, signal: abort.signal, onOutput });
    using _reach = control?.reach({
      send: (command) => run.send(command),
      setInteractive(enabled) {
        onOutput();
        run.setInteractive?.(enabled);
      },
      get terminal() {
        return run.terminal;
      },
    });
    for await (const event of run.events) {
      onOutput();
      if (event.kind === "usage") {
        const message = reachedUsageLimit(addUsage(spent, event.usage), limits);
        if (message !== undefined) end({ kind: "aborted", message });
      }
      yield event;
      onOutput();
    }
    return await run.result;
  } finally {
    clearTimeout(timer);
    stopSignal.removeEventListener("abort", onStop);
  }
}

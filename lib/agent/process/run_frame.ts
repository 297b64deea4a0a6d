import type { AgentResult, AgentRun } from "../agent.ts";
import type { AgentEnding, AgentEvent } from "../../event/agent_event.ts";
import { endAgentProcesses } from "../../base/end_processes.ts";
import type { EndingFacts } from "../ending/classify_ending.ts";
import { type ProcessExit, RunRecord } from "./run_record.ts";
import { ENDING_KINDS } from "../../event/vocabulary.ts";

/** Options for {@linkcode RunFrame}. */
export interface RunFrameOptions {
  /** The whole environment of the agent; its secrets are masked in everything that it says. */
  env: Record<string, string>;
  /** Ends the run; the ending is its reason if that is an {@linkcode AgentEnding}. */
  signal?: AbortSignal | undefined;
  /** Time between SIGTERM and SIGKILL, in milliseconds. @default {5000} */
  graceMs?: number | undefined;
  /** Runs once nothing of the agent is left. */
  cleanUp?: (() => Promise<void>) | undefined;
  /** The ending of a run whose work throws. */
  endingOfError: (error: unknown) => AgentEnding | Promise<AgentEnding>;
}

/** How the work of a run ended. */
export interface WorkEnd {
  /** How it ended, or what tells it from the facts. */
  ending: AgentEnding | ((facts: EndingFacts) => AgentEnding);
  /** How its process ended. @default {it had none} */
  exit?: ProcessExit | undefined;
}

/** The process group of an agent. Disposing of it ends whatever is left of it. */
export interface AgentProcesses extends AsyncDisposable {
  /** Ends the group, once: later calls wait for the first. */
  end(): Promise<boolean>;
}

/** Where a person or the system asked for it, all has to be gone within a second. */
const STOP_GRACE_MS = 600;

/**
 * What every run of an agent has in common, wherever the agent works: secrets are masked, events
 * and what the result needs are recorded, an abort ends the work, and disposing leaves nothing
 * behind. What a kind of run does itself is its `work`.
 */
export class RunFrame implements Pick<AgentRun, "events" | "result">, AsyncDisposable {
  /** What happens, masked; reading it starts the work if nothing else has. */
  readonly events: AsyncIterable<AgentEvent>;
  /** What was noted of the run. */
  readonly record: RunRecord;
  /** Aborted when the run is to end, for whatever reason. */
  readonly signal: AbortSignal;
  readonly #work: () => Promise<WorkEnd>;
  readonly #options: RunFrameOptions;
  readonly #dispose = new AbortController();
  readonly #result = Promise.withResolvers<AgentResult>();
  #started = false;

  /**
   * Makes the frame; the work is not started yet.
   *
   * @param work Does what only this kind of run does.
   * @param options The agent's environment, and what ends it.
   */
  constructor(work: () => Promise<WorkEnd>, options: RunFrameOptions) {
    const { env, signal } = options;
    this.#work = work;
    this.#options = options;
    this.record = new RunRecord(env);
    this.signal = AbortSignal.any([this.#dispose.signal, ...signal ? [signal] : []]);
    this.events = this.#read();
  }

  /** What is left at the end; never rejects. */
  get result(): Promise<AgentResult> {
    return this.#result.promise;
  }

  /** How the run was ended from outside; nothing if it was not. */
  get abortedBy(): AgentEnding | undefined {
    return this.signal.aborted ? endingOfSignal(this.signal) : undefined;
  }

  /** Starts the work; does nothing the second time. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#result.resolve(this.#run());
  }

  /**
   * Reports a process that has started, and ends its group as soon as the run is to end.
   *
   * @param pid Its pid, which is also its process group.
   * @returns The group.
   */
  adopt(pid: number): AgentProcesses {
    const { env, graceMs = 5000 } = this.#options;
    const { signal } = this;
    let ended: Promise<boolean> | undefined;
    const end = (withinMs: number) =>
      ended ??= endAgentProcesses(pid, { env, graceMs: withinMs, thorough: signal.aborted });
    const onAbort = () => {
      const asked = this.abortedBy?.kind === "aborted";
      void end(asked ? Math.min(graceMs, STOP_GRACE_MS) : graceMs);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    this.record.emit({ kind: "process", pid });
    return {
      end: () => end(graceMs),
      async [Symbol.asyncDispose]() {
        signal.removeEventListener("abort", onAbort);
        await end(graceMs);
      },
    };
  }

  /**
   * Ends the agent although nobody asked for it, as going on is pointless.
   *
   * @param ending How the run ends.
   */
  giveUp(ending: AgentEnding): void {
    this.#dispose.abort(ending);
  }

  /** Ends the run, and resolves when nothing of it is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#dispose.abort();
    this.record.queue.discard();
    // Work that was never started has nothing to end.
    this.start();
    await this.result;
  }

  /** A reader that leaves early ends the agent: nobody is left to hear of it. */
  async *#read(): AsyncGenerator<AgentEvent, void, void> {
    this.start();
    try {
      yield* this.record.queue;
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async #run(): Promise<AgentResult> {
    const { cleanUp, endingOfError } = this.#options;
    try {
      if (this.abortedBy) return this.record.toResult(this.abortedBy);
      const { ending, exit } = await this.#work();
      return this.record.toResult(ending, exit);
    } catch (error) {
      return this.record.toResult(this.abortedBy ?? await endingOfError(error));
    } finally {
      await cleanUp?.().catch(() => {});
      this.record.queue.close();
    }
  }
}

const KINDS: ReadonlySet<string> = new Set(ENDING_KINDS.filter((kind) => kind !== "ok"));

/**
 * The ending of an agent that an abort signal ended: the signal's reason if that is an
 * {@linkcode AgentEnding}, else `aborted`.
 *
 * @example Usage
 * ```ts
 * import { endingOfSignal } from "./run_frame.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const signal = AbortSignal.abort({ kind: "stalled", message: "Silent for 10m" });
 * assertEquals(endingOfSignal(signal), { kind: "stalled", message: "Silent for 10m" });
 * ```
 *
 * @param signal The signal, which must be aborted.
 */
export function endingOfSignal(signal: AbortSignal): AgentEnding {
  const reason: unknown = signal.reason;
  if (isEnding(reason)) return reason;
  const isDefault = reason instanceof DOMException && reason.name === "AbortError";
  const words = reason instanceof Error && !isDefault ? `: ${reason.message}` : "";
  return { kind: "aborted", message: `Ended by request${words}` };
}

function isEnding(value: unknown): value is AgentEnding {
  return typeof value === "object" && value !== null && "kind" in value &&
    typeof value.kind === "string" && KINDS.has(value.kind) &&
    "message" in value && typeof value.message === "string";
}

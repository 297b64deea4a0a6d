import { findSecrets, maskSecrets } from "../base/mask_secrets.ts";
import { runProgram } from "../base/run_program.ts";
import { eventLine, type NumberedEvent } from "../event/numbered_event.ts";
import { type Hook, type HookEvent, hookWants } from "./hook.ts";

/** Options for {@linkcode hookSink}. */
export interface HookSinkOptions {
  /** The folder that hooks run in: the git root. */
  cwd: string;
  /** The environment of the agents. */
  env: Record<string, string>;
  /** The name of the task. */
  task: string;
  /** The id of the session. */
  sessionId: string;
  /** Takes what a person should know, in one line each. @default {nobody does} */
  onWarning?: (message: string) => void;
  /** Calls that may wait; when there are more, the oldest are dropped. @default {100} */
  maxWaiting?: number;
  /** Time at most for what waits at the end, in milliseconds. @default {10_000} */
  drainMs?: number;
}

/** What calls hooks. Dispose of it to wait for those that were not called yet. */
export interface HookSink extends AsyncDisposable {
  /** Takes an event, and returns at once. */
  write(numbered: NumberedEvent): void;
}

/** What is left of a hook that took too long gets this long to end, in milliseconds. */
const GRACE_MS = 500;

/** A hook that is to be called for an event. */
interface Call {
  hook: Hook;
  numbered: NumberedEvent;
}

/**
 * Calls hooks for the events of a session: one after the other, in the order of the
 * events, beside the loop, which neither waits for a hook nor fails because of one. A hook
 * that fails is a warning, once for each reason.
 *
 * @example Usage
 * ```ts
 * import { hookSink } from "@ralph/cli";
 *
 * await using hooks = hookSink([{ on: ["iteration_finished"], command: ["./notify.sh"] }], {
 *   cwd: "/home/me/app",
 *   env: { PATH: "/usr/bin:/bin" },
 *   task: "my-feature",
 *   sessionId: "01JD0000000000000000000000",
 *   onWarning: (message) => console.error(`warning: ${message}`),
 * });
 * ```
 *
 * @param hooks The hooks.
 * @param options Where they run, and what they are told.
 * @returns The sink.
 */
export function hookSink(hooks: readonly Hook[], options: HookSinkOptions): HookSink {
  return new Hooks(hooks, options);
}

class Hooks implements HookSink {
  readonly #hooks: readonly Hook[];
  readonly #options: HookSinkOptions;
  readonly #waiting: Call[] = [];
  /** What hooks have failed of, so that each failure is told once. */
  readonly #told = new Map<Hook, Set<string>>();
  readonly #over = new AbortController();
  #busy = false;
  #running: Promise<void> | undefined;
  #dropped = 0;

  constructor(hooks: readonly Hook[], options: HookSinkOptions) {
    this.#hooks = hooks;
    this.#options = options;
  }

  write(numbered: NumberedEvent): void {
    const { maxWaiting = 100 } = this.#options;
    for (const hook of this.#hooks) {
      if (!hookWants(hook, numbered.event.type)) continue;
      this.#waiting.push({ hook, numbered });
      if (this.#waiting.length <= maxWaiting) continue;
      this.#waiting.shift();
      if (this.#dropped++ > 0) continue;
      const message = `More than ${maxWaiting} calls of hooks wait: the oldest are dropped`;
      this.#options.onWarning?.(message);
    }
    if (!this.#busy) this.#running = this.#runAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { drainMs = 10_000 } = this.#options;
    const timer = setTimeout(() => this.#over.abort(), drainMs);
    await this.#running;
    clearTimeout(timer);
    this.#dropped += this.#waiting.length;
    if (this.#dropped === 0) return;
    const calls = this.#dropped === 1
      ? "1 call of a hook was"
      : `${this.#dropped} calls of hooks were`;
    this.#options.onWarning?.(`${calls} dropped`);
  }

  async #runAll(): Promise<void> {
    this.#busy = true;
    while (!this.#over.signal.aborted) {
      const call = this.#waiting.shift();
      if (call === undefined) break;
      await this.#run(call);
    }
    this.#busy = false;
  }

  async #run({ hook, numbered }: Call): Promise<void> {
    const { cwd, env, task, sessionId } = this.#options;
    const { type } = numbered.event;
    try {
      const { reason, stderr } = await runProgram(hook.command, {
        cwd,
        env: { ...env, RALPH_EVENT: type, RALPH_TASK: task, RALPH_SESSION_ID: sessionId },
        timeoutMs: hook.timeoutMs ?? 10_000,
        stdin: eventLine(numbered),
        graceMs: GRACE_MS,
        signal: this.#over.signal,
      });
      if (reason === "") return;
      const said = stderr.split("\n").find((line) => line.trim() !== "")?.trim();
      this.#warn(hook, type, reason, said);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#warn(hook, type, this.#over.signal.aborted ? "the session has ended" : reason);
    }
  }

  #warn(hook: Hook, type: HookEvent, reason: string, said?: string): void {
    const told = this.#told.get(hook) ?? new Set();
    this.#told.set(hook, told);
    if (told.has(reason)) return;
    told.add(reason);
    const words = `Hook "${hook.command.join(" ")}" failed on ${type}: ${reason}`;
    const whole = said === undefined ? words : `${words}: ${said}`;
    this.#options.onWarning?.(maskSecrets(whole, findSecrets(this.#options.env)));
  }
}

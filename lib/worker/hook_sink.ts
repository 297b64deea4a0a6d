import type { LoopEvent } from "../event/loop_event.ts";
import type { Sink } from "../event/sink.ts";
import type { EventType } from "../event/vocabulary.ts";
import { findSecrets, maskSecrets } from "../base/mask_secrets.ts";
import { runProgram } from "../base/run_program.ts";
import { eventLine, type NumberedEvent } from "../event/numbered_event.ts";

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
  /** Receives warnings for the user, one line each. @default {nobody does} */
  onWarning?: ((message: string) => void) | undefined;
  /** How many calls may wait; beyond this the oldest are dropped. @default {100} */
  maxWaiting?: number | undefined;
  /** Time limit for the waiting calls at the end, in milliseconds. @default {10_000} */
  drainMs?: number | undefined;
}

/** Processes left by a hook that took too long get this long to end, in milliseconds. */
const GRACE_MS = 500;

/** One call of a hook for an event. */
interface Call {
  hook: Hook;
  numbered: NumberedEvent;
}

/**
 * Calls hooks for the events of a session: one after the other, in the order of the events. The
 * loop neither waits for a hook nor fails because of one. A failing hook is a warning, once for
 * each reason.
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
 * @param options Where the hooks run, and the session's facts for them.
 */
export function hookSink(hooks: readonly Hook[], options: HookSinkOptions): Sink {
  return new Hooks(hooks, options);
}

class Hooks implements Sink {
  readonly #hooks: readonly Hook[];
  readonly #options: HookSinkOptions;
  readonly #waiting: Call[] = [];
  /** The failures of each hook, so that each is reported once. */
  readonly #reported = new Map<Hook, Set<string>>();
  readonly #over = new AbortController();
  #busy = false;
  #running: Promise<void> | undefined;
  #dropped = 0;

  constructor(hooks: readonly Hook[], options: HookSinkOptions) {
    this.#hooks = hooks;
    this.#options = options;
  }

  write(event: LoopEvent, seq: number): void {
    const { maxWaiting = 100 } = this.#options;
    for (const hook of this.#hooks) {
      if (!hookWants(hook, event.type)) continue;
      this.#waiting.push({ hook, numbered: { seq, event } });
      if (this.#waiting.length <= maxWaiting) continue;
      this.#waiting.shift();
      if (this.#dropped++ > 0) continue;
      const message = `More than ${maxWaiting} hook calls are waiting: the oldest are dropped`;
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
    const calls = this.#dropped === 1 ? "1 hook call was" : `${this.#dropped} hook calls were`;
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

  #warn(hook: Hook, type: EventType, reason: string, said?: string): void {
    const reported = this.#reported.get(hook) ?? new Set();
    this.#reported.set(hook, reported);
    if (reported.has(reason)) return;
    reported.add(reason);
    const words = `Hook "${hook.command.join(" ")}" failed on ${type}: ${reason}`;
    const whole = said === undefined ? words : `${words}: ${said}`;
    this.#options.onWarning?.(maskSecrets(whole, findSecrets(this.#options.env)));
  }
}

/**
 * A command that is called for some events: a table `[[hooks]]` of the user's `config.toml` or
 * the project's `ralph.toml`, both of which apply.
 *
 * The command runs in the git root with the agents' environment and `RALPH_EVENT`, `RALPH_TASK` and
 * `RALPH_SESSION_ID`. It gets the event on stdin: one line of JSON, as `ralph run --json` prints
 * it. It is an argument vector; no shell is started. The hooks of a project are code that runs on
 * the machine of everyone who runs its tasks, just like its checks.
 *
 * @example A notification on the desktop when a task is over
 * ```toml
 * [[hooks]]
 * on = "loop_finished"
 * command = ["sh", "-c", 'notify-send "ralph: $RALPH_TASK" "$(jq -r .result.reason)"']
 * ```
 *
 * @example A webhook
 * ```toml
 * [[hooks]]
 * on = ["iteration_finished", "loop_finished"]
 * command = [
 *   "curl", "--silent", "--show-error", "--fail",
 *   "--header", "content-type: application/json",
 *   "--data-binary", "@-", "https://example.com/hooks/ralph",
 * ]
 * timeout = "5s"
 * ```
 */
export interface Hook {
  /** The types of events; `*` is all but `agent`, the agent's own output. */
  on: readonly (EventType | "*")[];
  /** The program and its arguments; a path is relative to the git root. */
  command: readonly string[];
  /** Time limit for one call, in milliseconds; 0 for no limit. @default {10_000} */
  timeoutMs?: number | undefined;
}

/**
 * Whether a hook is called for a type of event.
 *
 * @example Usage
 * ```ts
 * import { hookWants } from "./hook_sink.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const hook = { on: ["*"] as const, command: ["./notify.sh"] };
 * assertEquals(hookWants(hook, "iteration_finished"), true);
 * assertEquals(hookWants(hook, "agent"), false);
 * ```
 *
 * @param event The type of event.
 * @returns Whether it is called.
 */
export function hookWants(hook: Hook, event: EventType): boolean {
  return hook.on.includes(event) || (hook.on.includes("*") && event !== "agent");
}

import { findSecrets, maskSecrets } from "../base/mask_secrets.ts";
import { runProgram } from "../base/run_program.ts";
import { eventLine, type NumberedEvent } from "../event/numbered_event.ts";
import type { LoopEventBody } from "../event/loop_event.ts";

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

/** A type of event that a hook can be called for. */
export type HookEvent = LoopEventBody["type"];

/**
 * A command that is called for some events: a table `[[hooks]]` of the user's `config.toml` or
 * the project's `ralph.toml`, both of which apply.
 *
 * The command runs in the git root with the agents' environment and `RALPH_EVENT`, `RALPH_TASK`
 * and `RALPH_SESSION_ID`. It gets the event on stdin: one line of JSON, as `ralph run --json`
 * prints it. It is an argument vector, for which no shell is started. The hooks of a project are
 * code that runs on the machine of whoever runs its tasks, as its checks are.
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
  on: readonly (HookEvent | "*")[];
  /** The program and its arguments; a path is relative to the git root. */
  command: readonly string[];
  /** Time at most for one call, in milliseconds; 0 for no limit. @default {10_000} */
  timeoutMs?: number;
}

// Typed so that an event which is new cannot be forgotten here.
const EVENTS: Record<HookEvent, true> = {
  loop_started: true,
  warning: true,
  progress_rotated: true,
  iteration_started: true,
  agent: true,
  check_started: true,
  check_finished: true,
  story_set_back: true,
  iteration_finished: true,
  failed_over: true,
  waiting: true,
  waited: true,
  published: true,
  loop_finished: true,
};

/** Every type of event that a hook can name. */
export const HOOK_EVENTS: readonly HookEvent[] = Object.keys(EVENTS) as HookEvent[];

/**
 * Says whether a hook is called for a type of event.
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
 * @param hook The hook.
 * @param event The type of event.
 * @returns Whether it is called.
 */
export function hookWants(hook: Hook, event: HookEvent): boolean {
  return hook.on.includes(event) || (hook.on.includes("*") && event !== "agent");
}

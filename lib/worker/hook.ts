import type { LoopEventBody } from "../event/loop_event.ts";

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
 * import { hookWants } from "@ralph/cli";
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

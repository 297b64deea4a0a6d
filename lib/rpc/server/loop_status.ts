import type { LoopEvent } from "../../event/loop_event.ts";
import { outputText } from "../../event/output_text.ts";
import { endedStatus } from "../../session/model/session.ts";
import type { RpcStateChange, RpcStatus } from "../protocol/protocol.ts";

/** Lines of output that `get_status` answers with. */
const RECENT_LINES = 200;

/**
 * Says what an event changes in the state of a loop, but for its output and its times.
 *
 * @param status The state before it.
 * @param event The event.
 * @returns The fields whose value is another one now.
 */
export function statusChange(status: RpcStatus, event: LoopEvent): RpcStateChange {
  return differing(status, namedBy(event));
}

function namedBy(event: LoopEvent): RpcStateChange {
  switch (event.type) {
    case "loop_started":
      return { agent: event.agent, max_iterations: event.limits.iterations ?? null };
    case "iteration_started":
      return {
        iteration: event.iteration,
        current_story: event.story.id,
        agent: event.agent,
      };
    case "failed_over":
      return { agent: event.to };
    case "loop_finished":
      return { status: endedStatus(event.result.outcome) };
    default:
      return {};
  }
}

/**
 * Leaves out what is so already.
 *
 * @param status The state.
 * @param change What is to be changed.
 * @returns The fields that differ.
 */
export function differing(status: RpcStatus, change: RpcStateChange): RpcStateChange {
  const entries = Object.entries(change) as [keyof RpcStateChange, never][];
  return Object.fromEntries(entries.filter(([name, value]) => status[name] !== value));
}

/**
 * Says which lines of output an event adds: those of `output.log`.
 *
 * @param event The event.
 * @returns The lines, without their ends.
 */
export function outputLines(event: LoopEvent): string[] {
  const text = outputText(event);
  return text === "" ? [] : text.slice(0, -1).split("\n");
}

/** The state of a loop, kept up to date with its events. */
export class LoopStatus {
  readonly #status: RpcStatus;

  /**
   * Begins with the state of a session that has no event yet.
   *
   * @param session What is known of it.
   */
  constructor(session: Pick<RpcStatus, "task_name" | "task_dir" | "agent" | "started_at">) {
    this.#status = {
      task_name: session.task_name,
      task_dir: session.task_dir,
      iteration: 0,
      max_iterations: null,
      current_story: "",
      agent: session.agent,
      status: "running",
      interactive_mode: false,
      started_at: session.started_at,
      updated_at: session.started_at,
      recent_output: [],
    };
  }

  /** The state as it is now, to be read and not to be kept. */
  get current(): Readonly<RpcStatus> {
    return this.#status;
  }

  /**
   * Takes an event.
   *
   * @param event The event.
   * @returns What has changed, and the lines of output.
   */
  take(event: LoopEvent): { change: RpcStateChange; lines: string[] } {
    const change = statusChange(this.#status, event);
    const lines = outputLines(event);
    const { recent_output } = this.#status;
    recent_output.push(...lines.slice(-RECENT_LINES));
    recent_output.splice(0, Math.max(0, recent_output.length - RECENT_LINES));
    Object.assign(this.#status, change, { updated_at: event.time });
    return { change, lines };
  }

  /**
   * Takes a change that is no event.
   *
   * @param change The fields; those that are so already are passed over.
   * @returns What has changed.
   */
  change(change: RpcStateChange): RpcStateChange {
    const changed = differing(this.#status, change);
    Object.assign(this.#status, changed);
    return changed;
  }
}

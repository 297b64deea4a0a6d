import type { LoopEvent } from "../../event/loop_event.ts";
import { outputText } from "../../event/output_text.ts";
import { endedStatus } from "../../session/model/session.ts";
import type { RpcStateChange, RpcStatus } from "../protocol/protocol.ts";

/** Lines of output in the answer to `get_status`. */
const RECENT_LINES = 200;

/**
 * What an event changes in the state of a loop, without output and times: the fields with a new
 * value.
 */
function statusChange(status: RpcStatus, event: LoopEvent): RpcStateChange {
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

/** The fields of a change that differ from the current state. */
function differing(status: RpcStatus, change: RpcStateChange): RpcStateChange {
  const entries = Object.entries(change) as [keyof RpcStateChange, never][];
  return Object.fromEntries(entries.filter(([name, value]) => status[name] !== value));
}

/** The lines that an event adds to `output.log`, without line ends. */
export function outputLines(event: LoopEvent): string[] {
  const text = outputText(event);
  return text === "" ? [] : text.slice(0, -1).split("\n");
}

/** The state of a loop, updated by its events. */
export class LoopStatus {
  readonly #status: RpcStatus;

  /** Starts with the state of a session that has no events yet. */
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

  /** The state as it is now; read it, do not keep it. */
  get current(): Readonly<RpcStatus> {
    return this.#status;
  }

  /** Applies an event; returns the changed fields and the new lines of output. */
  take(event: LoopEvent): { change: RpcStateChange; lines: string[] } {
    const change = statusChange(this.#status, event);
    const lines = outputLines(event);
    const { recent_output } = this.#status;
    recent_output.push(...lines.slice(-RECENT_LINES));
    recent_output.splice(0, Math.max(0, recent_output.length - RECENT_LINES));
    Object.assign(this.#status, change, { updated_at: event.time });
    return { change, lines };
  }

  /** Applies a change that does not come from an event; returns the fields that really changed. */
  change(change: RpcStateChange): RpcStateChange {
    const changed = differing(this.#status, change);
    Object.assign(this.#status, changed);
    return changed;
  }
}

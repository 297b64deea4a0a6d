import type { SessionStatus } from "../../event/vocabulary.ts";
import type { NumberedEvent } from "../../event/numbered_event.ts";

/** The version of the protocol. It is raised when a client of the current version would break. */
export const PROTOCOL_VERSION = 1;

/** The error codes of JSON-RPC 2.0. */
export const RPC_ERROR_CODES = {
  /** The line is not JSON. */
  parseError: -32700,
  /** The line is JSON but not a request; batches are not supported. */
  invalidRequest: -32600,
  /** There is no such method. */
  methodNotFound: -32601,
  /** The parameters are invalid, or the connection's role does not allow the method. */
  invalidParams: -32602,
  /** The server has failed. */
  internalError: -32603,
} as const;

/** What a connection may do: `observe` reads, `control` also acts on the loop. */
export type RpcRole = "observe" | "control";

/** What can be subscribed to. `*` is `output` and `state_change`. */
export type RpcTopic = "output" | "state_change" | "event" | "screen" | "*";

/** The state of a loop, as `get_status` returns it. Times are ISO 8601 in UTC. */
export interface RpcStatus {
  /** The name of the task. */
  task_name: string;
  /** The task folder, an absolute path. */
  task_dir: string;
  /** The last iteration that started; 0 before the first. */
  iteration: number;
  /** Iteration limit; `null` for no limit. */
  max_iterations: number | null;
  /** The id of the current story, or of the last one; empty before the first. */
  current_story: string;
  /** The agent. */
  agent: string;
  /** `running`, or how the loop ended. */
  status: SessionStatus;
  /**
   * Whether a person works with the agent, so that the end of its turn does not end the iteration.
   */
  interactive_mode: boolean;
  /** When the session started. */
  started_at: string;
  /** When something last happened. */
  updated_at: string;
  /** The last lines of output, at most 200. */
  recent_output: string[];
}

/** The fields of {@linkcode RpcStatus} that `state_change` reports. */
export type RpcStateChange = Partial<
  Pick<
    RpcStatus,
    "iteration" | "max_iterations" | "current_story" | "agent" | "status" | "interactive_mode"
  >
>;

/** The answer to `hello`. */
export interface RpcHello {
  /** The version of the protocol that the server speaks. */
  protocol: number;
  /** The version of ralph. */
  version: string;
  /** What the server can do beyond the protocol of older versions. */
  capabilities: string[];
  /** What this connection may do. */
  role: RpcRole;
  /** The id of the session. */
  session_id: string;
  /** The name of the task. */
  task_name: string;
  /** The task folder, an absolute path. */
  task_dir: string;
  /** The number of the last event. */
  last_seq: number;
}

/** The answer to `get_screen`: all fields are `null` if the agent has no terminal. */
export interface RpcScreen {
  /** Text that paints the screen on an empty terminal of this size. */
  screen: string | null;
  /** The width of the terminal in characters. */
  columns: number | null;
  /** The height of the terminal in lines. */
  rows: number | null;
}

/** Every method: its parameters and its result. */
export interface RpcMethods {
  /** Introduces client and server, and sets what the connection may do. */
  hello: {
    params: { role?: RpcRole; client?: string; protocol?: number };
    result: RpcHello;
  };
  /** Returns the state of the loop. */
  get_status: { params: Record<never, never>; result: RpcStatus };
  /** The same as `get_status`. */
  get_state: { params: Record<never, never>; result: RpcStatus };
  /** Returns past events. */
  get_events: {
    params: { since?: number; limit?: number };
    result: { events: NumberedEvent[]; last_seq: number; more: boolean };
  };
  /** Returns what is on the screen of the agent's terminal. */
  get_screen: { params: Record<never, never>; result: RpcScreen };
  /** Adds topics to the connection's subscriptions. */
  subscribe: {
    params: { events: RpcTopic[]; since?: number };
    result: { subscribed: RpcTopic[] };
  };
  /** Removes topics from the connection's subscriptions. */
  unsubscribe: { params: { events: RpcTopic[] }; result: { subscribed: RpcTopic[] } };
  /** Asks the loop to end its agent and itself. */
  stop: { params: { reason?: string }; result: { status: "stop_requested" } };
  /** Asks the loop to end after the current iteration. */
  checkpoint: { params: { reason?: string }; result: { status: "checkpoint_requested" } };
  /** Puts a text before the next prompt, once. */
  inject_prompt: {
    params: { prompt: string };
    result: { status: "prompt_injected"; prompt: string };
  };
  /** Ends a wait, so that the loop retries now. */
  retry_now: { params: Record<never, never>; result: { status: "retry_requested" } };
  /** Sets whether a person works with the agent. */
  set_interactive_mode: { params: { enabled: boolean }; result: { interactive_mode: boolean } };
  /** Types into the agent's terminal. */
  write_pty: {
    params: { data: string };
    result: { status: "forwarded" } | {
      status: "ignored";
      reason: "not in interactive mode" | "no terminal";
    };
  };
  /** Resizes the agent's terminal. */
  resize_pty: {
    params: { columns: number; rows: number };
    result: { status: "resized" } | { status: "ignored"; reason: "no terminal" };
  };
}

/** The name of a method. */
export type RpcMethod = keyof RpcMethods;

/** The data of every notification, by its type. */
export interface RpcNotifications {
  /** A line of output, as in `output.log`. */
  output: { line: string };
  /** The fields of the status that have changed. */
  state_change: RpcStateChange;
  /** An event of the loop with its number. */
  event: NumberedEvent;
  /** What the agent prints on its terminal; with a size it repaints the whole screen. */
  screen: { data: string; columns?: number; rows?: number };
  /** The client was too slow: see PROTOCOL.md. */
  lagged: { from: number; dropped: ("output" | "screen" | "event")[] };
}

/** A notification, which is the `params` of a JSON-RPC notification of method `event`. */
export type RpcNotification = {
  [Type in keyof RpcNotifications]: {
    type: Type;
    /** When it happened, ISO 8601 in UTC. */
    timestamp: string;
    data: RpcNotifications[Type];
  };
}[keyof RpcNotifications];

/** An error in an answer. */
export interface RpcErrorBody {
  /** One of {@linkcode RPC_ERROR_CODES}. */
  code: number;
  /** What is wrong, in one line. */
  message: string;
  /** Further facts for programs. */
  data?: unknown | undefined;
}

/** The id of a request. */
export type RpcId = string | number | null;

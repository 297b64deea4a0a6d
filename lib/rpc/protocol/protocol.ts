import type { NumberedEvent } from "../../event/numbered_event.ts";

/** The version of the protocol: it changes when a client that knows this one would break. */
export const PROTOCOL_VERSION = 1;

/** The error codes of JSON-RPC 2.0. */
export const RPC_ERROR_CODES = {
  /** The line is no JSON. */
  parseError: -32700,
  /** The line is JSON and no request; a batch is none. */
  invalidRequest: -32600,
  /** There is no such method. */
  methodNotFound: -32601,
  /** The parameters do not fit, or the connection's role does not allow the method. */
  invalidParams: -32602,
  /** The server has failed. */
  internalError: -32603,
} as const;

/** What a connection may do: `observe` reads, `control` acts on the loop as well. */
export type RpcRole = "observe" | "control";

/** What can be subscribed to. `*` is `output` and `state_change`. */
export type RpcTopic = "output" | "state_change" | "event" | "screen" | "*";

/** The state of a loop, as `get_status` tells it. Times are ISO 8601 in UTC. */
export interface RpcStatus {
  /** The name of the task. */
  task_name: string;
  /** The task folder, an absolute path. */
  task_dir: string;
  /** The iteration that was begun last; 0 before the first. */
  iteration: number;
  /** Iterations at most; `null` for no limit. */
  max_iterations: number | null;
  /** The id of the story that is worked on, or was last; empty before the first. */
  current_story: string;
  /** The agent. */
  agent: string;
  /** `running`, and when the loop has ended, how. */
  status: "running" | "completed" | "failed" | "stopped" | "checkpointed";
  /** Whether a person works with the agent, and the end of its turn is not the end of the iteration. */
  interactive_mode: boolean;
  /** When the session started. */
  started_at: string;
  /** When something last happened. */
  updated_at: string;
  /** The last lines of output: 200 at most. */
  recent_output: string[];
}

/** The fields of {@linkcode RpcStatus} of which a `state_change` tells. */
export type RpcStateChange = Partial<
  Pick<
    RpcStatus,
    "iteration" | "max_iterations" | "current_story" | "agent" | "status" | "interactive_mode"
  >
>;

/** What `hello` answers. */
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

/** What `get_screen` answers: `null` everywhere if the agent has no terminal. */
export interface RpcScreen {
  /** Text that paints the screen on an empty terminal of this size. */
  screen: string | null;
  /** The width of the terminal in characters. */
  columns: number | null;
  /** The height of the terminal in lines. */
  rows: number | null;
}

/** Why a command to a terminal did nothing. */
export type RpcIgnored = { status: "ignored"; reason: "not in interactive mode" | "no terminal" };

/** No parameters. */
export type RpcNoParams = Record<never, never>;

/** Every method: its parameters and its result. */
export interface RpcMethods {
  /** Says who both are, and what the connection may do. */
  hello: {
    params: { role?: RpcRole; client?: string; protocol?: number };
    result: RpcHello;
  };
  /** Tells the state of the loop. */
  get_status: { params: RpcNoParams; result: RpcStatus };
  /** The same as `get_status`. */
  get_state: { params: RpcNoParams; result: RpcStatus };
  /** Reads events that have happened. */
  get_events: {
    params: { since?: number; limit?: number };
    result: { events: NumberedEvent[]; last_seq: number; more: boolean };
  };
  /** Tells what is on the screen of the agent's terminal. */
  get_screen: { params: RpcNoParams; result: RpcScreen };
  /** Adds to what the connection is told. */
  subscribe: {
    params: { events: RpcTopic[]; since?: number };
    result: { subscribed: RpcTopic[] };
  };
  /** Takes away from what the connection is told. */
  unsubscribe: { params: { events: RpcTopic[] }; result: { subscribed: RpcTopic[] } };
  /** Asks the loop to end its agent and itself. */
  stop: { params: RpcNoParams; result: { status: "stop_requested" } };
  /** Asks the loop to end after the current iteration. */
  checkpoint: { params: RpcNoParams; result: { status: "checkpoint_requested" } };
  /** Puts a text in front of the next prompt, once. */
  inject_prompt: {
    params: { prompt: string };
    result: { status: "prompt_injected"; prompt: string };
  };
  /** Ends a wait. */
  retry_now: { params: RpcNoParams; result: { status: "retry_requested" } };
  /** Says whether a person works with the agent. */
  set_interactive_mode: { params: { enabled: boolean }; result: { interactive_mode: boolean } };
  /** Types into the agent's terminal. */
  write_pty: { params: { data: string }; result: { status: "forwarded" } | RpcIgnored };
  /** Gives the agent's terminal another size. */
  resize_pty: {
    params: { columns: number; rows: number };
    result: { status: "resized" } | RpcIgnored;
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
  /** What the agent prints on its terminal; with a size it paints the whole screen anew. */
  screen: { data: string; columns?: number; rows?: number };
  /** The client was too slow, see the page of the protocol. */
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
  data?: unknown;
}

/** The id of a request. */
export type RpcId = string | number | null;

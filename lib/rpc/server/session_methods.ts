import { VERSION } from "../../version.ts";
import {
  PROTOCOL_VERSION,
  RPC_ERROR_CODES,
  type RpcMethod,
  type RpcMethods,
  type RpcRole,
  type RpcTopic,
} from "../protocol/protocol.ts";
import { isRpcMethod, RPC_METHODS } from "../protocol/protocol_schema.ts";
import { RpcError } from "../protocol/messages.ts";
import type { ReadEventsOptions, SessionHub } from "./session_hub.ts";

/** A connection, as the methods see it. */
export interface RpcCaller {
  /** What it may do. */
  role: RpcRole;
  /** Its subscribed topics, sorted. */
  readonly topics: RpcTopic[];
  /** Subscribes; events begin after number `since`, by default after the last one. */
  subscribe(topics: readonly RpcTopic[], since: number | undefined): void;
  /** Unsubscribes. */
  unsubscribe(topics: readonly RpcTopic[]): void;
}

type Handlers = {
  [Method in RpcMethod]: (
    params: RpcMethods[Method]["params"],
    hub: SessionHub,
    caller: RpcCaller,
  ) => RpcMethods[Method]["result"] | Promise<RpcMethods[Method]["result"]>;
};

const { invalidParams, methodNotFound } = RPC_ERROR_CODES;
/** The length at which a name is cut in an error message, in characters. */
const NAME_CHARS = 80;

const HANDLERS: Handlers = {
  hello(params, { session, ring }, caller) {
    const { role = caller.role } = params;
    if (role === "control" && caller.role === "observe") {
      throw new RpcError(invalidParams, "Invalid params: this connection keeps the role observe");
    }
    caller.role = role;
    return {
      protocol: PROTOCOL_VERSION,
      version: VERSION,
      capabilities: ["replay", "roles", "screen"],
      role,
      session_id: session.id,
      task_name: session.task,
      task_dir: session.taskDir,
      last_seq: ring.last,
    };
  },
  get_status: (_, { status }) => status.current,
  get_state: (_, { status }) => status.current,
  async get_events({ since = 0, limit = 1000 }, hub) {
    const options: ReadEventsOptions = { since, limit };
    const { events, more } = await hub.readEvents(options);
    return { events, last_seq: hub.ring.last, more };
  },
  get_screen: (_, { screen }) => screen.screen,
  subscribe({ events, since }, { ring }, caller) {
    if (since !== undefined && !events.includes("event")) {
      throw new RpcError(invalidParams, 'Invalid params: "since" is for the topic "event"');
    }
    if (since !== undefined && since > ring.last) {
      const message = `Invalid params: since is ${since}, expected at most ${ring.last}`;
      throw new RpcError(invalidParams, message);
    }
    caller.subscribe(events, since);
    return { subscribed: caller.topics };
  },
  unsubscribe({ events }, _, caller) {
    caller.unsubscribe(events);
    return { subscribed: caller.topics };
  },
  stop({ reason = "RPC client" }, { control }) {
    control.requestStop(reason);
    return { status: "stop_requested" };
  },
  checkpoint({ reason = "RPC client" }, { control }) {
    control.requestCheckpoint(reason);
    return { status: "checkpoint_requested" };
  },
  inject_prompt({ prompt }, { control }) {
    control.injectPrompt(prompt);
    return { status: "prompt_injected", prompt };
  },
  retry_now(_, { control }) {
    control.retryNow();
    return { status: "retry_requested" };
  },
  set_interactive_mode({ enabled }, { control }) {
    control.setInteractive(enabled);
    return { interactive_mode: control.interactive };
  },
  write_pty({ data }, { control }) {
    if (!control.interactive) return { status: "ignored", reason: "not in interactive mode" };
    if (control.terminal === undefined) return { status: "ignored", reason: "no terminal" };
    control.terminal.write(data);
    return { status: "forwarded" };
  },
  resize_pty({ columns, rows }, { control }) {
    if (control.terminal === undefined) return { status: "ignored", reason: "no terminal" };
    control.terminal.resize(columns, rows);
    return { status: "resized" };
  },
};

/**
 * Does what a request asks for; its parameters are not checked yet.
 *
 * @throws {RpcError} If there is no such method, or its parameters are invalid.
 */
export async function callMethod(
  request: { method: string; params: object },
  hub: SessionHub,
  caller: RpcCaller,
): Promise<unknown> {
  const { method, params } = request;
  if (!isRpcMethod(method)) {
    const name = method.slice(0, NAME_CHARS);
    throw new RpcError(methodNotFound, `Method not found: "${name}"`);
  }
  return await call(method, params, { hub, caller });
}

async function call<Method extends RpcMethod>(
  method: Method,
  params: object,
  { hub, caller }: { hub: SessionHub; caller: RpcCaller },
): Promise<unknown> {
  const schema = RPC_METHODS[method];
  if (schema.role === "control" && caller.role !== "control") {
    const message =
      `Invalid params: ${method} requires the role control, this connection has observe`;
    throw new RpcError(invalidParams, message, { role: caller.role });
  }
  const parsed = schema.params.safeParse(params);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, 3).map(({ path, message }) =>
      path.length === 0 ? message : `${path.join(".")}: ${message}`
    );
    throw new RpcError(invalidParams, `Invalid params: ${issues.join("; ")}`);
  }
  const handler: Handlers[Method] = HANDLERS[method];
  return await handler(parsed.data, hub, caller);
}

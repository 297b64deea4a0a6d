import { SESSION_STATUSES } from "../../event/vocabulary.ts";
import * as z from "zod";
import { loopEventSchema } from "../../event/event_schema.ts";
import type { RpcMethod, RpcMethods, RpcNotifications, RpcRole, RpcStatus } from "./protocol.ts";

/** One method of the protocol. */
export interface RpcMethodSchema<Method extends RpcMethod> {
  /** What it does, in a sentence or two. */
  summary: string;
  /** The role that it requires. */
  role: RpcRole;
  /** Its parameters, by name. Unknown keys are ignored. */
  params: z.ZodType<RpcMethods[Method]["params"]>;
  /** Its result. */
  result: z.ZodType<RpcMethods[Method]["result"]>;
}

/** One type of notification. */
export interface RpcNotificationSchema<Type extends keyof RpcNotifications> {
  /** What it reports, in a sentence or two. */
  summary: string;
  /** Its data. */
  data: z.ZodType<RpcNotifications[Type]>;
}

/** The most events in one answer. */
const MAX_LIMIT = 10_000;

const nothing = z.object({});
const seq = z.int().min(0);
const topics = z.array(z.enum(["output", "state_change", "event", "screen", "*"])).min(1)
  .describe('Any of "output", "state_change", "event", "screen", "*"');
const subscribed = z.object({
  subscribed: z.array(z.enum(["output", "state_change", "event", "screen", "*"]))
    .describe("All that the connection is subscribed to, sorted"),
});
const numbered = z.object({
  seq: seq.describe("Its number in the session, counted from 1 without gaps"),
  event: loopEventSchema,
});
const statusEnum = z.enum(SESSION_STATUSES);
const changing = {
  iteration: z.int().describe("The last iteration that started; 0 before the first"),
  max_iterations: z.int().nullable().describe("Iteration limit; null for no limit"),
  current_story: z.string().describe("The id of the story; empty before the first"),
  agent: z.string().describe("The agent"),
  status: statusEnum.describe("running, or how the loop ended"),
  interactive_mode: z.boolean().describe("Whether a person works with the agent"),
};
const status: z.ZodType<RpcStatus> = z.object({
  task_name: z.string().describe("The name of the task"),
  task_dir: z.string().describe("The task folder, an absolute path"),
  ...changing,
  started_at: z.iso.datetime().describe("When the session started"),
  updated_at: z.iso.datetime().describe("When something last happened"),
  recent_output: z.array(z.string()).max(200).describe("The last 200 lines of output"),
});
const because = z.object({
  reason: z.string().min(1).max(500).exactOptional()
    .describe("Who asks, or why; the reason with which the session ends"),
});

function ignored<Reason extends string>(...reasons: Reason[]) {
  return z.object({ status: z.literal("ignored"), reason: z.enum(reasons) });
}

/** Every method of the protocol. */
export const RPC_METHODS: { [Method in RpcMethod]: RpcMethodSchema<Method> } = {
  hello: {
    summary:
      "Introduces client and server. A connection that asks for the role observe keeps it; without hello it has the role control.",
    role: "observe",
    params: z.object({
      role: z.enum(["observe", "control"]).exactOptional()
        .describe("What the connection may do (default control)"),
      client: z.string().max(200).exactOptional().describe("The name of the client"),
      protocol: z.int().exactOptional().describe("The version of the protocol that it speaks"),
    }),
    result: z.object({
      protocol: z.int().describe("The version of the protocol of the server"),
      version: z.string().describe("The version of ralph"),
      capabilities: z.array(z.string())
        .describe("replay: subscribe takes since; screen: terminals; roles: hello takes a role"),
      role: z.enum(["observe", "control"]).describe("What the connection may do"),
      session_id: z.string().describe("The id of the session, a ULID"),
      task_name: z.string().describe("The name of the task"),
      task_dir: z.string().describe("The task folder, an absolute path"),
      last_seq: seq.describe("The number of the last event"),
    }),
  },
  get_status: {
    summary: "Returns the state of the loop.",
    role: "observe",
    params: nothing,
    result: status,
  },
  get_state: {
    summary: "The same as get_status.",
    role: "observe",
    params: nothing,
    result: status,
  },
  get_events: {
    summary:
      "Returns past events, oldest first. An answer over 4 MB is cut short; more says whether there are further events.",
    role: "observe",
    params: z.object({
      since: seq.exactOptional().describe("The number of the last event that is known (default 0)"),
      limit: z.int().min(1).max(MAX_LIMIT).exactOptional()
        .describe(`Event limit (default 1000, at most ${MAX_LIMIT})`),
    }),
    result: z.object({
      events: z.array(numbered).describe("The events"),
      last_seq: seq.describe("The number of the last event of the session"),
      more: z.boolean().describe("Whether there are further events"),
    }),
  },
  get_screen: {
    summary:
      "Returns what is on the screen of the agent's terminal. All fields are null while it has no terminal.",
    role: "observe",
    params: nothing,
    result: z.object({
      screen: z.string().nullable()
        .describe("Text that paints the screen on an empty terminal of this size"),
      columns: z.int().nullable().describe("The width in characters"),
      rows: z.int().nullable().describe("The height in lines"),
    }),
  },
  subscribe: {
    summary:
      "Subscribes the connection to topics; * is output and state_change. With since, which only the topic event takes, all events after that number come first and then new ones, each once and in order, even if the connection was subscribed already.",
    role: "observe",
    params: z.object({
      events: topics,
      since: seq.exactOptional().describe("The number of the last event that is known"),
    }),
    result: subscribed,
  },
  unsubscribe: {
    summary: "Unsubscribes the connection from topics.",
    role: "observe",
    params: z.object({ events: topics }),
    result: subscribed,
  },
  stop: {
    summary: "Asks the loop to end its agent and itself.",
    role: "control",
    params: because,
    result: z.object({ status: z.literal("stop_requested") }),
  },
  checkpoint: {
    summary: "Asks the loop to end after the current iteration.",
    role: "control",
    params: because,
    result: z.object({ status: z.literal("checkpoint_requested") }),
  },
  inject_prompt: {
    summary: "Puts a text before the next prompt, once.",
    role: "control",
    params: z.object({ prompt: z.string().min(1).describe("The text for the agent") }),
    result: z.object({
      status: z.literal("prompt_injected"),
      prompt: z.string().describe("The text as the loop accepted it"),
    }),
  },
  retry_now: {
    summary:
      "Ends a wait, so that the loop retries now; does nothing when the loop is not waiting.",
    role: "control",
    params: nothing,
    result: z.object({ status: z.literal("retry_requested") }),
  },
  set_interactive_mode: {
    summary:
      "Sets whether a person works with the agent. While one does, the end of the agent's turn does not end the iteration.",
    role: "control",
    params: z.object({ enabled: z.boolean().describe("Whether a person works with the agent") }),
    result: z.object({ interactive_mode: z.boolean().describe("Whether it is on now") }),
  },
  write_pty: {
    summary: "Types into the agent's terminal; only in interactive mode.",
    role: "control",
    params: z.object({ data: z.string().describe("The keys: text and escape sequences") }),
    result: z.discriminatedUnion("status", [
      z.object({ status: z.literal("forwarded") }),
      ignored("not in interactive mode", "no terminal"),
    ]),
  },
  resize_pty: {
    summary: "Resizes the agent's terminal.",
    role: "control",
    params: z.object({
      columns: z.int().min(1).max(1000).describe("The width in characters"),
      rows: z.int().min(1).max(1000).describe("The height in lines"),
    }),
    result: z.discriminatedUnion("status", [
      z.object({ status: z.literal("resized") }),
      ignored("no terminal"),
    ]),
  },
};

/** Every type of notification. */
export const RPC_NOTIFICATIONS: {
  [Type in keyof RpcNotifications]: RpcNotificationSchema<Type>;
} = {
  output: {
    summary: "A line of what the agent says, as in output.log.",
    data: z.object({ line: z.string() }),
  },
  state_change: {
    summary: "The state of the loop has changed: only the fields with a new value.",
    data: z.object(changing).partial() as z.ZodType<RpcNotifications["state_change"]>,
  },
  event: {
    summary: "An event of the loop with its number, as in events.ndjson.",
    data: numbered,
  },
  screen: {
    summary:
      "What the agent prints on its terminal, as it comes. A notification with columns and rows repaints the whole screen: the first one, that of a new terminal, and the first one after some were dropped.",
    data: z.object({
      data: z.string().describe("Text and escape sequences"),
      columns: z.int().exactOptional().describe("The width in characters"),
      rows: z.int().exactOptional().describe("The height in lines"),
    }),
  },
  lagged: {
    summary:
      "The client read too slowly. Events are not lost: from the number in from on they come from the log. What is in dropped is missing since about that number: output can be read with get_events, the screen is repainted, and events are dropped only if the log has grown so large that its oldest part was deleted.",
    data: z.object({
      from: seq.describe("The number of the first late event"),
      dropped: z.array(z.enum(["output", "screen", "event"])).describe("What is missing"),
    }),
  },
};

/** Whether a text is the name of a method of the protocol. */
export function isRpcMethod(name: string): name is RpcMethod {
  return Object.hasOwn(RPC_METHODS, name);
}

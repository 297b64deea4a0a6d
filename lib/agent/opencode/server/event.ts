import * as z from "zod";

const errorSchema: z.ZodType<ServerError> = z.object({
  name: z.string(),
  data: z.object({
    message: z.string().exactOptional(),
    statusCode: z.number().exactOptional(),
    responseHeaders: z.record(z.string(), z.string()).exactOptional(),
  }).exactOptional(),
});

const messageSchema: z.ZodType<ServerMessage> = z.object({
  id: z.string(),
  sessionID: z.string(),
  role: z.enum(["user", "assistant"]),
  time: z.object({ created: z.number(), completed: z.number().exactOptional() }),
  error: errorSchema.exactOptional(),
  tokens: z.object({
    input: z.number(),
    output: z.number(),
    reasoning: z.number().default(0),
    cache: z.object({ read: z.number(), write: z.number() }),
  }).exactOptional(),
  cost: z.number().exactOptional(),
});

const partSchema: z.ZodType<ServerPart> = z.object({
  id: z.string(),
  sessionID: z.string(),
  messageID: z.string(),
  type: z.string(),
  text: z.string().exactOptional(),
  synthetic: z.boolean().exactOptional(),
  time: z.object({ end: z.number().exactOptional() }).exactOptional(),
  tool: z.string().exactOptional(),
  state: z.object({
    status: z.string(),
    input: z.record(z.string(), z.unknown()).exactOptional(),
    output: z.string().exactOptional(),
    error: z.string().exactOptional(),
  }).exactOptional(),
});

const stateSchema: z.ZodType<ServerSessionState> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("idle") }),
  z.object({ type: z.literal("busy") }),
  z.object({
    type: z.literal("retry"),
    attempt: z.number(),
    message: z.string(),
    next: z.number(),
  }),
]);

const permissionSchema: z.ZodType<PermissionRequest> = z.object({
  id: z.string(),
  sessionID: z.string(),
  permission: z.string(),
  patterns: z.array(z.string()).default([]),
});

const questionSchema: z.ZodType<QuestionRequest> = z.object({
  id: z.string(),
  sessionID: z.string(),
  questions: z.array(z.object({ question: z.string() })).default([]),
});

/** The required `properties` of each event type that ralph reads. */
const PROPERTIES: { [T in ServerEvent["type"]]: z.ZodType } = {
  "session.created": z.object({
    info: z.object({ id: z.string(), parentID: z.string().exactOptional() }),
  }),
  "session.status": z.object({ sessionID: z.string(), status: stateSchema }),
  "session.idle": z.object({ sessionID: z.string() }),
  "session.error": z.object({
    sessionID: z.string().exactOptional(),
    error: errorSchema.exactOptional(),
  }),
  "message.updated": z.object({ info: messageSchema }),
  "message.part.updated": z.object({ part: partSchema }),
  "permission.asked": permissionSchema,
  "question.asked": questionSchema,
};

/**
 * Reads an event of the server.
 *
 * @param value The parsed JSON of the event.
 * @returns The event; `undefined` if ralph does not read its type, or its form is unknown.
 */
export function readServerEvent(value: object): ServerEvent | undefined {
  const { type, properties } = value as { type?: string; properties?: unknown };
  // Most events are pieces of a text that is being written: validating them is not worth the time.
  if (type === undefined || !Object.hasOwn(PROPERTIES, type)) return undefined;
  const parsed = PROPERTIES[type as ServerEvent["type"]].safeParse(properties);
  return parsed.success ? { type, properties: parsed.data } as ServerEvent : undefined;
}

/** Reads the answer of `GET /session/:id/message`. */
export const readMessages = (value: unknown): MessageWithParts[] =>
  z.array(z.object({ info: messageSchema, parts: z.array(partSchema) })).parse(value);

/** Reads the answer of `GET /session/status`: the sessions that are not idle. */
export const readStates = (value: unknown): Record<string, ServerSessionState> =>
  z.record(z.string(), stateSchema).parse(value);

/** Reads the answer of `GET /permission`. */
export const readPermissions = (value: unknown): PermissionRequest[] =>
  z.array(permissionSchema).parse(value);

/** Reads the answer of `GET /question`. */
export const readQuestions = (value: unknown): QuestionRequest[] =>
  z.array(questionSchema).parse(value);

/** An error as OpenCode reports it. */
export interface ServerError {
  /** What kind it is, such as `APIError`. */
  name: string;
  /** What is known about it. */
  data?: {
    /** Its message. */
    message?: string | undefined;
    /** The HTTP status from the model's service. */
    statusCode?: number | undefined;
    /** The headers of that answer. */
    responseHeaders?: Record<string, string> | undefined;
  };
}

/** A message of a session, without its parts. */
export interface ServerMessage {
  /** Its id; ids sort by time. */
  id: string;
  /** Its session. */
  sessionID: string;
  /** Who wrote it. */
  role: "user" | "assistant";
  /** When it was created and completed, in milliseconds since the epoch. */
  time: { created: number; completed?: number };
  /** Why it failed. */
  error?: ServerError | undefined;
  /** The tokens that it used. */
  tokens?: {
    input: number;
    output: number;
    reasoning: number;
    cache: { read: number; write: number };
  };
  /** What it cost, in US dollars. */
  cost?: number | undefined;
}

/** A part of a message: a text, a tool call or a marker. */
export interface ServerPart {
  /** Its id. */
  id: string;
  /** Its session. */
  sessionID: string;
  /** Its message. */
  messageID: string;
  /** What it is, such as `text` or `tool`. */
  type: string;
  /** The text. */
  text?: string | undefined;
  /** Whether OpenCode itself wrote it. */
  synthetic?: boolean | undefined;
  /** When it was complete, in milliseconds since the epoch. */
  time?: { end?: number };
  /** The name of the tool. */
  tool?: string | undefined;
  /** The state of the tool call. */
  state?: { status: string; input?: Record<string, unknown>; output?: string; error?: string };
}

/** A message of a session with its parts. */
export interface MessageWithParts {
  /** The message. */
  info: ServerMessage;
  /** Its parts. */
  parts: ServerPart[];
}

/** What a session is doing; `next` is in milliseconds since the epoch. */
export type ServerSessionState =
  | { type: "idle" }
  | { type: "busy" }
  | { type: "retry"; attempt: number; message: string; next: number };

/** A permission that a session waits for. */
export interface PermissionRequest {
  /** Its id. */
  id: string;
  /** Its session. */
  sessionID: string;
  /** What it is about, such as `bash`. */
  permission: string;
  /** The commands, files or addresses that it is about. */
  patterns: string[];
}

/** A question that a session waits for. */
export interface QuestionRequest {
  /** Its id. */
  id: string;
  /** Its session. */
  sessionID: string;
  /** What is asked. */
  questions: { question: string }[];
}

/** The events of the server that a run reads. */
export type ServerEvent =
  | { type: "session.created"; properties: { info: { id: string; parentID?: string } } }
  | { type: "session.status"; properties: { sessionID: string; status: ServerSessionState } }
  | { type: "session.idle"; properties: { sessionID: string } }
  | { type: "session.error"; properties: { sessionID?: string; error?: ServerError } }
  | { type: "message.updated"; properties: { info: ServerMessage } }
  | { type: "message.part.updated"; properties: { part: ServerPart } }
  | { type: "permission.asked"; properties: PermissionRequest }
  | { type: "question.asked"; properties: QuestionRequest };

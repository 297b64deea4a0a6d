/** An error as OpenCode reports it. */
export interface ServerError {
  /** What kind it is, such as `APIError`. */
  name: string;
  /** What is known about it. */
  data?: {
    /** Its words. */
    message?: string;
    /** The status that the model's service answered with. */
    statusCode?: number;
    /** The headers of that answer. */
    responseHeaders?: Record<string, string>;
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
  /** When it was begun and completed, in milliseconds since the epoch. */
  time: { created: number; completed?: number };
  /** Why it failed. */
  error?: ServerError;
  /** The tokens that it used. */
  tokens?: {
    input: number;
    output: number;
    reasoning: number;
    cache: { read: number; write: number };
  };
  /** What it cost, in US dollars. */
  cost?: number;
}

/** A part of a message: a text, a call of a tool, a mark. */
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
  text?: string;
  /** Whether OpenCode itself has written it. */
  synthetic?: boolean;
  /** When it was complete, in milliseconds since the epoch. */
  time?: { end?: number };
  /** The name of the tool. */
  tool?: string;
  /** The call of the tool. */
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

/** The events of the server that matter to a run. */
export type ServerEvent =
  | { type: "session.created"; properties: { info: { id: string; parentID?: string } } }
  | { type: "session.status"; properties: { sessionID: string; status: ServerSessionState } }
  | { type: "session.idle"; properties: { sessionID: string } }
  | { type: "session.error"; properties: { sessionID?: string; error?: ServerError } }
  | { type: "message.updated"; properties: { info: ServerMessage } }
  | { type: "message.part.updated"; properties: { part: ServerPart } }
  | { type: "permission.asked"; properties: PermissionRequest }
  | { type: "question.asked"; properties: QuestionRequest };

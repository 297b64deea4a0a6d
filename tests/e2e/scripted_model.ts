import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the scripted model answers to one request of an agent. */
export type ModelReply =
  /** Says something and ends its turn. */
  | { kind: "text"; text: string }
  /** Calls a tool, such as `Bash` with `{ command }`. */
  | { kind: "tool"; tool: string; input: Record<string, unknown>; text?: string }
  /** Fails as the service does, with a status and headers such as `retry-after`. */
  | { kind: "error"; status: number; message?: string; headers?: Record<string, string> }
  /** Never answers. */
  | { kind: "hang" }
  /** Breaks the connection in the middle of the answer. */
  | { kind: "truncated"; text: string };

/** One request as the model received it. */
export interface ModelRequest {
  method: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
  /** The parsed body; empty for requests without one. */
  body: MessagesBody;
}

/** The part of a body of `POST /v1/messages` that tests look at. */
export interface MessagesBody {
  model?: string;
  stream?: boolean;
  system?: unknown;
  tools?: { name: string }[];
  messages?: { role: string; content: unknown }[];
}

/** A running scripted model. */
export interface ScriptedModel extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** Every request so far, also those for titles. */
  readonly requests: ModelRequest[];
  /** Resolves once a request with tools has arrived that is answered with `hang`. */
  readonly hanging: Promise<void>;
}

/** Tokens that every reply of the model claims, so that there is a cost. */
export const REPLY_USAGE = { input_tokens: 1000, output_tokens: 200 };

const ERROR_TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
  500: "api_error",
  529: "overloaded_error",
};

/**
 * Starts a model that speaks Anthropic's Messages API on 127.0.0.1 and answers
 * what the test says, so that the real Claude Code runs without an account.
 *
 * A list is answered in order, one step for each request that offers tools; its
 * last step is repeated. Requests without tools (titles, summaries) get a short text.
 */
export async function scriptedModel(
  script: ModelReply[] | ((request: ModelRequest, step: number) => ModelReply),
): Promise<ScriptedModel> {
  const requests: ModelRequest[] = [];
  const hanging = Promise.withResolvers<void>();
  let step = 0;
  const server = createServer(async (request, response) => {
    const recorded = await read(request);
    requests.push(recorded);
    if (request.method !== "POST" || !recorded.path.startsWith("/v1/messages")) {
      response.writeHead(request.method === "HEAD" ? 200 : 404).end();
    } else if (recorded.path.includes("count_tokens")) {
      json(response, 200, { input_tokens: REPLY_USAGE.input_tokens });
    } else if (!recorded.body.tools?.length) {
      answer(response, recorded.body, { kind: "text", text: "A title" });
    } else {
      const reply = typeof script === "function"
        ? script(recorded, step)
        : script[Math.min(step, script.length - 1)] ?? { kind: "text", text: "Done." };
      step++;
      if (reply.kind === "hang") hanging.resolve();
      answer(response, recorded.body, reply);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    hanging: hanging.promise,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function read(request: IncomingMessage): Promise<ModelRequest> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text();
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    headers: request.headers,
    body: text === "" ? {} : JSON.parse(text),
  };
}

function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function answer(response: ServerResponse, body: MessagesBody, reply: ModelReply): void {
  switch (reply.kind) {
    case "hang":
      return;
    case "error": {
      const type = ERROR_TYPES[reply.status] ?? "api_error";
      const message = reply.message ?? `Scripted status ${reply.status}`;
      json(response, reply.status, { type: "error", error: { type, message } }, reply.headers);
      return;
    }
    case "text":
    case "truncated":
    case "tool": {
      const blocks: Record<string, unknown>[] = [];
      if (reply.text !== undefined) blocks.push({ type: "text", text: reply.text });
      if (reply.kind === "tool") {
        const id = `toolu_${crypto.randomUUID().replaceAll("-", "")}`;
        blocks.push({ type: "tool_use", id, name: reply.tool, input: reply.input });
      }
      const message = {
        id: `msg_${crypto.randomUUID().replaceAll("-", "")}`,
        type: "message",
        role: "assistant",
        model: body.model ?? "scripted",
        content: blocks,
        stop_reason: reply.kind === "tool" ? "tool_use" : "end_turn",
        stop_sequence: null,
        usage: REPLY_USAGE,
      };
      if (body.stream) stream(response, message, reply.kind === "truncated");
      else if (reply.kind === "truncated") truncated(response, message);
      else json(response, 200, message);
    }
  }
}

/** Claude Code retries without a stream after a broken one: that breaks as well. */
function truncated(response: ServerResponse, message: unknown): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.write(JSON.stringify(message).slice(0, 40));
  setImmediate(() => response.destroy());
}

/** Writes a message as the server-sent events of a streamed answer. */
function stream(
  response: ServerResponse,
  message: { content: Record<string, unknown>[]; stop_reason: string; stop_sequence: null },
  truncated: boolean,
): void {
  const send = (type: string, data: Record<string, unknown>) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream" });
  send("message_start", { message: { ...message, content: [], stop_reason: null } });
  for (const [index, block] of message.content.entries()) {
    const isText = block.type === "text";
    const empty = isText ? { type: "text", text: "" } : { ...block, input: {} };
    send("content_block_start", { index, content_block: empty });
    const delta = isText
      ? { type: "text_delta", text: block.text }
      : { type: "input_json_delta", partial_json: JSON.stringify(block.input) };
    send("content_block_delta", { index, delta });
    if (truncated) {
      // One turn later; otherwise the client sees a connection that never answered.
      setImmediate(() => response.destroy());
      return;
    }
    send("content_block_stop", { index });
  }
  const { stop_reason, stop_sequence } = message;
  send("message_delta", { delta: { stop_reason, stop_sequence }, usage: REPLY_USAGE });
  send("message_stop", {});
  response.end();
}

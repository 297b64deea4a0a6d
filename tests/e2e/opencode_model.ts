import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the scripted model answers to one request of OpenCode. */
export type ChatReply =
  /** Says something and ends its turn. */
  | { kind: "text"; text: string }
  /** Calls a tool, such as `bash` with `{ command, description }`. */
  | { kind: "tool"; tool: string; input: Record<string, unknown> }
  /** Fails as a service does, with a status and headers such as `retry-after`. */
  | { kind: "error"; status: number; message?: string; headers?: Record<string, string> }
  /** Never answers. */
  | { kind: "hang" }
  /** Breaks the connection in the middle of the answer. */
  | { kind: "truncated"; text: string };

/** The part of a body of `POST /v1/chat/completions` that tests look at. */
export interface ChatRequest {
  model?: string;
  messages: { role: string; content: unknown; tool_calls?: unknown }[];
  tools?: unknown[];
}

/** A running scripted model. */
export interface ChatModel extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:40123/v1`. */
  readonly url: string;
  /** Every request with tools so far. */
  readonly requests: ChatRequest[];
  /** Resolves once a request has arrived that is answered with `hang`. */
  readonly hanging: Promise<void>;
}

/** What every reply of the model claims to have cost. */
export const CHAT_USAGE = { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200 };

/**
 * Starts a model that speaks OpenAI's chat completions on 127.0.0.1 and answers what the test
 * says, so that the real OpenCode runs without an account.
 *
 * A list is answered in order, one step for each request that offers tools; its last step is
 * repeated. Requests without tools (titles) get a short text.
 */
export async function chatModel(
  script: readonly ChatReply[] | ((request: ChatRequest, step: number) => ChatReply),
): Promise<ChatModel> {
  const requests: ChatRequest[] = [];
  const hanging = Promise.withResolvers<void>();
  let step = 0;
  const server = createServer(async (request, response) => {
    const body = await read(request);
    if (!body.tools?.length) return answer(response, { kind: "text", text: "A title" });
    requests.push(body);
    const reply = typeof script === "function"
      ? script(body, step)
      : script[Math.min(step, script.length - 1)] ?? { kind: "text", text: "Done" };
    step++;
    if (reply.kind === "hang") hanging.resolve();
    answer(response, reply);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    hanging: hanging.promise,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function read(request: IncomingMessage): Promise<ChatRequest> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text();
  return text === "" ? { messages: [] } : JSON.parse(text);
}

function answer(response: ServerResponse, reply: ChatReply): void {
  switch (reply.kind) {
    case "hang":
      return;
    case "error": {
      const message = reply.message ?? `Scripted status ${reply.status}`;
      response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
      response.end(JSON.stringify({ error: { message, type: "error", code: reply.status } }));
      return;
    }
    case "text":
    case "truncated":
    case "tool":
      return stream(response, reply);
  }
}

/** Writes the chunks of a streamed completion. */
function stream(
  response: ServerResponse,
  reply: Extract<ChatReply, { kind: "text" | "truncated" | "tool" }>,
): void {
  const id = `chatcmpl-${crypto.randomUUID()}`;
  const send = (delta: Record<string, unknown>, finish: string | null = null, more = {}) =>
    response.write(`data: ${
      JSON.stringify({
        id,
        object: "chat.completion.chunk",
        created: 0,
        model: "stub",
        choices: [{ index: 0, delta, finish_reason: finish }],
        ...more,
      })
    }\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream" });
  send({ role: "assistant", content: "" });
  if (reply.kind === "tool") {
    const call = { name: reply.tool, arguments: JSON.stringify(reply.input) };
    const callId = `call_${crypto.randomUUID()}`;
    send({ tool_calls: [{ index: 0, id: callId, type: "function", function: call }] });
    send({}, "tool_calls", { usage: CHAT_USAGE });
  } else {
    send({ content: reply.text });
    if (reply.kind === "truncated") return void setTimeout(() => response.destroy(), 50);
    send({}, "stop", { usage: CHAT_USAGE });
  }
  response.end("data: [DONE]\n\n");
}

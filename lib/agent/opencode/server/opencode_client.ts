import type { OpencodeClient } from "@opencode-ai/sdk/v2/client";
import type { PermissionRule } from "./permission_rules.ts";
import type { ServerAddress } from "./address.ts";
import {
  type MessageWithParts,
  type PermissionRequest,
  type QuestionRequest,
  readMessages,
  readPermissions,
  readQuestions,
  readStates,
} from "./event.ts";
import { type ServerFetch, serverFetch } from "./fetch.ts";

/** A session of an OpenCode server, with the fields that ralph uses. */
export interface OpencodeSession {
  /** Its id, such as `ses_e05a2936fffeko2XjYVLyn0Ary`. */
  id: string;
  /** The folder in which it works. */
  directory: string;
  /** Its title. */
  title: string;
}

/** A prompt for {@linkcode ProjectClient.prompt}. */
export interface OpencodePrompt {
  /** The text. */
  text: string;
  /** The model. @default {the server's} */
  model?: { providerID: string; modelID: string } | undefined;
  /** The agent of OpenCode, such as `build`. @default {the server's} */
  agent?: string | undefined;
}

/** Thrown when a request to the server fails. */
export class OpencodeRequestError extends Error {
  /** The status of the answer; absent if there was none. */
  readonly status?: number | undefined;

  /** `action` is what failed, such as `create a session`. */
  constructor(action: string, reason: string, status?: number) {
    super(`Cannot ${action} on the OpenCode server: ${reason}`);
    this.name = "OpencodeRequestError";
    if (status !== undefined) this.status = status;
  }
}

/**
 * One project on an OpenCode server. Every request names the project's folder.
 *
 * Get one from {@linkcode openProject}.
 */
export class ProjectClient {
  readonly #sdk: OpencodeClient;
  /** The server. */
  readonly address: ServerAddress;
  /** The folder of the project, an absolute path. */
  readonly directory: string;
  /** A `fetch` that adds the folder and the password. */
  readonly fetch: ServerFetch;
  /** The server's clock minus ours, in milliseconds; known once a session has been created. */
  #clockMs = 0;

  /**
   * Use {@linkcode openProject} instead.
   *
   * @internal The package contains the SDK, not its types.
   */
  constructor(
    sdk: OpencodeClient,
    options: { address: ServerAddress; directory: string; fetch: ServerFetch },
  ) {
    this.#sdk = sdk;
    this.address = options.address;
    this.directory = options.directory;
    this.fetch = options.fetch;
  }

  /** Creates a session with its own permission rules. */
  async createSession(
    title: string,
    permission: readonly PermissionRule[],
    signal?: AbortSignal,
  ): Promise<OpencodeSession> {
    const data = await this.#ask(
      "create a session",
      () => this.#sdk.session.create({ title, permission: [...permission] }, withSignal(signal)),
    );
    this.#clockMs = data.time.created - Date.now();
    return data;
  }

  /** Finds a session; `undefined` if the server has none with that id. */
  async getSession(sessionID: string, signal?: AbortSignal): Promise<OpencodeSession | undefined> {
    try {
      return await this.#ask(
        "read the session",
        () => this.#sdk.session.get({ sessionID }, withSignal(signal)),
      );
    } catch (error) {
      if (error instanceof OpencodeRequestError && (error.status === 404 || error.status === 400)) {
        return undefined;
      }
      throw error;
    }
  }

  /** Sends a message, and returns its id without waiting for the answer. */
  async prompt(sessionID: string, prompt: OpencodePrompt, signal?: AbortSignal): Promise<string> {
    const { text, model, agent } = prompt;
    const messageID = messageId(Date.now() + this.#clockMs);
    const request: Parameters<OpencodeClient["session"]["promptAsync"]>[0] = {
      sessionID,
      messageID,
      parts: [{ type: "text", text }],
    };
    if (model !== undefined) request.model = model;
    if (agent !== undefined) request.agent = agent;
    await this.#ask(
      "send the prompt",
      () => this.#sdk.session.promptAsync(request, withSignal(signal)),
    );
    return messageID;
  }

  /** Aborts the current turn of a session. */
  async abort(sessionID: string, signal?: AbortSignal): Promise<void> {
    await this.#ask(
      "abort the session",
      () => this.#sdk.session.abort({ sessionID }, withSignal(signal)),
    );
  }

  /** Reads the messages of a session, and whether it is busy. */
  async readState(
    sessionID: string,
    signal?: AbortSignal,
  ): Promise<{ busy: boolean; messages: MessageWithParts[] }> {
    const [statuses, messages] = await Promise.all([
      this.#ask("read the status", () => this.#sdk.session.status({}, withSignal(signal))),
      this.#ask(
        "read the messages",
        () => this.#sdk.session.messages({ sessionID }, withSignal(signal)),
      ),
    ]);
    const status = readStates(statuses)[sessionID];
    const busy = status !== undefined && status.type !== "idle";
    return { busy, messages: readMessages(messages) };
  }

  /** Lists the permissions and questions that sessions of this project wait for. */
  async readRequests(
    signal?: AbortSignal,
  ): Promise<{ permissions: PermissionRequest[]; questions: QuestionRequest[] }> {
    const [permissions, questions] = await Promise.all([
      this.#ask("list permissions", () => this.#sdk.permission.list({}, withSignal(signal))),
      this.#ask("list questions", () => this.#sdk.question.list({}, withSignal(signal))),
    ]);
    return { permissions: readPermissions(permissions), questions: readQuestions(questions) };
  }

  /** Answers a permission request; a refusal with a message does not end the turn. */
  async replyPermission(
    requestID: string,
    reply: "once" | "reject",
    message?: string,
  ): Promise<void> {
    const request: Parameters<OpencodeClient["permission"]["reply"]>[0] = { requestID, reply };
    if (message !== undefined) request.message = message;
    await this.#ask("answer a permission", () => this.#sdk.permission.reply(request));
  }

  /** Gives the same answer to each part of a question. */
  async replyQuestion({ id, questions }: QuestionRequest, words: string): Promise<void> {
    await this.#ask(
      "answer a question",
      () => this.#sdk.question.reply({ requestID: id, answers: questions.map(() => [words]) }),
    );
  }

  async #ask<T>(
    action: string,
    send: () => Promise<{ data?: T; error?: unknown; response?: Response | undefined }>,
  ): Promise<NonNullable<T>> {
    const { data, error, response } = await send();
    // An answer without a body, such as 204, has no data.
    if (response?.ok) return (data ?? {}) as NonNullable<T>;
    if (response === undefined) {
      if (error instanceof DOMException) throw error;
      throw new OpencodeRequestError(action, wordsOf(error));
    }
    throw new OpencodeRequestError(
      action,
      `status ${response.status}, ${wordsOf(error)}`,
      response.status,
    );
  }
}

/**
 * Opens a project on an OpenCode server, without sending a request yet.
 *
 * @example Usage
 * ```ts ignore
 * import { resolveServerAddress } from "@ralph/cli";
 * import { openProject } from "./opencode_client.ts";
 *
 * const address = await resolveServerAddress({ env: process.env });
 * const project = await openProject(address, "/home/me/app");
 * const { id } = await project.createSession("try", []);
 * await project.prompt(id, { text: "Say hello" });
 * ```
 *
 * @param directory The folder of the project, an absolute path.
 */
export async function openProject(
  address: ServerAddress,
  directory: string,
): Promise<ProjectClient> {
  const { createOpencodeClient } = await import("@opencode-ai/sdk/v2/client");
  const { url, username, password } = address;
  const fetch = serverFetch({ directory, username, password });
  // The library calls its `fetch` only with a Request.
  const sdk = createOpencodeClient({ baseUrl: url, fetch: fetch as typeof globalThis.fetch });
  return new ProjectClient(sdk, { address, directory, fetch });
}

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function wordsOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  const { data, message } = (error ?? {}) as { data?: { message?: unknown }; message?: unknown };
  const words = data?.message ?? message;
  return typeof words === "string" ? words : JSON.stringify(error ?? "no reason");
}

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH = 14;

/**
 * Creates a message id as OpenCode does: ids sort by time, and the server compares the id of its
 * answer with that of the question. An id in another format, or from a clock ahead of the server's,
 * would make it answer forever.
 *
 * @example Usage
 * ```ts
 * import { messageId } from "./opencode_client.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(messageId(1795202496214).slice(0, 16), "msg_1fa6836d6001");
 * ```
 *
 * @param time The time on the server's clock, in milliseconds since the epoch.
 */
export function messageId(time: number): string {
  const stamp = (BigInt(Math.floor(time)) * 4096n + 1n) & 0xffffffffffffn;
  const random = crypto.getRandomValues(new Uint8Array(RANDOM_LENGTH));
  const tail = Array.from(random, (byte) => ALPHABET[byte % ALPHABET.length]).join("");
  return `msg_${stamp.toString(16).padStart(12, "0")}${tail}`;
}

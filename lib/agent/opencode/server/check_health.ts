import { setTimeout as delay } from "node:timers/promises";
import type { ServerAddress } from "./address.ts";
import { type ServerFetch, serverFetch } from "./fetch.ts";

/** The oldest supported version of OpenCode. */
export const MIN_OPENCODE_VERSION = "1.1.53";

/** What {@linkcode checkHealth} found at an address. */
export type ServerHealth =
  /** A server that can be used; `secured` says whether it asks for a password. */
  | { kind: "ready"; version: string; secured: boolean }
  /** A server that refuses our password, or needs one that we do not have. */
  | { kind: "unauthorized"; passwordKnown: boolean }
  /** A server whose version is not supported. */
  | { kind: "unsupported"; version: string }
  /** A server that reports that it is not healthy. */
  | { kind: "unhealthy"; detail: string }
  /** The port is open but nothing answers: OpenCode is starting, or it is another program. */
  | { kind: "silent" }
  /** Something other than an OpenCode server answers. */
  | { kind: "foreign"; detail: string }
  /** Nothing listens there, or the host is unreachable. */
  | { kind: "down"; detail: string };

/** Options for {@linkcode checkHealth}. */
export interface CheckHealthOptions {
  /** The time limit of one attempt, in milliseconds. @default {1_000} */
  tryMs?: number | undefined;
  /**
   * How long to retry while the port is open but the server does not answer yet, in milliseconds.
   * @default {5_000}
   */
  startingMs?: number | undefined;
  /** How long to retry while nothing listens, in milliseconds. @default {0} */
  downMs?: number | undefined;
  /** The pause between two attempts, in milliseconds. @default {200} */
  pauseMs?: number | undefined;
  /** Cancels the check. */
  signal?: AbortSignal | undefined;
}

/**
 * Checks the health of an OpenCode server (`GET /global/health`), and finds out what else may be at
 * its address. The password is sent only to a server that asks for one.
 *
 * @example Usage
 * ```ts
 * import { checkHealth } from "@ralph/cli";
 *
 * const address = { url: "http://127.0.0.1:9", username: "opencode", remote: true };
 * const health = await checkHealth(address);
 * console.assert(health.kind === "down");
 * ```
 */
export async function checkHealth(
  address: ServerAddress,
  options: CheckHealthOptions = {},
): Promise<ServerHealth> {
  const { tryMs = 1_000, startingMs = 5_000, downMs = 0, pauseMs = 200, signal } = options;
  const startedAt = performance.now();
  for (;;) {
    const health = await askOnce(address, tryMs, signal);
    const elapsed = performance.now() - startedAt;
    const patience = health.kind === "silent" ? startingMs : health.kind === "down" ? downMs : 0;
    if (elapsed + pauseMs >= patience) return health;
    await delay(pauseMs, undefined, signal === undefined ? {} : { signal });
  }
}

interface Answer {
  status: number;
  text: string;
}

async function askOnce(
  address: ServerAddress,
  tryMs: number,
  signal: AbortSignal | undefined,
): Promise<ServerHealth> {
  const { username, password } = address;
  const open = await ask(serverFetch(), address.url, { tryMs, signal });
  if ("kind" in open) return open;
  if (open.status !== 401) return judge(open, false);
  if (password === undefined) return { kind: "unauthorized", passwordKnown: false };
  const answer = await ask(serverFetch({ username, password }), address.url, { tryMs, signal });
  if ("kind" in answer) return answer;
  if (answer.status !== 401) return judge(answer, true);
  return { kind: "unauthorized", passwordKnown: true };
}

async function ask(
  request: ServerFetch,
  url: string,
  { tryMs, signal }: { tryMs: number; signal: AbortSignal | undefined },
): Promise<Answer | ServerHealth> {
  const limit = AbortSignal.timeout(tryMs);
  const either = signal === undefined ? limit : AbortSignal.any([limit, signal]);
  try {
    const response = await request(`${url}/global/health`, { signal: either });
    // The answer is short: a body that is late counts as no answer.
    return { status: response.status, text: await response.text() };
  } catch (error) {
    signal?.throwIfAborted();
    if (limit.aborted) return { kind: "silent" };
    const { code, message } = error as { code?: string; message: string };
    if (code === "ECONNREFUSED") return { kind: "down", detail: "connection refused" };
    if (code === "ECONNRESET" || code === undefined || code.startsWith("HPE_")) {
      return { kind: "foreign", detail: message };
    }
    return { kind: "down", detail: message };
  }
}

function judge({ status, text }: Answer, secured: boolean): ServerHealth {
  const detail = `status ${status}, ${JSON.stringify(text.slice(0, 60))}`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "foreign", detail };
  }
  if (typeof value !== "object" || value === null || !("healthy" in value)) {
    return { kind: "foreign", detail };
  }
  const { healthy, version } = value as { healthy?: unknown; version?: unknown };
  if (healthy !== true || typeof version !== "string") {
    return { kind: "unhealthy", detail: text.slice(0, 200) };
  }
  if (!isSupported(version)) return { kind: "unsupported", version };
  return { kind: "ready", version, secured };
}

/** A build from OpenCode's sources has the version `local` or `dev`, so its age is unknown. */
function isSupported(version: string): boolean {
  const numbers = version.match(/^(\d+)\.(\d+)\.(\d+)/)?.slice(1).map(Number);
  if (numbers === undefined) return true;
  const wanted = MIN_OPENCODE_VERSION.split(".").map(Number);
  for (const [i, number] of numbers.entries()) {
    const least = wanted[i] ?? 0;
    if (number !== least) return number > least;
  }
  return true;
}

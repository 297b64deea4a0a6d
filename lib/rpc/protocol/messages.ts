import type { Frame } from "./frames.ts";
import {
  RPC_ERROR_CODES,
  type RpcErrorBody,
  type RpcId,
  type RpcNotifications,
} from "./protocol.ts";

/** A client's line: a request, or the error to answer because it is not a valid one. */
export type ParsedRequest =
  /** A request without `id` is a notification, which is not answered. */
  | { kind: "request"; id?: RpcId | undefined; method: string; params: object }
  | { kind: "error"; id: RpcId; error: RpcErrorBody };

const { parseError, invalidRequest } = RPC_ERROR_CODES;

/**
 * Reads a request of JSON-RPC 2.0. Batches are refused.
 *
 * @example Usage
 * ```ts
 * import { parseRequest } from "./messages.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const text = '{"jsonrpc":"2.0","id":1,"method":"get_status"}';
 * assertEquals(parseRequest({ kind: "line", text }), {
 *   kind: "request",
 *   id: 1,
 *   method: "get_status",
 *   params: {},
 * });
 * ```
 *
 * @returns The request, or the error to answer.
 */
export function parseRequest(frame: Frame): ParsedRequest {
  if (frame.kind === "too_long") return failure(invalidRequest, "Invalid request: too long");
  if (frame.kind === "not_utf8") return failure(parseError, "Parse error: the line is not UTF-8");
  let value: unknown;
  try {
    value = JSON.parse(frame.text);
  } catch {
    return failure(parseError, "Parse error: the line is not JSON");
  }
  if (Array.isArray(value)) {
    return failure(invalidRequest, "Invalid request: batches are not supported");
  }
  if (typeof value !== "object" || value === null) {
    return failure(invalidRequest, "Invalid request: expected an object");
  }
  const { jsonrpc, id, method, params } = value as Record<string, unknown>;
  if (!isId(id)) {
    return failure(invalidRequest, 'Invalid request: expected "id" to be a string or a number');
  }
  const known = id ?? null;
  if (jsonrpc !== "2.0") {
    return failure(invalidRequest, 'Invalid request: expected "jsonrpc" to be "2.0"', known);
  }
  if (typeof method !== "string") {
    return failure(invalidRequest, 'Invalid request: expected "method" to be a string', known);
  }
  if (params !== undefined && (typeof params !== "object" || params === null)) {
    return failure(invalidRequest, 'Invalid request: expected "params" to be an object', known);
  }
  return { kind: "request", id, method, params: params ?? {} };
}

function isId(value: unknown): value is RpcId | undefined {
  return value === undefined || value === null || typeof value === "string" ||
    typeof value === "number";
}

function failure(code: number, message: string, id: RpcId = null): ParsedRequest {
  return { kind: "error", id, error: { code, message } };
}

/** Thrown when a request is answered with an error. */
export class RpcError extends Error {
  /** One of {@linkcode RPC_ERROR_CODES}. */
  readonly code: number;
  /** Further facts for programs. */
  readonly data?: unknown | undefined;

  /** `code` is one of {@linkcode RPC_ERROR_CODES}; `message` is one line. */
  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = "RpcError";
    this.code = code;
    if (data !== undefined) this.data = data;
  }
}

/**
 * The error body for anything that was thrown; all but {@linkcode RpcError} is an internal error.
 */
export function toErrorBody(error: unknown): RpcErrorBody {
  if (error instanceof RpcError) {
    const { code, message, data } = error;
    return data === undefined ? { code, message } : { code, message, data };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: RPC_ERROR_CODES.internalError, message: `Internal error: ${message}` };
}

/**
 * A notification as one line of the protocol, with its line end. `timestamp` is ISO 8601 in UTC.
 */
export function notificationLine<Type extends keyof RpcNotifications>(
  type: Type,
  data: RpcNotifications[Type],
  timestamp: string,
): string {
  const params = { type, timestamp, data };
  return `${JSON.stringify({ jsonrpc: "2.0", method: "event", params })}\n`;
}

import { RPC_ERROR_CODES, type RpcErrorBody } from "./protocol.ts";

/** Thrown when a request is answered with an error. */
export class RpcError extends Error {
  /** One of {@linkcode RPC_ERROR_CODES}. */
  readonly code: number;
  /** Further facts for programs. */
  readonly data?: unknown;

  /**
   * Makes the error.
   *
   * @param code One of {@linkcode RPC_ERROR_CODES}.
   * @param message What is wrong, in one line.
   * @param data Further facts for programs.
   */
  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = "RpcError";
    this.code = code;
    if (data !== undefined) this.data = data;
  }
}

/**
 * Makes the error of an answer from whatever was thrown.
 *
 * @param error What was thrown; any but an {@linkcode RpcError} is a failure of the server.
 * @returns The error of the answer.
 */
export function toErrorBody(error: unknown): RpcErrorBody {
  if (error instanceof RpcError) {
    const { code, message, data } = error;
    return data === undefined ? { code, message } : { code, message, data };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: RPC_ERROR_CODES.internalError, message: `Internal error: ${message}` };
}

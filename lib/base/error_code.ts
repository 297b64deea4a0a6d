/**
 * Reads the code of a system error.
 *
 * @example Usage
 * ```ts
 * import { errorCode } from "./error_code.ts";
 * import { assertEquals } from "@std/assert";
 * import { readFile } from "node:fs/promises";
 *
 * const text = await readFile("/no/such/file", "utf8").catch((error) => {
 *   if (errorCode(error) === "ENOENT") return "";
 *   throw error;
 * });
 * assertEquals(text, "");
 * ```
 *
 * @returns The code, such as `ENOENT`, or `undefined` if it has none.
 */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/**
 * Whether a system error means that a file or folder does not exist.
 *
 * @returns Whether its code is `ENOENT` or `ENOTDIR`.
 */
export function isNotFound(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/**
 * The error that came first. Where cleaning up after an error fails too, what is thrown is a
 * `SuppressedError`, whose own message says nothing.
 */
export function firstError(error: unknown): unknown {
  let first = error;
  while (first instanceof SuppressedError) first = first.suppressed;
  return first;
}

/** The message of anything that was thrown, in one place for all that report one. */
export function errorMessage(error: unknown): string {
  const first = firstError(error);
  return first instanceof Error ? first.message : String(first);
}

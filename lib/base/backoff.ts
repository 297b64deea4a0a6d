/** The bounds of {@linkcode backoffMs}, in milliseconds. */
export interface BackoffBounds {
  /** The wait after a first failure. */
  backoffBaseMs: number;
  /** The longest wait. */
  backoffMaxMs: number;
}

/**
 * How long to wait after a number of failures in a row. The wait doubles each time; half of it is
 * random, so that many loops do not retry at the same moment.
 *
 * @example Usage
 * ```ts
 * import { backoffMs } from "./backoff.ts";
 * import { assertEquals } from "@std/assert";
 * const bounds = { backoffBaseMs: 1_000, backoffMaxMs: 60_000 };
 * assertEquals(backoffMs(1, bounds, 0), 500);
 * assertEquals(backoffMs(3, bounds, 0), 2_000);
 * assertEquals(backoffMs(20, bounds, 0), 30_000);
 * ```
 *
 * @param failures Failures in a row, from 1.
 * @param bounds The shortest and the longest wait.
 * @param random A number from 0 (inclusive) to 1 (exclusive).
 * @returns The wait, in milliseconds.
 */
export function backoffMs(failures: number, bounds: BackoffBounds, random: number): number {
  const full = Math.min(bounds.backoffBaseMs * 2 ** (failures - 1), bounds.backoffMaxMs);
  return Math.round(full * (0.5 + random / 2));
}

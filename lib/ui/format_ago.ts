import { formatDuration } from "./format_duration.ts";

/**
 * Says how long ago something was, in its largest unit, such as `9m ago`.
 *
 * @example Usage
 * ```ts
 * import { formatAgo } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatAgo(540_000), "9m ago");
 * assertEquals(formatAgo(0), "just now");
 * ```
 *
 * @param ms How long ago, in milliseconds.
 * @returns The age in words; `just now` below a second and for times to come.
 */
export function formatAgo(ms: number): string {
  return ms >= 1000 ? `${formatDuration(ms, { units: 1 })} ago` : "just now";
}

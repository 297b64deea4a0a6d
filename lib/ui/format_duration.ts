/** Options for {@linkcode formatDuration}. */
export interface FormatDurationOptions {
  /**
   * Whether the units stand without a space, as in `6m40s`, and less than ten seconds with a
   * tenth, as in `0.7s`: for what is over, not for a clock that runs. @default {false}
   */
  compact?: boolean;
  /** How many units are shown at most. @default {2} */
  units?: 1 | 2;
}

/**
 * Writes a duration in its two largest units, such as `12m 04s` or `3d 4h`.
 *
 * Other fractions of a second are dropped; what is negative or not a number is `0s`.
 *
 * @example Usage
 * ```ts
 * import { formatDuration } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatDuration(724_000), "12m 04s");
 * assertEquals(formatDuration(400_000, { compact: true }), "6m40s");
 * assertEquals(formatDuration(9_060_000, { units: 1 }), "2h");
 * ```
 *
 * @param ms The duration, in milliseconds.
 * @param options Additional options.
 * @returns The duration in words.
 */
export function formatDuration(ms: number, options: FormatDurationOptions = {}): string {
  if (options.compact && ms > 0 && ms < 10_000) return `${Math.floor(ms / 100) / 10}s`;
  const seconds = Number.isFinite(ms) && ms > 0 ? Math.floor(ms / 1000) : 0;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const parts = days > 0
    ? [`${days}d`, `${hours % 24}h`]
    : hours > 0
    ? [`${hours}h`, `${pad(minutes % 60)}m`]
    : minutes > 0
    ? [`${minutes}m`, `${pad(seconds % 60)}s`]
    : [`${seconds}s`];
  return parts.slice(0, options.units ?? 2).join(options.compact ? "" : " ");
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** Options for {@linkcode formatDuration}. */
export interface FormatDurationOptions {
  /**
   * Whether to leave out the space between units, as in `6m40s`, and to show tenths below ten
   * seconds, as in `0.7s`: for finished durations, not for a running clock. @default {false}
   */
  compact?: boolean | undefined;
  /** The most units to show. @default {2} */
  units?: 1 | 2 | undefined;
}

/**
 * Formats a duration in its two largest units, such as `12m 04s` or `3d 4h`.
 *
 * Other fractions of a second are dropped; negative values and `NaN` give `0s`.
 *
 * @example Usage
 * ```ts
 * import { formatDuration } from "./times.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatDuration(724_000), "12m 04s");
 * assertEquals(formatDuration(400_000, { compact: true }), "6m40s");
 * assertEquals(formatDuration(9_060_000, { units: 1 }), "2h");
 * ```
 *
 * @param ms The duration, in milliseconds.
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

/**
 * How long ago something was, in its largest unit, such as `9m ago`.
 *
 * @example Usage
 * ```ts
 * import { formatAgo } from "./times.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatAgo(540_000), "9m ago");
 * assertEquals(formatAgo(0), "just now");
 * ```
 *
 * @param ms How long ago, in milliseconds.
 * @returns The age in words; `just now` for less than a second and for times in the future.
 */
export function formatAgo(ms: number): string {
  return ms >= 1000 ? `${formatDuration(ms, { units: 1 })} ago` : "just now";
}

/** Options for {@linkcode formatClock}. */
export interface FormatClockOptions {
  /** The present, in milliseconds since the epoch; it decides whether the day is shown. */
  now: number;
  /** An IANA time zone such as `Europe/Berlin`. @default {the system's} */
  timeZone?: string | undefined;
}

const DAY_MS = 86_400_000;

/**
 * Formats a moment as a clock shows it: `20:00` today, `Sat 08:00` within six days, `2026-12-01
 * 08:00` otherwise.
 *
 * @example Usage
 * ```ts
 * import { formatClock } from "./times.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const now = Date.UTC(2026, 10, 20, 18, 2);
 * assertEquals(formatClock(now + 7_080_000, { now, timeZone: "UTC" }), "20:00");
 * ```
 *
 * @param at The moment, in milliseconds since the epoch.
 * @param options The present, and the time zone.
 * @returns The moment in words; `?` if `at` is not a valid time.
 */
export function formatClock(at: number, options: FormatClockOptions): string {
  if (!Number.isFinite(new Date(at).getTime())) return "?";
  const there = parts(at, options.timeZone);
  const here = parts(options.now, options.timeZone);
  if (there.date === here.date) return there.time;
  return Math.abs(at - options.now) < 6 * DAY_MS
    ? `${there.weekday} ${there.time}`
    : `${there.date} ${there.time}`;
}

function parts(at: number, timeZone?: string): { date: string; weekday: string; time: string } {
  const format = new Intl.DateTimeFormat("en-GB", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone,
  });
  const of: Record<string, string> = {};
  for (const part of format.formatToParts(at)) of[part.type] = part.value;
  return {
    date: `${of.year}-${of.month}-${of.day}`,
    weekday: of.weekday ?? "",
    time: `${of.hour}:${of.minute}`,
  };
}

/** Options for {@linkcode formatClock}. */
export interface FormatClockOptions {
  /** The present, in milliseconds since the epoch: it decides whether the day is named. */
  now: number;
  /** An IANA time zone such as `Europe/Berlin`. @default {the system's} */
  timeZone?: string;
}

const DAY_MS = 86_400_000;

/**
 * Writes a moment as a clock shows it: `20:00` today, `Sat 08:00` within six
 * days, `2026-12-01 08:00` otherwise.
 *
 * @example Usage
 * ```ts
 * import { formatClock } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const now = Date.UTC(2026, 10, 20, 18, 2);
 * assertEquals(formatClock(now + 7_080_000, { now, timeZone: "UTC" }), "20:00");
 * ```
 *
 * @param at The moment, in milliseconds since the epoch.
 * @param options The present, and the time zone.
 * @returns The moment in words; `?` if it is no moment.
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
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  const of: Record<string, string> = {};
  for (const part of format.formatToParts(at)) of[part.type] = part.value;
  return {
    date: `${of.year}-${of.month}-${of.day}`,
    weekday: of.weekday ?? "",
    time: `${of.hour}:${of.minute}`,
  };
}

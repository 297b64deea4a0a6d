/**
 * Formats a local time for `progress.txt`.
 *
 * @example Usage
 * ```ts
 * import { localTime } from "./local_time.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(localTime(new Date(2026, 0, 23, 12, 16)), "2026-01-23 12:16");
 * ```
 *
 * @returns The time, as `YYYY-MM-DD HH:MM`.
 */
export function localTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

const DAY_MS = 86_400_000;

/** Parses a time that may lack a zone: milliseconds since the epoch, `undefined` if invalid. */
export type TimeReader = (text: string) => number | undefined;

/**
 * Creates a function that returns how far a zone is ahead of UTC at an instant, in milliseconds.
 */
function zoneOffset(timeZone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (instant) => {
    const fields: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of format.formatToParts(instant)) fields[type] = Number(value);
    const { year = 0, month = 1, day, hour, minute, second } = fields;
    const shown = Date.UTC(year, month - 1, day, hour, minute, second);
    return shown - Math.floor(instant / 1000) * 1000;
  };
}

/**
 * Creates a parser of ISO times that may lack a zone, such as `2026-01-23T13:08:22.123456`,
 * `2026-01-23 13:08:22` or `2026-01-23T12:08:22Z`.
 *
 * When clocks go back, an ambiguous time is the earlier one; when they go forward, a skipped time
 * is read as if they had not changed yet.
 *
 * @param timeZone The zone of a time without one, such as `Europe/Berlin` or `UTC`.
 * @throws {RangeError} If there is no such zone.
 */
export function timeReader(timeZone: string): TimeReader {
  const offsetAt = zoneOffset(timeZone);
  return (text) => {
    const match =
      /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[+-]\d\d:?\d\d)?)?$/i
        .exec(text.trim());
    if (!match) return undefined;
    const clock = match[2] ?? "00:00";
    const zone = match[3]?.toUpperCase() ?? "Z";
    const colon = zone === "Z" ? zone : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
    const wall = Date.parse(`${match[1]}T${clock}${colon}`);
    if (Number.isNaN(wall)) return undefined;
    if (match[3]) return wall;
    // The offset depends on the instant that we look for: try the one before any clock change on
    // that day, then the one after.
    const before = wall - offsetAt(wall - DAY_MS);
    if (before + offsetAt(before) === wall) return before;
    const after = wall - offsetAt(wall + DAY_MS);
    return after + offsetAt(after) === wall ? after : before;
  };
}

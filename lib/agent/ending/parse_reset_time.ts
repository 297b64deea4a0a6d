const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** A clock time that has just passed is taken as it is: the message is a little old. */
const JUST_PASSED_MS = 10 * MINUTE_MS;

const UNIT_MS: Record<string, number> = {
  s: 1000,
  m: MINUTE_MS,
  h: 60 * MINUTE_MS,
  d: DAY_MS,
};
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const LEAD = "(?:resets?|retry|try again|available again|available)";
const EPOCH = /limit reached\s*\|\s*(\d{10}|\d{13})\b/i;
const ISO = new RegExp(
  `${LEAD}[^\\n]{0,30}?(\\d{4}-\\d\\d-\\d\\dT[\\d:.]+(?:Z|[+-]\\d\\d:?\\d\\d))`,
  "i",
);
const SPAN = new RegExp(
  `${LEAD}[^\\n]{0,20}?\\b(?:in|after:?)\\s+((?:\\d+(?:\\.\\d+)?\\s*(?:d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)\\b[\\s,]*(?:and\\s+)?)+)`,
  "i",
);
const RETRY_AFTER = /retry[-_ ]after["']?\s*[:=]?\s*(\d+)(?!\s*(?:d|h|m|s))\b/i;
const CLOCK = new RegExp(
  `${LEAD}\\s+(?:at\\s+|on\\s+)?(?:(${
    MONTHS.join("|")
  })[a-z]*\\.?\\s+(\\d{1,2})(?:st|nd|rd|th)?,?\\s+(?:(\\d{4}),?\\s+)?(?:at\\s+)?)?` +
    "(\\d{1,2})(?::(\\d\\d))?\\s*(am|pm)?\\b(?:\\s*\\(([A-Za-z_]+(?:/[A-Za-z_+\\-0-9]+)*)\\))?",
  "i",
);

/**
 * Parses when a limit ends from an agent's message.
 *
 * Understands `resets 8pm`, `resets at 20:00`, `resets 3:30am (Europe/Berlin)`,
 * `resets Nov 22, 8pm`, `resets in 2h 5m`, `try again in 30 seconds`, `retry-after: 120` (seconds),
 * times in ISO 8601 and the `limit reached|1763668800` of older versions. A time of day means the
 * next one, unless it passed less than ten minutes ago.
 *
 * @example Usage
 * ```ts
 * import { parseResetTime } from "./parse_reset_time.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const now = Date.parse("2026-11-20T18:00:00Z");
 * const at = parseResetTime("You've hit your limit · resets 8pm", now, "UTC");
 * assertEquals(at, Date.parse("2026-11-20T20:00:00Z"));
 * ```
 *
 * @param now The time now, in milliseconds since the epoch.
 * @param timeZone The zone of a time of day without one. @default {the zone of this machine}
 * @returns The time in milliseconds since the epoch, or `undefined` if the message has none.
 */
export function parseResetTime(text: string, now: number, timeZone?: string): number | undefined {
  const epoch = EPOCH.exec(text)?.[1];
  if (epoch) return Number(epoch) * (epoch.length === 10 ? 1000 : 1);
  const iso = ISO.exec(text)?.[1];
  if (iso && !Number.isNaN(Date.parse(iso))) return Date.parse(iso);
  const span = SPAN.exec(text)?.[1];
  if (span) return now + parseSpan(span);
  const seconds = RETRY_AFTER.exec(text)?.[1];
  if (seconds) return now + Number(seconds) * 1000;
  const clock = CLOCK.exec(text);
  return clock ? parseClock(clock, now, timeZone) : undefined;
}

function parseSpan(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)\s*([dhms])/gi)) {
    total += Number(amount) * (UNIT_MS[(unit ?? "").toLowerCase()] ?? 0);
  }
  return total;
}

function parseClock(match: RegExpExecArray, now: number, timeZone?: string): number | undefined {
  const [, monthName, day, year, hourText, minuteText, half, zoneName] = match;
  // A bare number, as in "resets 3 counters", is not a time.
  if (!half && !minuteText) return;
  let hour = Number(hourText);
  const minute = Number(minuteText ?? 0);
  if (half) hour = hour % 12 + (half.toLowerCase() === "pm" ? 12 : 0);
  if (hour > 23 || minute > 59) return;
  const zone = zoneName && isTimeZone(zoneName) ? zoneName : timeZone;
  const today = wallClock(now, zone);
  if (monthName) {
    const month = MONTHS.indexOf(monthName.toLowerCase());
    const at = (y: number) => fromWallClock(Date.UTC(y, month, Number(day), hour, minute), zone);
    if (year) return at(Number(year));
    const thisYear = new Date(today).getUTCFullYear();
    // In December, "Jan 2" is next year's.
    return at(thisYear) < now - DAY_MS ? at(thisYear + 1) : at(thisYear);
  }
  const midnight = today - today % DAY_MS;
  const time = midnight + hour * 60 * MINUTE_MS + minute * MINUTE_MS;
  const at = fromWallClock(time, zone);
  return at < now - JUST_PASSED_MS ? fromWallClock(time + DAY_MS, zone) : at;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The time on a clock in the zone at `time`, as if it were UTC. */
function wallClock(time: number, timeZone?: string): number {
  if (timeZone === undefined) return time - new Date(time).getTimezoneOffset() * MINUTE_MS;
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(time);
  const get = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return Date.UTC(
    get("year"),
    get("month") - 1,
    get("day"),
    get("hour"),
    get("minute"),
    get("second"),
  );
}

/** The time at which a clock in the zone shows `wall`. */
function fromWallClock(wall: number, timeZone?: string): number {
  // Twice, as the first guess may have the offset from the other side of a clock change.
  let time = wall;
  for (let i = 0; i < 2; i++) time = wall - (wallClock(time, timeZone) - time);
  return time;
}

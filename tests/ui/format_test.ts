import { assertEquals } from "@std/assert";
import { formatAgo, formatClock, formatDuration } from "../../lib/ui/text/times.ts";
import { countTokens, formatCost, formatCount, formatTokens } from "../../lib/ui/text/numbers.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

Deno.test("formatDuration() shows the two largest units", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [999, "0s"],
    [4 * SECOND, "4s"],
    [MINUTE - 1, "59s"],
    [MINUTE, "1m 00s"],
    [12 * MINUTE + 4 * SECOND, "12m 04s"],
    [HOUR - 1, "59m 59s"],
    [2 * HOUR + 31 * MINUTE + 59 * SECOND, "2h 31m"],
    [2 * HOUR + 5 * MINUTE, "2h 05m"],
    [DAY - 1, "23h 59m"],
    [3 * DAY + 4 * HOUR, "3d 4h"],
    [400 * DAY, "400d 0h"],
  ];
  for (const [ms, words] of cases) assertEquals(formatDuration(ms), words);
});

Deno.test("formatDuration() shows an invalid duration as 0s", () => {
  for (const ms of [-1, -DAY, NaN, Infinity, -Infinity]) assertEquals(formatDuration(ms), "0s");
});

Deno.test("formatDuration() has a form without spaces and one with a single unit", () => {
  assertEquals(formatDuration(6 * MINUTE + 40 * SECOND, { compact: true }), "6m40s");
  assertEquals(formatDuration(3 * DAY + 4 * HOUR, { compact: true }), "3d4h");
  assertEquals(formatDuration(31 * MINUTE + 40 * SECOND, { units: 1 }), "31m");
});

Deno.test("formatAgo() shows the largest unit", () => {
  assertEquals(formatAgo(9 * MINUTE + 59 * SECOND), "9m ago");
  assertEquals(formatAgo(3 * DAY), "3d ago");
  assertEquals(formatAgo(999), "just now");
  assertEquals(formatAgo(-HOUR), "just now");
});

Deno.test("formatClock() names the day unless it is today", () => {
  const now = Date.UTC(2026, 10, 20, 18, 2);
  const clock = (at: number, timeZone = "UTC") => formatClock(at, { now, timeZone });
  assertEquals(clock(now), "18:02");
  assertEquals(clock(Date.UTC(2026, 10, 20, 0, 5)), "00:05");
  assertEquals(clock(now + 14 * HOUR), "Sat 08:02");
  assertEquals(clock(now + 11 * DAY), "2026-12-01 18:02");
  assertEquals(clock(now + 5 * HOUR + 57 * MINUTE), "23:59");
  assertEquals(clock(now + 5 * HOUR + 57 * MINUTE, "Europe/Berlin"), "Sat 00:59");
  assertEquals(clock(NaN), "?");
  assertEquals(clock(1e300), "?");
});

Deno.test("formatClock() uses the system's time zone by default", () => {
  const at = new Date(2026, 10, 20, 20, 0).getTime();
  assertEquals(formatClock(at, { now: at }), "20:00");
});

Deno.test("formatCost() shows dollars and cents, and says that it is an estimate", () => {
  const cases: [number, string][] = [
    [0, "$0.00 est."],
    [0.004, "<$0.01 est."],
    [0.01, "$0.01 est."],
    [1.24, "$1.24 est."],
    [999.999, "$1,000.00 est."],
    [1234567.5, "$1,234,567.50 est."],
  ];
  for (const [usd, words] of cases) assertEquals(formatCost(usd), words);
});

Deno.test("formatCount() uses the singular only for one", () => {
  assertEquals(formatCount(0, "commit"), "0 commits");
  assertEquals(formatCount(1, "commit"), "1 commit");
  assertEquals(formatCount(2, "story", { plural: "stories" }), "2 stories");
});

Deno.test("formatTokens() shortens large numbers without jumps at the thresholds", () => {
  const cases: [number, string][] = [
    [0, "0 tokens"],
    [1, "1 token"],
    [999, "999 tokens"],
    [1000, "1k tokens"],
    [12_345, "12.3k tokens"],
    [99_949, "99.9k tokens"],
    [99_951, "100k tokens"],
    [999_499, "999k tokens"],
    [999_500, "1M tokens"],
    [1_234_567, "1.2M tokens"],
    [123_456_789, "123M tokens"],
  ];
  for (const [tokens, words] of cases) assertEquals(formatTokens(tokens), words);
});

Deno.test("countTokens() leaves out what came from the cache", () => {
  const usage = { inputTokens: 1, outputTokens: 20, cacheReadTokens: 300, cacheWriteTokens: 4000 };
  assertEquals(countTokens(usage), 4021);
});

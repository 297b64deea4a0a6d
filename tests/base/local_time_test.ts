import { assertEquals, assertThrows } from "@std/assert";
import { timeReader } from "../../lib/base/local_time.ts";

function read(text: string, timeZone: string): string | undefined {
  const instant = timeReader(timeZone)(text);
  return instant === undefined ? undefined : new Date(instant).toISOString();
}

Deno.test("timeReader() reads local times in the offset of their date", () => {
  const berlin = "Europe/Berlin";
  assertEquals(read("2026-01-23T13:08:22.123456", berlin), "2026-01-23T12:08:22.123Z");
  assertEquals(read("2026-07-23 13:08:22", berlin), "2026-07-23T11:08:22.000Z");
  assertEquals(read("2026-07-23 13:08", "UTC"), "2026-07-23T13:08:00.000Z");
  assertEquals(read("2026-07-23T13:08:00", "Asia/Kolkata"), "2026-07-23T07:38:00.000Z");
  assertEquals(read("2026-07-23", "America/New_York"), "2026-07-23T04:00:00.000Z");
});

Deno.test("timeReader() handles hours that occur twice or not at all in a zone", () => {
  const berlin = "Europe/Berlin";
  assertEquals(read("2026-10-25T02:30:00", berlin), "2026-10-25T00:30:00.000Z");
  assertEquals(read("2026-10-25T03:00:00", berlin), "2026-10-25T02:00:00.000Z");
  assertEquals(read("2026-03-29T02:30:00", berlin), "2026-03-29T01:30:00.000Z");
  assertEquals(read("2026-03-29T03:00:00", berlin), "2026-03-29T01:00:00.000Z");
  assertEquals(read("2026-03-29T01:59:59", berlin), "2026-03-29T00:59:59.000Z");
});

Deno.test("timeReader() prefers the zone that a time names", () => {
  assertEquals(read("2026-01-23T13:00:00Z", "Asia/Tokyo"), "2026-01-23T13:00:00.000Z");
  assertEquals(read("2026-01-23T13:00:00+0200", "Asia/Tokyo"), "2026-01-23T11:00:00.000Z");
  assertEquals(read("2026-01-23T13:00:00-05:30", "Asia/Tokyo"), "2026-01-23T18:30:00.000Z");
});

Deno.test("timeReader() rejects invalid times", () => {
  for (const text of ["", "yesterday", "2026-13-01T00:00:00", "2026-01-01T25:00:00", "12:00"]) {
    assertEquals(read(text, "UTC"), undefined);
  }
  assertThrows(() => timeReader("Mars/Olympus"), RangeError);
});

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { interleave, median, timeProgram } from "./measure.ts";
import { renderReport } from "./report.ts";

Deno.test("median() takes the middle, or the mean of the two in the middle", () => {
  assertEquals(median([3, 100, 1]), 3);
  assertEquals(median([4, 1, 2, 100]), 3);
  assertThrows(() => median([]), RangeError, "Cannot find the median of no numbers");
});

Deno.test("interleave() takes turns, and does not count the first round", async () => {
  const calls: string[] = [];
  const subject = (name: string, samples: number[]) => () => {
    calls.push(name);
    return Promise.resolve(samples.shift() ?? NaN);
  };
  const medians = await interleave(3, {
    a: subject("a", [1000, 3, 1, 2]),
    b: subject("b", [1000, 6, 5, 4]),
  });
  assertEquals(medians, { a: 2, b: 5 });
  assertEquals(calls.join(""), "abababab");
});

Deno.test("timeProgram() rejects when the program fails", async () => {
  await assertRejects(() => timeProgram(["false"]), Error, "Command failed: false");
});

Deno.test("renderReport() puts our number beside the reference", () => {
  const lines = renderReport([
    {
      what: "an iteration",
      ours: 12.345,
      reference: 1.2345,
      unit: "ms",
      reach: { words: "at most 5 ms over", met: false },
    },
    { what: "memory", ours: 123.4, unit: "MB" },
  ]);
  assertEquals(lines, [
    "MEASURED       OURS   REFERENCE   UNIT   REACH",
    "an iteration   12.3        1.23   ms     MISSED: at most 5 ms over",
    "memory          123           —   MB",
  ]);
});

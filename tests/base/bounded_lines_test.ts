import { assertEquals } from "@std/assert";
import { boundedLines } from "../../lib/base/bounded_lines.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("boundedLines() splits alike however the bytes are cut into chunks", async () => {
  const text = "one\r\n\ntwo é ✔\n\rthree\r";
  const whole = bytes(text);
  for (let size = 1; size <= whole.length; size++) {
    const chunks: Uint8Array[] = [];
    for (let i = 0; i < whole.length; i += size) chunks.push(whole.subarray(i, i + size));
    const lines = await Array.fromAsync(boundedLines(chunks));
    assertEquals(lines, ["one", "", "two é ✔", "\rthree"], `chunks of ${size}`);
  }
});

Deno.test("boundedLines() cuts a long line alike however it is cut into chunks", async () => {
  const whole = bytes("123456789\n12345\r\n1234é\nend");
  for (let size = 1; size <= whole.length; size++) {
    const chunks: Uint8Array[] = [];
    for (let i = 0; i < whole.length; i += size) chunks.push(whole.subarray(i, i + size));
    const lines = await Array.fromAsync(boundedLines(chunks, { maxBytes: 5 }));
    assertEquals(lines, ["12345", "12345", "1234", "end"], `chunks of ${size}`);
  }
});

Deno.test("boundedLines() gives no line for no bytes", async () => {
  assertEquals(await Array.fromAsync(boundedLines([])), []);
  assertEquals(await Array.fromAsync(boundedLines([bytes("a\n")])), ["a"]);
});

Deno.test("boundedLines() does not keep hold of a buffer that its source uses again", async () => {
  const buffer = bytes("abc");
  const lines = boundedLines((function* () {
    yield buffer;
    buffer.fill(120);
    yield bytes("\n");
  })());
  assertEquals(await Array.fromAsync(lines), ["abc"]);
});

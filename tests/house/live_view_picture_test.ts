import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { terminalSvg } from "../../tools/terminal_svg.ts";
import { tempDir } from "../kit/testing.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("docs/live_view.svg is what a real run of the demo draws, the same every time", async () => {
  const published = await readFile(new URL("docs/live_view.svg", ROOT), "utf8");
  await using dir = await tempDir();
  // A process of its own, and a user whose time zone and git are not ours.
  const env = { ...process.env, TZ: "Asia/Tokyo", GIT_AUTHOR_NAME: "Somebody else" };
  const picture = join(dir.path, "picture.svg");
  const args = ["run", "-A", "--quiet", "tools/write_picture.ts", picture];
  await promisify(execFile)(Deno.execPath(), args, { cwd: ROOT, env });
  assertEquals(
    await readFile(picture, "utf8"),
    published,
    "docs/live_view.svg is not what the live view looks like: run deno task picture",
  );
  for (const text of ["ralph/demo", "US-001", "running", "checkpoint"]) {
    assertStringIncludes(published, `>${text}</tspan>`);
  }
});

Deno.test("terminalSvg() puts every word into its column, in its colours", () => {
  const svg = terminalSvg(["日本 \x1b[1m\x1b[32mok\x1b[39m now\x1b[22m <&>", ""], {
    columns: 20,
    title: 'a "title"',
  });
  const words = [...svg.matchAll(/<tspan x="([\d.]+)" textLength="([\d.]+)"(.*?)>(.*?)<\/tspan>/g)]
    .map(([, ...parts]) => parts);
  assertEquals(words, [
    ["18", "33.6", "", "日本"],
    ["60", "16.8", ' class="bold green"', "ok"],
    ["85.2", "25.2", ' class="bold"', "now"],
    ["118.8", "25.2", "", "&lt;&amp;&gt;"],
  ]);
  assert(svg.includes('aria-label="a &quot;title&quot;"'), svg);
});

Deno.test("terminalSvg() throws for what it cannot draw", () => {
  assertThrows(() => terminalSvg(["\x1b[44mblue"], { columns: 9, title: "" }), RangeError, "44");
  assertThrows(() => terminalSvg(["\x1b[2Jcleared"], { columns: 9, title: "" }), RangeError);
});

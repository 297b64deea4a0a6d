import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { mkdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { PrdError } from "../../lib/task/prd/prd.ts";
import { PrdReader } from "../../lib/task/prd/prd_reader.ts";
import { readPrd } from "../../lib/task/prd/read_prd.ts";
import { restorePrd } from "../../lib/task/prd/edit_prd.ts";
import { tempDir } from "../kit/testing.ts";

const GOOD = '[{"id":"A"}]';

/** A clock that only advances when somebody waits, and that runs an action meanwhile. */
function clock(meanwhile: () => Promise<void> = () => Promise.resolve()) {
  let time = Date.now() + 60_000;
  let waits = 0;
  return {
    now: () => time,
    sleep: async (ms: number) => {
      time += ms;
      waits++;
      await meanwhile();
    },
    waits: () => waits,
  };
}

Deno.test("readPrd() names the file and the reason", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/prd.json`;
  await assertRejects(() => readPrd(file), PrdError, `Cannot read ${file}: there is no such file`);
  await mkdir(`${dir.path}/folder`);
  await assertRejects(() => readPrd(`${dir.path}/folder`), PrdError, "it is a folder");
  await writeFile(file, new Uint8Array([0x5b, 0x22, 0xe9, 0x22, 0x5d]));
  await assertRejects(() => readPrd(file, { name: "p" }), PrdError, "p is not valid UTF-8");
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(() => readPrd(file, { signal }), Error, "enough");
});

Deno.test("PrdReader reuses the reading of a file that has not changed", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/prd.json`;
  await writeFile(file, GOOD);
  const reader = new PrdReader(file, clock());
  const { prd, text, stale } = await reader.read();
  assertEquals([text, stale], [GOOD, undefined]);
  assertStrictEquals((await reader.read()).prd, prd);
  await writeFile(file, '[{"id":"B"}]');
  await utimes(file, 1, 1);
  assertEquals((await reader.read()).prd.stories[0]?.id, "B");
});

Deno.test("PrdReader reads a recently changed file again, even with the same time stamp", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/prd.json`;
  await writeFile(file, GOOD);
  const reader = new PrdReader(file, { now: () => 0 });
  const { prd } = await reader.read();
  await writeFile(file, '[{"id":"B"}]');
  assertEquals((await reader.read()).prd.stories[0]?.id, "B");
  await writeFile(file, GOOD);
  assert((await reader.read()).prd !== prd);
});

Deno.test("PrdReader waits for a file that is being written", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/prd.json`;
  await writeFile(file, '[{"id":');
  const time = clock(() => writeFile(file, GOOD));
  const { prd, stale } = await new PrdReader(file, time).read();
  assertEquals([prd.stories.length, stale, time.waits()], [1, undefined, 1]);
});

Deno.test("PrdReader falls back to the last good reading and says why", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/prd.json`;
  await writeFile(file, GOOD);
  const time = clock();
  const reader = new PrdReader(file, { ...time, name: "prd.json", retryMs: 200 });
  const { prd } = await reader.read();

  for (const text of ["", "null", '{"userStories":[', "{}"]) {
    await writeFile(file, text);
    const reading = await reader.read();
    assertStrictEquals(reading.prd, prd);
    assertEquals(reading.text, GOOD);
    assert(reading.stale instanceof PrdError);
  }
  assertEquals(time.waits(), 4 * 4);
  await rm(file);
  const { stale } = await reader.read();
  assertEquals(stale?.message, "Cannot read prd.json: there is no such file");

  await writeFile(file, '[{"id":"B"}]');
  const healed = await reader.read();
  assertEquals([healed.prd.stories[0]?.id, healed.stale], ["B", undefined]);
});

Deno.test("PrdReader throws if there never was a good reading", async () => {
  await using dir = await tempDir();
  const reader = new PrdReader(`${dir.path}/prd.json`, { ...clock(), retryMs: 100 });
  await assertRejects(() => reader.read(), PrdError, "there is no such file");
});

Deno.test("PrdReader stops waiting when it is aborted", async () => {
  await using dir = await tempDir();
  const reader = new PrdReader(`${dir.path}/prd.json`, { retryMs: 60_000 });
  const abort = new AbortController();
  const reading = reader.read({ signal: abort.signal });
  abort.abort(new Error("enough"));
  await assertRejects(() => reading, Error, "enough");
});

Deno.test("PrdReader keeps a copy of every good text", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/prd.json`;
  const goodCopy = `${dir.path}/state/prd.json`;
  await writeFile(file, `\uFEFF${GOOD}`);
  const reader = new PrdReader(file, { ...clock(), goodCopy, retryMs: 0 });
  await reader.read();
  assertEquals(await readFile(goodCopy, "utf8"), `\uFEFF${GOOD}`);
  await writeFile(file, "[");
  await reader.read();
  assertEquals(await readFile(goodCopy, "utf8"), `\uFEFF${GOOD}`);
});

Deno.test("restorePrd() restores the good copy, and keeps every broken file", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/prd.json`;
  const goodCopy = `${dir.path}/good.json`;
  await writeFile(goodCopy, GOOD);
  assertEquals(await restorePrd(file, goodCopy), { broken: null });
  for (const [count, name] of ["broken", "broken-2", "broken-3"].entries()) {
    await writeFile(file, `[${count}`);
    assertEquals(await restorePrd(file, goodCopy), { broken: `${file}.${name}` });
    assertEquals(await readFile(`${file}.${name}`, "utf8"), `[${count}`);
    assertEquals(await readFile(file, "utf8"), GOOD);
  }
});

Deno.test("restorePrd() refuses a broken copy, and changes nothing", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/prd.json`;
  await writeFile(file, "[1");
  await writeFile(`${dir.path}/good.json`, "[");
  await assertRejects(() => restorePrd(file, `${dir.path}/good.json`), PrdError, "not valid JSON");
  await assertRejects(() => restorePrd(file, `${dir.path}/none.json`), PrdError, "no such file");
  assertEquals(await readFile(file, "utf8"), "[1");
});

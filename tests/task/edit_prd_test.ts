import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { editJson } from "../../lib/task/prd/edit_json.ts";
import { editPrd, setStoryPasses } from "../../lib/task/prd/edit_prd.ts";
import { parsePrd } from "../../lib/task/prd/parse_prd.ts";
import { PrdError } from "../../lib/task/prd/prd.ts";
import { sharedPrds } from "../kit/shared_prds.ts";
import { tempDir } from "../kit/testing.ts";

const MIXED = readFileSync(new URL("../testdata/prd/mixed.json.txt", import.meta.url), "utf8");

Deno.test("editJson() changes only the bytes of the value", () => {
  for (const text of [MIXED, MIXED.replaceAll("\n", "\r\n"), `\uFEFF${MIXED}`, `${MIXED}\n\n`]) {
    const changed = editJson(text, ["tasks", 0, "passes"], true);
    assertEquals(changed, text.replace('"passes": false', '"passes": true'));
  }
});

Deno.test("editJson() adds a key in the style of its object", () => {
  const add = (text: string) => editJson(text, ["p"], true);
  assertEquals(add("{}"), '{"p": true}');
  assertEquals(add('{"a":1}'), '{"a":1,"p":true}');
  assertEquals(add('{ "a": 1 }'), '{ "a": 1, "p": true }');
  assertEquals(add('{"a" : 1, "b" : 2}'), '{"a" : 1, "b" : 2, "p" : true}');
  assertEquals(add('{\n\t"a": 1\n}'), '{\n\t"a": 1,\n\t"p": true\n}');
  assertEquals(add('{\r\n  "a": 1\r\n}\r\n'), '{\r\n  "a": 1,\r\n  "p": true\r\n}\r\n');
  assertEquals(add('\uFEFF{\n"a": [1,2]\n}'), '\uFEFF{\n"a": [1,2],\n"p": true\n}');
});

Deno.test("editJson() formats a list or an object like the rest of the file", () => {
  const list = ["make", "test"];
  assertEquals(
    editJson('{\r\n\t"a": 1\r\n}', ["checks"], list),
    '{\r\n\t"a": 1,\r\n\t"checks": [\r\n\t\t"make",\r\n\t\t"test"\r\n\t]\r\n}',
  );
  assertEquals(editJson('{"a":1}', ["a"], list), '{"a":["make","test"]}');
});

Deno.test("editJson() refuses a place that is not there", () => {
  assertThrows(() => editJson("{}", ["a", "b"], 1), RangeError);
  assertThrows(() => editJson("[]", [0], 1), RangeError);
  assertThrows(() => editJson('{"a":1}', ["a", "b"], 1), RangeError);
  assertThrows(() => editJson("{}", ["a"], undefined), TypeError);
});

Deno.test("editPrd() changes one field, and does not write if it is the same", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/prd.json`;
  await writeFile(file, MIXED);
  assertEquals(await editPrd(file, ["tasks", 1, "notes"], "ü"), true);
  assertEquals(await readFile(file, "utf8"), MIXED.replace('"a\\tb"', '"ü"'));
  const { ino } = await stat(file);
  assertEquals(await editPrd(file, ["tasks", 1, "notes"], "ü"), false);
  assertEquals((await stat(file)).ino, ino);
});

Deno.test("editPrd() refuses what it cannot do, and leaves the file as it was", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/prd.json`;
  const refused = async (text: string, path: (string | number)[], message: string) => {
    await writeFile(file, text);
    await assertRejects(() => editPrd(file, path, 1, { name: "p" }), PrdError, message);
    assertEquals(await readFile(file, "utf8"), text);
  };
  await refused("{", ["a"], "p is not valid JSON at line 1");
  await refused("// why\n{}", ["a"], "p is not valid JSON at line 1, column 1");
  await refused("", ["a"], "p is empty");
  await refused("{}", ["a", "b"], "Cannot set a.b in p: there is no a that could hold it");
  await refused('{"a":2,"a":3}', ["a"], "a key on its path appears more than once");
});

Deno.test("setStoryPasses() adds passes beside a status", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/prd.json`;
  await writeFile(file, MIXED);
  await setStoryPasses(file, "2", true);
  const text = await readFile(file, "utf8");
  const last = '"x": [null, -1, true]';
  assertEquals(text, MIXED.replace(last, `${last},\n\t\t\t"passes": true`));
  assertEquals(parsePrd(text).stories.map(({ passes }) => passes), [false, true]);
});

Deno.test("setStoryPasses() refuses an id that is missing or duplicate", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/prd.json`;
  const text = '[{"id":"A"},{"id":"A"},{}]';
  await writeFile(file, text);
  const set = (id: string) => () => setStoryPasses(file, id, true, { name: "p" });
  await assertRejects(set("B"), PrdError, 'Cannot change story "B" in p: there is no such story');
  await assertRejects(set("A"), PrdError, "2 stories have this id");
  assertEquals(await readFile(file, "utf8"), text);
  await set("3")();
  assertEquals(await readFile(file, "utf8"), '[{"id":"A"},{"id":"A"},{"passes": true}]');
});

Deno.test({
  name: "setStoryPasses() keeps every other byte of real files (if they are available)",
  ignore: !sharedPrds,
  fn: async () => {
    assert(sharedPrds);
    await using dir = await tempDir();
    const file = `${dir.path}/prd.json`;
    for (const name of readdirSync(sharedPrds)) {
      const text = readFileSync(new URL(name, sharedPrds), "utf8");
      for (const { id, passes, path } of parsePrd(text).stories) {
        await writeFile(file, text);
        await setStoryPasses(file, id, !passes, { fsync: false });
        const changed = await readFile(file, "utf8");
        const data = JSON.parse(text);
        const story = path.reduce((value, key) => value[key], data);
        if (Object.hasOwn(story, "passes")) {
          const start = commonStart(text, changed);
          const was = `${passes}`;
          const from = text.lastIndexOf(`"passes"`, start);
          assertEquals(text.slice(from).match(/^"passes":\s*(true|false)/)?.[1], was);
          const value = text.indexOf(was, from);
          assertEquals(changed, text.slice(0, value) + !passes + text.slice(value + was.length));
        } else {
          const start = commonStart(text, changed);
          const added = changed.slice(start, start + changed.length - text.length);
          assertEquals(changed.slice(0, start) + changed.slice(start + added.length), text);
          assertEquals(added.replace(/\s/g, ""), `,"passes":${!passes}`);
        }
        story.passes = !passes;
        assertEquals(JSON.parse(changed), data, `${name} ${id}`);
      }
    }
  },
});

function commonStart(a: string, b: string): number {
  let index = 0;
  while (index < a.length && a[index] === b[index]) index++;
  return index;
}

import { assertEquals } from "@std/assert";
import { readdir, readFile } from "node:fs/promises";

const LIB = new URL("../lib/", import.meta.url);

/** The rooms from the ground up: a file imports from its own floor and those below. */
const FLOORS = [["task", "opencode"], ["agent"], ["loop"], ["session"], ["rpc"], ["worker"], [
  "ui",
], ["cli"]];

Deno.test("no file of lib/ imports from a floor above its own", async () => {
  const floorOf = (room: string) => FLOORS.findIndex((rooms) => rooms.includes(room));
  const wrong: string[] = [];
  for (const room of FLOORS.flat()) {
    for (const file of await readdir(new URL(`${room}/`, LIB))) {
      if (!file.endsWith(".ts")) continue;
      const text = await readFile(new URL(`${room}/${file}`, LIB), "utf8");
      for (const [, other = ""] of text.matchAll(/(?:from|import\() ?"\.\.\/([a-z]+)\//g)) {
        if (floorOf(other) > floorOf(room)) wrong.push(`${room}/${file} imports ${other}`);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("no file of lib/ but those of cli uses Deno's own namespace, prints or exits", async () => {
  const wrong: string[] = [];
  for (const room of FLOORS.flat()) {
    for (const file of await readdir(new URL(`${room}/`, LIB))) {
      if (!file.endsWith(".ts")) continue;
      const text = await readFile(new URL(`${room}/${file}`, LIB), "utf8");
      const code = text.replace(/\/\*[^]*?\*\/|\/\/.*$/gm, "");
      if (/\bDeno\./.test(code)) wrong.push(`${room}/${file}: Deno`);
      if (room !== "cli" && /\b(console\.\w+|process\.exit)\(/.test(code)) {
        wrong.push(`${room}/${file}: prints or exits`);
      }
    }
  }
  assertEquals(wrong, []);
});

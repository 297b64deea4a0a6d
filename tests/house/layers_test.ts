import { assert, assertEquals } from "@std/assert";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join, relative, sep } from "node:path";

const LIB = fileURLToPath(new URL("../../lib/", import.meta.url));

/** The rooms from the ground up: a file imports from its own floor and those below. */
const FLOORS = [
  ["base"],
  ["git"],
  ["event"],
  ["task"],
  ["agent"],
  ["guard"],
  ["loop"],
  ["session"],
  ["rpc"],
  ["worker"],
  ["ui"],
  ["cli"],
];

/** Every module of lib/, its wings included, by its path there. */
async function modules(): Promise<{ path: string; text: string }[]> {
  const names = await readdir(LIB, { recursive: true });
  const paths = names.filter((name) => name.endsWith(".ts") && name.includes(sep));
  return await Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(join(LIB, path), "utf8") })),
  );
}

function floorOf(path: string): number {
  const floor = FLOORS.findIndex((rooms) => rooms.includes(path.split(sep)[0] ?? ""));
  assert(floor >= 0, `${path} is in a room without a floor`);
  return floor;
}

Deno.test("no file of lib/ imports from a floor above its own", async () => {
  const wrong: string[] = [];
  for (const { path, text } of await modules()) {
    for (const [, target = ""] of text.matchAll(/(?:from|import\() ?"(\.{1,2}\/[^"]+)"/g)) {
      const other = relative(LIB, join(LIB, path, "..", target));
      if (!other.includes(sep) || other.startsWith("..")) continue;
      if (floorOf(other) > floorOf(path)) wrong.push(`${path} imports ${other}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("no file of lib/ except cli uses the Deno namespace, prints or exits", async () => {
  const wrong: string[] = [];
  for (const { path, text } of await modules()) {
    const code = text.replace(/\/\*[^]*?\*\/|\/\/.*$/gm, "");
    if (/\bDeno\./.test(code)) wrong.push(`${path}: Deno`);
    if (!path.startsWith(`cli${sep}`) && /\b(console\.\w+|process\.exit)\(/.test(code)) {
      wrong.push(`${path}: prints or exits`);
    }
  }
  assertEquals(wrong, []);
});

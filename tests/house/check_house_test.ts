import { assertEquals, assertStringIncludes } from "@std/assert";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkHouse } from "../../tools/house/check_house.ts";
import { tempDir } from "../kit/testing.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url)).slice(0, -1);

/** Twenty lines of code, so that a module is not a fragment. */
const BODY = Array.from({ length: 20 }, (_, n) => `const line${n} = ${n};`).join("\n");

const GOOD: Record<string, string> = {
  "mod.ts": `/** A library. @module */
export { greet } from "./lib/base/greet.ts";
`,
  "cli.ts": `import "./lib/cli/main.ts";\n`,
  "lib/base/greet.ts": `/**
 * Greets.
 *
 * @example Usage
 * \`\`\`ts
 * greet();
 * \`\`\`
 */
export function greet(): void {}
`,
  "lib/cli/main.ts": `import { greet } from "../base/greet.ts";\n${BODY}\ngreet();\n`,
};

async function check(files: Record<string, string>): Promise<string[]> {
  await using dir = await tempDir();
  for (const [path, text] of Object.entries({ ...GOOD, ...files })) {
    await mkdir(dirname(join(dir.path, path)), { recursive: true });
    await writeFile(join(dir.path, path), text);
  }
  return await checkHouse(dir.path);
}

/** Checks a good house with one thing wrong in it. */
function finds(what: string, files: Record<string, string>, expected: string): void {
  Deno.test(`checkHouse() finds ${what}`, async () => {
    assertStringIncludes((await check(files)).join("\n"), expected);
  });
}

/** The doc comment and the export of a value with an example. */
function value(name: string): string {
  return `/** A value.\n * @example Usage\n * \`\`\`ts\n * ${name};\n * \`\`\`\n */\nexport const ${name} = 1;\n`;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

Deno.test("checkHouse() has nothing to say about this project", async () => {
  assertEquals(await checkHouse(ROOT), []);
});

Deno.test("checkHouse() has nothing to say about a house in order", async () => {
  assertEquals(await check({}), []);
});

finds("a circle, types included", {
  "lib/base/greet.ts": `${GOOD["lib/base/greet.ts"]}import type { A } from "./a.ts";\n`,
  "lib/base/a.ts": `import { greet } from "./greet.ts";\nexport type A = typeof greet;\n${BODY}`,
}, "circle: lib/base/a.ts, lib/base/greet.ts");

finds("an import from a floor above", {
  "lib/base/greet.ts": `import "../git/git.ts";\n${GOOD["lib/base/greet.ts"]}`,
  "lib/git/git.ts": BODY,
}, "upward import: lib/base/greet.ts imports lib/git/git.ts");

finds("an import of the roof, made late", {
  "lib/base/greet.ts": `${GOOD["lib/base/greet.ts"]}await import("../../cli.ts");\n`,
}, "upward import: lib/base/greet.ts imports cli.ts");

finds("a room that has no floor", { "lib/attic/box.ts": BODY }, "unknown room: lib/attic/box.ts");

finds(
  "a folder with more than 20 files",
  Object.fromEntries(numbers(21).map((n) => [`lib/git/file${n}.ts`, BODY])),
  "full folder: lib/git has 21 files",
);

finds("a fragment: few lines and one importer", {
  "lib/cli/main.ts": `import "./piece.ts";\n${GOOD["lib/cli/main.ts"]}`,
  "lib/cli/piece.ts": "export const piece = 1;\n",
}, "fragment: lib/cli/piece.ts has 1 lines of code, all for lib/cli/main.ts");

finds("a file that nothing imports", { "lib/git/lost.ts": "" }, "unused file: lib/git/lost.ts");

finds("more than 90 public values", {
  "mod.ts": `${numbers(91).map((n) => value(`value${n}`)).join("")}\nimport "./lib/base/greet.ts";`,
}, "public values: mod.ts has 91");

finds("more than 150 public types", {
  "mod.ts": `${GOOD["mod.ts"]}${
    numbers(151).map((n) => `/** A type. */\nexport type T${n} = ${n};\n`).join("")
  }`,
}, "public types: mod.ts has 151");

finds("a public value without an example", {
  "lib/base/greet.ts": "/** Greets. */\nexport function greet(): void {}\n",
}, "no example: greet");

finds("a public type that is a database row's", {
  "mod.ts": `${GOOD["mod.ts"]}export type { Row } from "./lib/session/registry/session_row.ts";\n`,
  "lib/session/registry/session_row.ts": `/** A row. */\nexport type Row = string;\n${BODY}`,
}, "inner: Row is a row of the database");

finds("a type that is part of an export and not exported", {
  "lib/base/greet.ts": GOOD["lib/base/greet.ts"]?.replace("(): void", "(_: Hidden): void") +
    "interface Hidden {\n  a: 1;\n}\n",
}, "error[private-type-ref]");

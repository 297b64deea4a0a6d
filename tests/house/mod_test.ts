import { assertEquals } from "@std/assert";
import { readFile } from "node:fs/promises";

const ROOT = new URL("../../", import.meta.url);

Deno.test("mod.ts does nothing but export, unless it is what was started", async () => {
  const text = await readFile(new URL("mod.ts", ROOT), "utf8");
  const [, code = ""] = text.split(/^ \*\/\n/m);
  const lines = code.replaceAll(/\{[^}]*\}/g, "{}").split("\n").filter((line) => line !== "");
  const others = lines.filter((line) => !/^export (\*|(type )?\{\}) from "\.\//.test(line));
  assertEquals(others.filter((line) => !/^(\/\/ |if \(import\.meta\.main\) )/.test(line)), []);
});

import { assertEquals, assertThrows } from "@std/assert";
import { npmDependencies, npmManifest } from "../../tools/npm_manifest.ts";

const CONFIG = {
  name: "@ralph/cli",
  version: "1.2.3",
  license: "MIT",
  imports: {
    "@ralph/cli": "./mod.ts",
    "@std/cli": "npm:deno-std@1.4.0/cli/parse_args.js",
    "@clack/prompts": "npm:@clack/prompts@^1.9.0",
    "zod": "npm:zod@^4.6.7",
    "unused": "npm:unused@^1.0.0",
  },
};

Deno.test("npmDependencies() leaves out names that npm does not know", () => {
  assertEquals(npmDependencies(CONFIG), {
    "@clack/prompts": "^1.9.0",
    zod: "^4.6.7",
    unused: "^1.0.0",
  });
});

Deno.test("npmManifest() depends only on imported packages and the types of Node", () => {
  const { dependencies, version, bin } = npmManifest(CONFIG, {
    scripts: ["node:fs", "./chunk.js", "zod/mini", "zod", "@clack/prompts"],
    types: ["zod"],
    files: [],
  });
  assertEquals(dependencies, {
    "@types/node": ">=24",
    "@clack/prompts": "^1.9.0",
    zod: "^4.6.7",
  });
  assertEquals([version, bin], ["1.2.3", { ralph: "cli.js" }]);
});

Deno.test("npmManifest() refuses an alias that was not bundled", () => {
  assertThrows(
    () => npmManifest(CONFIG, { scripts: ["@std/cli"], types: [], files: [] }),
    TypeError,
    'Cannot make package.json: "@std/cli" is not in imports.json',
  );
});

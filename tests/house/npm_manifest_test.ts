import { assert, assertEquals, assertThrows } from "@std/assert";
import { npmManifest, OPTIONAL_PACKAGES } from "../../tools/npm_manifest.ts";
import { installLine, PTY_PACKAGES } from "../../lib/agent/pty/pty_packages.ts";
import config from "../../imports.json" with { type: "json" };

const CONFIG = { name: "@ralph/cli", version: "1.2.3", license: "MIT", imports: config.imports };

Deno.test("npmManifest() makes nobody install anything", () => {
  const manifest = npmManifest(CONFIG, {
    scripts: ["node:fs", "./chunk.js", "@xterm/headless"],
    types: [],
    files: [],
  });
  assertEquals(manifest.dependencies, undefined);
  assertEquals(manifest.peerDependencies, {
    "@types/node": "^24",
    "@lydell/node-pty": "~1.1.0",
    "@xterm/addon-serialize": "~0.14.0",
    "@xterm/headless": "~6.0.0",
  });
  for (const meta of Object.values(manifest.peerDependenciesMeta as object)) {
    assertEquals(meta, { optional: true });
  }
  assertEquals([manifest.version, manifest.bin], ["1.2.3", { ralph: "bin.cjs" }]);
});

Deno.test("npmManifest() refuses a package that was not bundled", () => {
  assertThrows(
    () => npmManifest(CONFIG, { scripts: ["zod/mini"], types: [], files: [] }),
    TypeError,
    'Cannot make package.json: "zod" is neither bundled nor in OPTIONAL_PACKAGES',
  );
  assertThrows(
    () => npmManifest(CONFIG, { scripts: [], types: ["@std/cli"], files: [] }),
    TypeError,
    '"@std/cli"',
  );
});

Deno.test("PTY_PACKAGES are the optional packages, in the versions that are tested", () => {
  const targets: Record<string, string> = config.imports;
  const pinned = OPTIONAL_PACKAGES.map((name) => targets[name]);
  assertEquals(PTY_PACKAGES.map((name) => `npm:${name}`).toSorted(), pinned.toSorted());
});

Deno.test("installLine() is what npx, npm or Deno takes", () => {
  const all = PTY_PACKAGES.join(" ");
  const of = (url: string) => installLine(url, false);
  assertEquals(of("file:///app/node_modules/@ralph/cli/chunk-A.js"), `npm install ${all}`);
  for (const root of ["/usr/lib/node_modules", "/C:/Users/me/AppData/Roaming/npm/node_modules"]) {
    assertEquals(of(`file://${root}/@ralph/cli/mod.js`), `npm install --global ${all}`);
  }
  const npx = of("file:///home/me/.npm/_npx/1f/node_modules/@ralph/cli/mod.js");
  assert(/^npx -p @ralph\/cli( -p @[\w@./-]+){3} ralph \.\.\.$/.test(npx), npx);
  const lines = [
    "https://jsr.io/@ralph/cli/1.0.0/lib/a.ts",
    "file:///npm/@ralph/cli/1.0.0/mod.js",
  ].map((url) => installLine(url, true));
  assertEquals(lines[0], `deno cache ${PTY_PACKAGES.map((name) => `npm:${name}`).join(" ")}`);
  assertEquals(lines[1], "deno run -A jsr:@ralph/cli ...");
});

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { execFile } from "node:child_process";
import { chmod, cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { absoluteLinks } from "../../tools/absolute_links.ts";
import { buildJsr, jsrImports, lazyImports } from "../../tools/build_jsr.ts";
import { describeCompileError } from "../../tools/compile.ts";
import { installedScript } from "../../tools/install.ts";
import { bundledPackages, licenseTexts, withoutMachinePaths } from "../../tools/third_party.ts";
import { VERSION } from "../../lib/version.ts";
import config from "../../deno.json" with { type: "json" };
import imports from "../../imports.json" with { type: "json" };
import { tempDir } from "../kit/testing.ts";

const run = promisify(execFile);

Deno.test("absoluteLinks() leads from the page of a package to the repository", () => {
  const target = { repository: "https://github.com/a/b", ref: "v1.0.0" };
  const of = (markdown: string) => absoluteLinks(markdown, target);
  const file = "https://github.com/a/b/blob/v1.0.0/";
  const raw = "https://raw.githubusercontent.com/a/b/v1.0.0/";
  assertEquals(
    of("[`x`](docs/x.md#y) [z](./z.md)"),
    `[\`x\`](${file}docs/x.md#y) [z](${file}z.md)`,
  );
  assertEquals(of("![live](docs/live.svg)"), `![live](${raw}docs/live.svg)`);
  assertEquals(
    of('[![live](live.svg "L")](docs/live.md)'),
    `[![live](${raw}live.svg "L")](${file}docs/live.md)`,
  );
  assertEquals(of('<img alt="" src="a.svg">'), `<img alt="" src="${raw}a.svg">`);
  assertEquals(of('<a href="docs/">'), `<a href="${file}docs/">`);
  assertEquals(of("[docs]: docs/a.md"), `[docs]: ${file}docs/a.md`);
  const same = "[top](#top) [site](https://a.example) `[a](b.md)` <me@a.example>\n" +
    "```md\n[a](b.md)\n```\n";
  assertEquals(of(same), same);
});

Deno.test("licenseTexts() passes on every license, and refuses to guess one", async () => {
  await using dir = await tempDir();
  const packages = ["@a/b/1.0.0", "c/2.0.0", "deno-std/1.4.0"].map((path) =>
    join(dir.path, "npm/registry.example", path)
  );
  const root = join(dir.path, "checkout");
  for (const path of packages) {
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "package.json"), '{"license":"MIT"}');
  }
  const [first = "", second = ""] = packages;
  await writeFile(join(first, "LICENSE.md"), "The words of a/b\n");
  const comment = (path: string, file: string) => `// ../${relative(dir.path, path)}/${file}\n`;
  const script = packages.map((path) => `${comment(path, "x.js")}${comment(path, "y.js")}f();\n`)
    .join("");
  const found = bundledPackages(script, root);
  assertEquals(found.length, 6);
  await assertRejects(() => licenseTexts(found), TypeError, "the license of c");
  await writeFile(join(second, "LICENCE"), "The words of c\n");
  const text = await licenseTexts(found);
  for (const words of ["The words of a/b", "The words of c", "the Deno authors"]) {
    assertEquals(text.split(words).length, 2, words);
  }
  assertStringIncludes(withoutMachinePaths(script), "// @a/b@1.0.0/x.js\n");
  assert(!withoutMachinePaths(script).includes("registry.example"));
});

Deno.test("describeCompileError() says that the base program cannot be downloaded", () => {
  const url = "https://dl.deno.land/release/v2.9.6/denort-x86_64-unknown-linux-gnu.zip";
  const words = describeCompileError(
    `error: Writing deno compile executable to temporary file\n\nCaused by:\n` +
      `    0: Setting up base binary.\n    1: error sending request for url (${url}): client error`,
  ) ?? "";
  assertStringIncludes(words, "error: Cannot download the base program");
  assertStringIncludes(words, url);
  assertEquals(describeCompileError("error: The lockfile is out of date."), undefined);
});

Deno.test("installedScript() starts a checkout of any name, held to the lock", async () => {
  await using dir = await tempDir();
  const root = join(dir.path, "it's a $HOME");
  await mkdir(root);
  await writeFile(join(root, "deno.json"), "{}");
  await writeFile(join(root, "deno.lock"), '{"version":"5"}');
  await writeFile(join(root, "cli.ts"), "console.log(Deno.args.join('|'))");
  const script = join(dir.path, "ralph");
  await writeFile(script, installedScript(process.execPath, root));
  await chmod(script, 0o755);
  const { stdout } = await run(script, ["run", "a b"], { cwd: dir.path });
  assertEquals(stdout, "run|a b\n");
  assertStringIncludes(await readFile(script, "utf8"), " --frozen ");
});

Deno.test("the tasks that build and install are held to the lock", () => {
  const { npm, jsr, compile, install } = config.tasks;
  for (const { command } of [npm, jsr, compile, install]) {
    assertStringIncludes(command, "--lock=deno.lock --frozen");
  }
});

Deno.test("jsrImports() takes std from JSR, and refuses what is not published", () => {
  assertEquals(jsrImports(imports.imports, ["zod", "@std/cli", "zod"]), {
    "@std/cli": "jsr:@std/cli@1.0.28/parse-args",
    zod: imports.imports.zod,
  });
  for (const name of ["@ralph/cli", "left-pad"]) {
    assertThrows(() => jsrImports(imports.imports, [name]), TypeError, `"${name}"`);
  }
});

Deno.test("lazyImports() leaves only what is imported at the top to be followed", () => {
  const lazy = lazyImports(
    'import a from "./a.ts";\n// import("../no.ts")\nawait import("../b.ts");\nawait import("p");\n' +
      'await import("node:http");\nawait import(a);\n',
    { p: "npm:p@1.0.0" },
  );
  assertEquals(
    lazy,
    'import a from "./a.ts";\n// import("../no.ts")\n' +
      'await (import(new URL("../b.ts", import.meta.url).href) as Promise<typeof import("../b.ts")>);\n' +
      'await (import(String("npm:p@1.0.0")) as ' +
      'Promise<typeof import("npm:p@1.0.0") & { default: typeof import("npm:p@1.0.0") }>);\n' +
      'await import("node:http");\nawait import(a);\n',
  );
});

Deno.test("buildJsr() makes a package whose commands load what they use, and no more", async () => {
  await using dir = await tempDir();
  const built = join(dir.path, "jsr");
  await buildJsr(built);
  const { version, imports: names } = JSON.parse(await readFile(join(built, "deno.json"), "utf8"));
  assertEquals(version, VERSION);
  assert(Object.values<string>(names).every((name) => !name.includes("deno-std")), "std is JSR's");
  assertEquals((await readdir(join(built, "lib"))).includes("std.d.ts"), false);

  // JSR is not always in reach: the stand-in takes its place, as in a checkout.
  const standIn = join(dir.path, "stand_in");
  await cp(built, standIn, { recursive: true });
  const file = join(standIn, "deno.json");
  const own = JSON.parse(await readFile(file, "utf8"));
  const targets: Record<string, string> = imports.imports;
  for (const name of Object.keys(own.imports)) own.imports[name] = targets[name];
  await writeFile(file, JSON.stringify(own));
  const { stdout } = await run(process.execPath, ["info", "--json", "--no-lock", "mod.ts"], {
    cwd: standIn,
    maxBuffer: 2 ** 26,
  });
  const loaded = packagesOf(JSON.parse(stdout));
  assert(
    loaded.has(imports.imports.zod),
    `the library needs zod, and loads ${[...loaded].join(" ")}`,
  );
  for (const name of ["@lydell/node-pty", "@xterm", "@opencode-ai/sdk", "@clack/prompts"]) {
    for (const specifier of loaded) assert(!specifier.includes(name), specifier);
  }
  const help = await run(process.execPath, ["run", "-A", "--no-lock", "cli.ts", "--help"], {
    cwd: standIn,
  });
  assertStringIncludes(help.stdout, "ralph runs a coding agent");
});

interface ModuleGraph {
  roots: string[];
  modules: {
    specifier: string;
    dependencies?: { code?: { specifier?: string } }[];
  }[];
}

/** The packages that Deno downloads before the first line runs: what only types name is not. */
function packagesOf({ roots, modules }: ModuleGraph): Set<string> {
  const found = new Set(roots);
  for (const specifier of found) {
    const module = modules.find((each) => each.specifier === specifier);
    for (const { code } of module?.dependencies ?? []) {
      if (code?.specifier !== undefined) found.add(code.specifier);
    }
  }
  return new Set([...found].filter((specifier) => specifier.startsWith("npm:")));
}

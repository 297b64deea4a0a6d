/**
 * Builds the npm package in `npm/`: bundled for Node, with declarations.
 *
 * Run with `deno task npm [folder]`; then `npm pack ./npm` or `npm publish ./npm`.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { chmod, cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { absoluteLinks } from "./absolute_links.ts";
import { emitDeclarations } from "./emit_declarations.ts";
import { type DenoConfig, npmManifest, OPTIONAL_PACKAGES, REPOSITORY } from "./npm_manifest.ts";
import { bundledPackages, licenseTexts, withoutMachinePaths } from "./third_party.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What cli.ts loads by its name, which the bundler does not see. */
const MAIN = "lib/cli/main.ts";

/** Copied as they are. */
const ASSETS = ["LICENSE", "schemas"];

/** The command, in a syntax that every Node can read. */
const BIN = ["bin.cjs", "start.cjs"];

/** What is named in a script by the path of its source, and is another file in the package. */
const RENAMED: Record<string, string> = {
  "./cli.ts": "./bin.cjs",
  [`./${MAIN}`]: `./${MAIN.replace(/ts$/, "js")}`,
};

/**
 * Builds the npm package.
 *
 * @param outDir The folder to build it in; what is in it goes.
 * @throws {Error} If `deno bundle` fails, or a file is missing.
 */
export async function buildNpm(outDir: string): Promise<void> {
  const config: DenoConfig = {
    ...JSON.parse(await readFile(join(ROOT, "deno.json"), "utf8")),
    ...JSON.parse(await readFile(join(ROOT, "imports.json"), "utf8")),
  };
  await rm(outDir, { recursive: true, force: true });
  // The library is one file, and so quickly read. The command is many: it loads what it runs.
  await bundle(["mod.ts"], [`--output=${join(outDir, "mod.js")}`, "--external=./cli.ts"]);
  await bundle(["cli.ts", MAIN], ["--code-splitting", `--outdir=${outDir}`]);
  const packages = [];
  const imported = new Set<string>();
  for (const file of await readdir(outDir, { recursive: true })) {
    if (!file.endsWith(".js")) continue;
    const path = join(outDir, file);
    const script = await readFile(path, "utf8");
    packages.push(...bundledPackages(script, ROOT));
    let text = ascii(withoutMachinePaths(script));
    if (file === "cli.js") text = withRenamedFiles(text).replace(/^#!.*\n/, "");
    if (file === "mod.js") text = text.replaceAll('import("./cli.ts")', 'import("./cli.js")');
    for (const { fileName } of ts.preProcessFile(text).importedFiles) imported.add(fileName);
    await writeFile(path, text);
  }
  await writeFile(join(outDir, "THIRD_PARTY_LICENSES"), await licenseTexts(packages));

  const types = new Set<string>();
  for (const entry of ["mod", "cli"]) {
    for (const name of await declare(entry, join(outDir, "types"))) types.add(name);
  }
  for (const name of ASSETS) await cp(join(ROOT, name), join(outDir, name), { recursive: true });
  for (const name of BIN) await cp(join(ROOT, "tools/npm", name), join(outDir, name));
  await chmod(join(outDir, "bin.cjs"), 0o755);
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  await writeFile(
    join(outDir, "README.md"),
    absoluteLinks(readme, { repository: REPOSITORY, ref: `v${config.version}` }),
  );
  const manifest = npmManifest(config, {
    scripts: imported,
    types,
    files: ["*.js", "*.cjs", "lib", "types", "schemas", "THIRD_PARTY_LICENSES"],
  });
  await writeFile(join(outDir, "package.json"), JSON.stringify(manifest, null, 2) + "\n");
}

async function bundle(entries: string[], options: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [
    ...["bundle", "--quiet", "--platform=deno", "--lock=deno.lock", "--frozen", ...options],
    ...OPTIONAL_PACKAGES.map((name) => `--external=${name}`),
    ...entries,
  ], { cwd: ROOT });
}

/** Declares `mod` or `cli`, and all that it names. */
async function declare(entry: string, outDir: string): Promise<Set<string>> {
  const named = await emitDeclarations(`${entry}.ts`, { root: ROOT, outDir });
  // AbortSignal and the like are global: a project of its own has them from here.
  const index = join(outDir, `${entry}.d.ts`);
  const declarations = (await readFile(index, "utf8")).replace(/^#!.*\n/, "");
  await writeFile(index, `/// <reference types="node" />\n${declarations}`);
  return named;
}

/** Node reads a file of plain ASCII in two thirds of the time: it is kept in bytes, not in pairs. */
function ascii(script: string): string {
  return script.replaceAll(
    // deno-lint-ignore no-control-regex -- all that is not ASCII
    /[^\x00-\x7f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function withRenamedFiles(script: string): string {
  let text = script;
  for (const [source, file] of Object.entries(RENAMED)) {
    if (!text.includes(`"${source}"`)) throw new Error(`Cannot find "${source}" in cli.js`);
    text = text.replaceAll(`"${source}"`, `"${file}"`);
  }
  return text;
}

if (import.meta.main) {
  const outDir = resolve(process.argv[2] ?? join(ROOT, "npm"));
  await buildNpm(outDir);
  // deno-lint-ignore no-console -- the report of a tool
  console.log(`Built ${outDir}`);
}

/**
 * Builds the npm package in `npm/`: bundled for Node 24, with declarations.
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
import { emitDeclarations } from "./emit_declarations.ts";
import { type DenoConfig, npmDependencies, npmManifest } from "./npm_manifest.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Modules that cli.ts loads by a computed name, which the bundler does not see. */
const MAIN = "lib/cli/main.ts";

/** Copied as they are. */
const ASSETS = ["README.md", "LICENSE", "schemas"];

/**
 * Builds the npm package.
 *
 * @param outDir The folder to build it in; its contents are deleted.
 * @throws {Error} If `deno bundle` fails, or a file is missing.
 */
export async function buildNpm(outDir: string): Promise<void> {
  const config: DenoConfig = {
    ...JSON.parse(await readFile(join(ROOT, "deno.json"), "utf8")),
    ...JSON.parse(await readFile(join(ROOT, "imports.json"), "utf8")),
  };
  await rm(outDir, { recursive: true, force: true });
  await bundle(outDir, Object.keys(npmDependencies(config)));
  const cli = join(outDir, "cli.js");
  const command = await readFile(cli, "utf8");
  const main = MAIN.replace(/ts$/, "js");
  if (!command.includes(`./${MAIN}`)) throw new Error(`Cannot find ./${MAIN} in cli.js`);
  await writeFile(
    cli,
    command.replace(/^#!.*/, "#!/usr/bin/env node").replace(`./${MAIN}`, `./${main}`),
  );
  await chmod(cli, 0o755);

  const typesDir = join(outDir, "types");
  const types = await emitDeclarations("mod.ts", { root: ROOT, outDir: typesDir });
  // Types of globals such as AbortSignal come from here.
  const index = join(typesDir, "mod.d.ts");
  const declarations = await readFile(index, "utf8");
  await writeFile(index, `/// <reference types="node" />\n${declarations}`);
  const scripts = new Set<string>();
  const bundled = (await readdir(outDir)).filter((name) => name.endsWith(".js"));
  for (const file of [...bundled, main]) {
    const text = await readFile(join(outDir, file), "utf8");
    for (const { fileName } of ts.preProcessFile(text).importedFiles) scripts.add(fileName);
  }
  for (const name of ASSETS) await cp(join(ROOT, name), join(outDir, name), { recursive: true });
  const manifest = npmManifest(config, {
    scripts,
    types,
    files: ["*.js", "lib", "types", "schemas"],
  });
  await writeFile(join(outDir, "package.json"), JSON.stringify(manifest, null, 2) + "\n");
}

async function bundle(outDir: string, external: string[]): Promise<void> {
  const args = ["bundle", "--quiet", "--code-splitting", "--platform=deno", `--outdir=${outDir}`];
  await promisify(execFile)(
    process.execPath,
    [...args, ...external.map((name) => `--external=${name}`), "mod.ts", "cli.ts", MAIN],
    { cwd: ROOT },
  );
}

if (import.meta.main) {
  const outDir = resolve(process.argv[2] ?? join(ROOT, "npm"));
  await buildNpm(outDir);
  // deno-lint-ignore no-console -- the report of a tool
  console.log(`Built ${outDir}`);
}

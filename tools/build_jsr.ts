/**
 * Writes the JSR package in `dist/jsr`, and checks it: `deno task jsr [folder]`, then
 * `deno publish` in that folder.
 *
 * It is the sources, but for two things. `@std/*` are the packages of JSR: the copy of them on npm
 * is only the stand-in for where JSR cannot be reached. And what is imported on demand is named in
 * such a way that Deno does not download it for a command that does not use it; deno.json's
 * `lazy-dynamic-imports` does that in a checkout, and has no effect in a package.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { absoluteLinks } from "./absolute_links.ts";
import { REPOSITORY } from "./npm_manifest.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Types of the stand-in; the packages of JSR have their own. */
const STAND_IN_TYPES = "lib/std.d.ts";

/** The packages of JSR that hold what is used of the stand-in. */
const STD: Record<string, string> = {
  "@std/assert": "jsr:@std/assert@1.0.19",
  "@std/cli": "jsr:@std/cli@1.0.28/parse-args",
  "@std/path": "jsr:@std/path@1.1.4",
  "@std/streams": "jsr:@std/streams@1.0.17",
  "@std/text": "jsr:@std/text@1.0.19/levenshtein-distance",
  "@std/toml": "jsr:@std/toml@1.0.11/parse",
  "@std/ulid": "jsr:@std/ulid@1.0.0/ulid",
};

/**
 * Says where the imports of the JSR package lead to.
 *
 * @param imports Those of the checkout, and what they stand for.
 * @param used The names that the package imports.
 * @returns What the names stand for.
 * @throws {TypeError} If one of them has no package on JSR or npm.
 */
export function jsrImports(
  imports: Record<string, string>,
  used: Iterable<string>,
): Record<string, string> {
  const found = [...new Set(used)].sort().map((name): [string, string] => {
    const target = STD[name] ?? imports[name];
    if (target === undefined || /^(\.|npm:deno-std@)/.test(target)) {
      throw new TypeError(`Cannot publish an import of "${name}": add its package to STD`);
    }
    return [name, target];
  });
  return Object.fromEntries(found);
}

/**
 * Names what a module imports on demand in such a way that nothing follows it before it is run.
 *
 * @param source The module.
 * @param targets What the names of packages stand for: there is no import map on JSR.
 * @returns The module, with the same types.
 */
export function lazyImports(source: string, targets: Record<string, string>): string {
  const file = ts.createSourceFile("module.ts", source, ts.ScriptTarget.ESNext, true);
  const calls: ts.CallExpression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      calls.push(node);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  let text = source;
  for (const call of calls.reverse()) {
    const [argument] = call.arguments;
    if (argument === undefined || !ts.isStringLiteral(argument)) continue;
    const name = argument.text;
    if (name.startsWith("node:")) continue;
    const own = name.startsWith(".");
    const target = JSON.stringify(own ? name : targets[name] ?? name);
    const url = own ? `new URL(${target}, import.meta.url).href` : `String(${target})`;
    const module = `typeof import(${target})`;
    // A package in CommonJS has a default that its own types do not name.
    const type = own ? module : `${module} & { default: ${module} }`;
    const lazy = `(import(${url}) as Promise<${type}>)`;
    text = text.slice(0, call.getStart()) + lazy + text.slice(call.end);
  }
  return text;
}

/**
 * Writes the JSR package.
 *
 * @param outDir The folder to write it in; what is in it goes.
 * @throws {TypeError} If something is imported that cannot be published.
 */
export async function buildJsr(outDir: string): Promise<void> {
  const { name, version, license, exports, publish, compilerOptions } = JSON.parse(
    await readFile(join(ROOT, "deno.json"), "utf8"),
  );
  const { imports } = JSON.parse(await readFile(join(ROOT, "imports.json"), "utf8"));
  await rm(outDir, { recursive: true, force: true });
  await mkdir(outDir, { recursive: true });
  for (const file of ["mod.ts", "cli.ts", "lib", "schemas", "LICENSE"]) {
    await cp(join(ROOT, file), join(outDir, file), { recursive: true });
  }
  await rm(join(outDir, STAND_IN_TYPES));
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const pages = absoluteLinks(readme, { repository: REPOSITORY, ref: `v${version}` });
  await writeFile(join(outDir, "README.md"), pages);

  const used = new Set<string>();
  const modules = new Map<string, string>();
  for (const file of await readdir(outDir, { recursive: true })) {
    if (!file.endsWith(".ts")) continue;
    const source = await readFile(join(outDir, file), "utf8");
    modules.set(file, source);
    for (const { fileName } of ts.preProcessFile(source).importedFiles) {
      if (!/^(\.|node:)/.test(fileName)) used.add(fileName);
    }
  }
  const targets = jsrImports(imports, used);
  for (const [file, source] of modules) {
    await writeFile(join(outDir, file), lazyImports(source, targets));
  }
  const { types: _, ...options } = compilerOptions;
  const config = {
    ...{ name, version, license, exports },
    imports: targets,
    publish,
    compilerOptions: options,
  };
  await writeFile(join(outDir, "deno.json"), JSON.stringify(config, null, 2) + "\n");
}

/**
 * Checks the types of the JSR package and goes through its publication, with the stand-in in the
 * place of the packages of JSR: so it needs no network.
 *
 * @param jsrDir The package.
 * @throws {Error} If it has an error; its `stderr` has the words.
 */
export async function checkJsr(jsrDir: string): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "ralph-jsr-"));
  try {
    await cp(jsrDir, dir, { recursive: true });
    await mkdir(dirname(join(dir, STAND_IN_TYPES)), { recursive: true });
    await cp(join(ROOT, STAND_IN_TYPES), join(dir, STAND_IN_TYPES));
    const file = join(dir, "deno.json");
    const config = JSON.parse(await readFile(file, "utf8"));
    const { imports } = JSON.parse(await readFile(join(ROOT, "imports.json"), "utf8"));
    for (const name of Object.keys(config.imports)) config.imports[name] = imports[name];
    config.compilerOptions.types = [`./${STAND_IN_TYPES}`];
    await writeFile(file, JSON.stringify(config));
    const deno = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: dir });
    await deno("check", "--quiet", "mod.ts", "cli.ts", "lib/cli/main.ts");
    await deno("publish", "--dry-run", "--allow-dirty", "--quiet");
  } finally {
    await rm(dir, { recursive: true });
  }
}

if (import.meta.main) {
  const outDir = resolve(process.argv[2] ?? join(ROOT, "dist", "jsr"));
  await buildJsr(outDir);
  await checkJsr(outDir).catch((error: { stderr?: string }) => {
    process.stderr.write(error.stderr ?? `${error}\n`);
    process.exitCode = 1;
  });
  // deno-lint-ignore no-console -- the report of a tool
  console.log(`Wrote ${relative(process.cwd(), outDir) || "."}: deno publish there publishes it`);
}

import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

/** A package of which something is in a bundle. */
export interface BundledPackage {
  /** Its name. */
  name: string;
  /** Its version. */
  version: string;
  /** Its folder: an absolute path. */
  dir: string;
}

/**
 * Where `deno bundle` names the file that it took something from: in a comment, as in
 * `// ../.deno/npm/<host>/zod/4.6.7/core.js`, or as the name of a function.
 */
const FILE_NAME =
  /^([ \t]*(?:\/\/ |"))([^\s"]*\/npm\/[^/\s]+\/((?:@[^/\s]+\/)?[^/\s]+)\/(\d[^/\s]*))(\/[^\s"]+)/gm;

/** The copyright of packages that are published without the text of their license, all MIT. */
const WITHOUT_TEXT: Record<string, string> = {
  "@opencode-ai/sdk": "Copyright (c) 2025 opencode",
  "deno-std": "Copyright 2018-2026 the Deno authors",
};

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.`;

/**
 * Finds the packages of which a bundle holds files.
 *
 * @param script The bundle.
 * @param root The folder in which it was made: its comments name files from there.
 * @returns The packages, each as often as it has files.
 */
export function bundledPackages(script: string, root: string): BundledPackage[] {
  return [...script.matchAll(FILE_NAME)].map(([, , dir = "", name = "", version = ""]) => ({
    name,
    version,
    dir: resolve(root, dir),
  }));
}

/**
 * Makes a bundle name files by package and version, not by where they lie on the
 * machine that built it.
 *
 * @param script The bundle.
 * @returns The bundle, the same on every machine.
 */
export function withoutMachinePaths(script: string): string {
  return script.replace(FILE_NAME, "$1$3@$4$5");
}

/**
 * Writes down the licenses of packages.
 *
 * @param packages The packages, in any order, also more than once.
 * @returns The text, with every license as its package has it.
 * @throws {TypeError} If a package has no license that can be passed on.
 */
export async function licenseTexts(packages: readonly BundledPackage[]): Promise<string> {
  const unique = new Map(packages.map((each) => [`${each.name}@${each.version}`, each]));
  const texts: string[] = ["The bundled files contain parts of these packages."];
  for (const [title, each] of [...unique].sort(([a], [b]) => a < b ? -1 : 1)) {
    texts.push(`${"=".repeat(80)}\n${title}\n\n${await licenseOf(each)}`);
  }
  return texts.join("\n\n") + "\n";
}

async function licenseOf({ name, dir }: BundledPackage): Promise<string> {
  const file = (await readdir(dir)).find((file) => /^(licen[cs]e|copying)(\.|$)/i.test(file));
  if (file !== undefined) return (await readFile(join(dir, file), "utf8")).trim();
  const { license } = JSON.parse(await readFile(join(dir, "package.json"), "utf8"));
  const copyright = WITHOUT_TEXT[name];
  if (license !== "MIT" || copyright === undefined) {
    throw new TypeError(`Cannot pass on the license of ${name}: there is no text in ${dir}`);
  }
  return `MIT License\n\n${copyright}\n\n${MIT}`;
}

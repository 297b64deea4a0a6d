/** The part of deno.json and imports.json that the npm package is made from. */
export interface DenoConfig {
  /** Name of the package. */
  name: string;
  /** Version of the package. */
  version: string;
  /** SPDX id of its license. */
  license: string;
  /** What bare imports stand for, such as `npm:zod@4.6.7`. */
  imports: Record<string, string>;
}

/** Options for {@linkcode npmManifest}. */
export interface NpmManifestOptions {
  /** Every bare specifier that the scripts import: `zod`, `zod/mini`, `node:fs`. */
  scripts: Iterable<string>;
  /** Every bare specifier that the declarations import. */
  types: Iterable<string>;
  /** The files and folders that are packed. */
  files: string[];
}

/**
 * Lists the packages that stay dependencies: those that imports.json maps to a package of the
 * same name. An alias, such as `@std/cli`, means nothing to npm and has to be bundled.
 *
 * @param config What was read of imports.json.
 * @returns The range of versions of each package.
 */
export function npmDependencies(config: Pick<DenoConfig, "imports">): Record<string, string> {
  const dependencies: Record<string, string> = {};
  for (const [name, target] of Object.entries(config.imports)) {
    const prefix = `npm:${name}@`;
    // The versions that are tested here are exact; npm may take newer ones that fit.
    if (target.startsWith(prefix)) {
      dependencies[name] = target.slice(prefix.length).replace(/^(?=\d)/, "^");
    }
  }
  return dependencies;
}

/**
 * Makes the package.json of the npm package.
 *
 * @param config The deno.json.
 * @param options What the built files import, and which files there are.
 * @returns The package.json as an object.
 * @throws {TypeError} If something is imported that imports.json does not name.
 */
export function npmManifest(
  config: DenoConfig,
  options: NpmManifestOptions,
): Record<string, unknown> {
  const ranges = npmDependencies(config);
  // TypeScript's handbook: what the declarations of a package need is a dependency of it.
  const dependencies: Record<string, string> = { "@types/node": ">=24" };
  for (const name of new Set([...options.scripts, ...options.types].map(packageName).sort())) {
    if (name === undefined) continue;
    const range = ranges[name];
    if (range === undefined) {
      throw new TypeError(`Cannot make package.json: "${name}" is not in imports.json`);
    }
    dependencies[name] = range;
  }
  return {
    name: config.name,
    version: config.version,
    description: "Runs a coding agent over the user stories of a task until every story passes",
    keywords: ["ralph", "coding-agent", "claude-code", "opencode", "prd"],
    license: config.license,
    type: "module",
    // import.meta.main, by which the command knows that it is the program, is as old as this.
    engines: { node: ">=24.2" },
    bin: { ralph: "cli.js" },
    exports: {
      ".": { types: "./types/mod.d.ts", default: "./mod.js" },
      "./schemas/*": "./schemas/*",
      "./package.json": "./package.json",
    },
    files: options.files,
    dependencies,
  };
}

/** `@a/b` of `@a/b/c`; nothing for the modules of Node itself and for relative paths. */
function packageName(specifier: string): string | undefined {
  if (/^(node:|\.)/.test(specifier)) return undefined;
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/** The part of deno.json and imports.json that the npm package is made from. */
export interface DenoConfig {
  /** Name of the package. */
  name: string;
  /** Version of the package. */
  version: string;
  /** SPDX id of its license. */
  license: string;
  /** The targets of bare imports, such as `npm:zod@4.6.7`. */
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
 * @param config The parsed imports.json.
 * @returns The range of versions of each package.
 */
export function npmDependencies(config: Pick<DenoConfig, "imports">): Record<string, string> {
  const dependencies: Record<string, string> = {};
  for (const [name, target] of Object.entries(config.imports)) {
    const prefix = `npm:${name}@`;
    // imports.json pins exact versions; npm may install newer compatible ones.
    if (target.startsWith(prefix)) {
      dependencies[name] = target.slice(prefix.length).replace(/^(?=\d)/, "^");
    }
  }
  return dependencies;
}

/**
 * Builds the package.json of the npm package.
 *
 * @param options What the built files import, and which files there are.
 * @returns The package.json as an object.
 * @throws {TypeError} If something is imported that imports.json does not name.
 */
export function npmManifest(
  config: DenoConfig,
  options: NpmManifestOptions,
): Record<string, unknown> {
  const ranges = npmDependencies(config);
  // TypeScript's handbook: packages that the declarations need must be dependencies.
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
    // The first version with import.meta.main, which cli.ts needs.
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

/** `@a/b` for `@a/b/c`; nothing for Node's own modules and relative paths. */
function packageName(specifier: string): string | undefined {
  if (/^(node:|\.)/.test(specifier)) return undefined;
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

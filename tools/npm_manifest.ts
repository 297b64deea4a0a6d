/** Where the sources, the issues and the files that the README links to are. */
export const REPOSITORY = "https://github.com/ralph-cli/ralph";

/** The oldest Node that is tested; bin.cjs reads it from package.json. */
const NODE = "24";

/**
 * Packages that only a part of the users needs, which are not bundled: native, or large. The
 * code that imports one of them says in one line what to install where it is missing.
 */
export const OPTIONAL_PACKAGES: readonly string[] = [
  "@lydell/node-pty",
  "@xterm/addon-serialize",
  "@xterm/headless",
];

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
 * Makes the package.json of the npm package: it has no dependencies, what it needs is bundled.
 *
 * @param config The deno.json and the imports.json.
 * @param options What the built files import, and which files there are.
 * @returns The package.json as an object.
 * @throws {TypeError} If a built file imports a package that is neither bundled nor optional.
 */
export function npmManifest(
  config: DenoConfig,
  options: NpmManifestOptions,
): Record<string, unknown> {
  for (const name of new Set([...options.scripts, ...options.types].map(packageName))) {
    if (name !== undefined && !OPTIONAL_PACKAGES.includes(name)) {
      throw new TypeError(
        `Cannot make package.json: "${name}" is neither bundled nor in OPTIONAL_PACKAGES`,
      );
    }
  }
  // The declarations name what is global on Node, such as AbortSignal.
  const peers: Record<string, string> = { "@types/node": "^24" };
  for (const name of OPTIONAL_PACKAGES) {
    const version = config.imports[name]?.match(/@(\d[^/]*)$/)?.[1];
    if (version === undefined) {
      throw new TypeError(`Cannot make package.json: imports.json pins no version of "${name}"`);
    }
    // No more than bug fixes away from what is tested here.
    peers[name] = `~${version}`;
  }
  return {
    name: config.name,
    version: config.version,
    description: "Runs a coding agent over the user stories of a task until every story passes",
    keywords: ["ralph", "coding-agent", "claude-code", "opencode", "prd"],
    license: config.license,
    homepage: `${REPOSITORY}#readme`,
    repository: { type: "git", url: `git+${REPOSITORY}.git` },
    bugs: `${REPOSITORY}/issues`,
    type: "module",
    engines: { node: `>=${NODE}` },
    bin: { ralph: "bin.cjs" },
    exports: {
      ".": { types: "./types/mod.d.ts", default: "./mod.js" },
      "./cli": { types: "./types/cli.d.ts", default: "./cli.js" },
      "./schemas/*": "./schemas/*",
      "./package.json": "./package.json",
    },
    files: options.files,
    peerDependencies: peers,
    peerDependenciesMeta: Object.fromEntries(
      Object.keys(peers).map((name) => [name, { optional: true }]),
    ),
  };
}

/** `@a/b` of `@a/b/c`; nothing for the modules of Node itself and for relative paths. */
function packageName(specifier: string): string | undefined {
  if (/^(node:|\.)/.test(specifier)) return undefined;
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

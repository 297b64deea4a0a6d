/**
 * Checks that the house is as CONTRIBUTING.md says: imports go down, nothing goes round in a
 * circle, no folder is a heap, no file is a fragment, and the library is small and explained.
 *
 * Run with `deno task check:house`.
 *
 * @module
 */
import { posix } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findCircles, type ModuleGraph, readModuleGraph } from "./module_graph.ts";
import { lintPublicNames, type PublicName, readPublicNames } from "./public_api.ts";

/** The rooms of lib/, from the ground up. A module imports from its own room and those below. */
export const ROOMS: readonly string[] = [
  "base",
  "git",
  "event",
  "task",
  "agent",
  "guard",
  "loop",
  "session",
  "inbox",
  "rpc",
  "worker",
  "remote",
  "ui",
  "web",
  "plan",
  "serve",
  "cli",
];

const MOST_FILES = 20;
const FRAGMENT_LINES = 20;
const MOST_VALUES = 90;
const MOST_TYPES = 150;

/** Files that are small and have one importer, each with the reason why it stands alone. */
const SMALL_FILES: readonly [path: RegExp, reason: string][] = [
  [/^lib\/cli\/command\//, "a file a command"],
  [/^lib\/worker\/\w+_sink\.ts$/, "a file a sink"],
  [/^lib\/cli\/program\.ts$/, "the build of the executable reads the engine's flag from it"],
];

/** Values without an example, each with the reason. */
const WITHOUT_EXAMPLE: readonly [name: RegExp, reason: string][] = [
  [/Error$/, "it is caught, not made; the function that throws it has the example"],
  [/^[A-Z][A-Z_]*$/, "a constant, which its doc comment says whole"],
];

/** Modules whose types are an inner matter, however they get into a signature. */
const INNER_TYPES: readonly [path: RegExp, what: string][] = [
  [/^lib\/session\/registry\/session_row\.ts$/, "a row of the database"],
  [/^lib\/rpc\/protocol\/(frames|messages)\.ts$/, "a frame of the RPC"],
  [/^lib\/rpc\/server\//, "the inside of the RPC server"],
];

/**
 * Checks a checkout.
 *
 * @param root Its root: an absolute path with `mod.ts`, `cli.ts` and `lib/`.
 * @returns What is wrong, a line each; empty if the house is in order.
 */
export async function checkHouse(root: string): Promise<string[]> {
  const graph = await readModuleGraph(root, ["lib", "mod.ts", "cli.ts"]);
  const names = await readPublicNames(root, "mod.ts");
  return [
    ...findCircles(graph).map((circle) => `circle: ${circle.join(", ")}`),
    ...upwardImports(graph),
    ...fullFolders(await readModuleGraph(root, ["lib"])),
    ...fragments(graph),
    ...publicNames(names),
    ...await lintPublicNames(root, "mod.ts"),
  ];
}

function upwardImports(graph: ModuleGraph): string[] {
  const wrong: string[] = [];
  for (const [path, { imports }] of graph) {
    const floor = floorOf(path);
    if (floor === -1) wrong.push(`unknown room: ${path}`);
    for (const other of imports) {
      if (floorOf(other) > floor) wrong.push(`upward import: ${path} imports ${other}`);
    }
  }
  return wrong;
}

/** The floor of a module: `lib/version.ts` is the ground, what is outside of `lib/` the roof. */
function floorOf(path: string): number {
  const [top, room = "", ...rest] = path.split("/");
  if (top !== "lib") return ROOMS.length;
  return rest.length === 0 ? 0 : ROOMS.indexOf(room);
}

function fullFolders(graph: ModuleGraph): string[] {
  const counts = new Map<string, number>();
  for (const path of graph.keys()) {
    const folder = posix.dirname(path);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > MOST_FILES)
    .map(([folder, count]) =>
      `full folder: ${folder} has ${count} files, of ${MOST_FILES} at most`
    );
}

function fragments(graph: ModuleGraph): string[] {
  const wrong: string[] = [];
  for (const [path, { codeLines }] of graph) {
    if (!path.startsWith("lib/") || codeLines >= FRAGMENT_LINES) continue;
    const importers = [...graph].filter(([, each]) => each.imports.includes(path));
    const [[importer] = [], other] = importers;
    if (importer === undefined) wrong.push(`unused file: ${path} is imported nowhere`);
    if (importer === undefined || other !== undefined || listed(SMALL_FILES, path)) continue;
    wrong.push(`fragment: ${path} has ${codeLines} lines of code, all for ${importer}`);
  }
  return wrong;
}

function publicNames(names: readonly PublicName[]): string[] {
  const values = names.filter(({ kind }) => kind === "value");
  const types = names.filter(({ kind }) => kind === "type");
  const wrong: string[] = [];
  if (values.length > MOST_VALUES) {
    wrong.push(`public values: mod.ts has ${values.length}, of ${MOST_VALUES} at most`);
  }
  if (types.length > MOST_TYPES) {
    wrong.push(`public types: mod.ts has ${types.length}, of ${MOST_TYPES} at most`);
  }
  for (const { name, hasExample } of values) {
    if (!hasExample && !listed(WITHOUT_EXAMPLE, name)) wrong.push(`no example: ${name}`);
  }
  for (const { name, path } of names) {
    const inner = INNER_TYPES.find(([pattern]) => pattern.test(path));
    if (inner !== undefined && !/Error$/.test(name)) wrong.push(`inner: ${name} is ${inner[1]}`);
  }
  return wrong;
}

function listed(list: readonly [RegExp, string][], name: string): boolean {
  return list.some(([pattern]) => pattern.test(name));
}

if (import.meta.main) {
  const wrong = await checkHouse(fileURLToPath(new URL("../../", import.meta.url)).slice(0, -1));
  // deno-lint-ignore no-console -- the report of a tool
  for (const line of wrong) console.log(line);
  // deno-lint-ignore no-console -- the report of a tool
  console.log(wrong.length === 0 ? "The house is in order" : `${wrong.length} problems`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

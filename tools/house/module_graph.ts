import { readdir, readFile } from "node:fs/promises";
import { join, posix, sep } from "node:path";

/** The modules of a checkout and what each imports, by their paths from its root. */
export type ModuleGraph = ReadonlyMap<string, SourceModule>;

/** One module. */
export interface SourceModule {
  /** The modules of the checkout that it imports, types included. */
  imports: readonly string[];
  /** Lines that are neither blank, nor comments, nor imports. */
  codeLines: number;
}

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(\s*|^import\s+)"(\.{1,2}\/[^"]+)"/gm;

/**
 * Reads what the modules below some folders import.
 *
 * @param root The root of the checkout: an absolute path.
 * @param places Folders and modules, by their paths from the root.
 * @returns The modules, generated ones included.
 */
export async function readModuleGraph(
  root: string,
  places: readonly string[],
): Promise<ModuleGraph> {
  const graph = new Map<string, SourceModule>();
  for (const path of await modulesBelow(root, places)) {
    const text = await readFile(join(root, path), "utf8");
    const code = withoutComments(text);
    const imports = [...code.matchAll(IMPORT)]
      .map(([, target = ""]) => posix.join(posix.dirname(path), target));
    graph.set(path, { imports: [...new Set(imports)], codeLines: countCode(code) });
  }
  return graph;
}

async function modulesBelow(root: string, places: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const place of places) {
    if (place.endsWith(".ts")) {
      found.push(place);
      continue;
    }
    for (const name of await readdir(join(root, place), { recursive: true })) {
      if (name.endsWith(".ts")) found.push(`${place}/${name.split(sep).join("/")}`);
    }
  }
  return found.sort();
}

/** Doc comments hold examples, whose imports are not the module's own. */
function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
}

function countCode(code: string): number {
  const body = code.replace(/^import\b[^;]*;$/gm, "");
  return body.split("\n").filter((line) => line.trim() !== "").length;
}

/**
 * Finds the circles in a graph: groups of modules each of which imports, by way of others, itself.
 *
 * @param graph The modules (Tarjan's strongly connected components).
 * @returns Each circle as the paths of its modules, sorted.
 */
export function findCircles(graph: ModuleGraph): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (path: string): number => {
    const index = order.size;
    order.set(path, index);
    let low = index;
    stack.push(path);
    for (const next of graph.get(path)?.imports ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) low = Math.min(low, visit(next));
      else if (stack.includes(next)) low = Math.min(low, order.get(next) ?? low);
    }
    lowest.set(path, low);
    if (low === index) {
      const group = stack.splice(stack.indexOf(path));
      if (group.length > 1 || graph.get(path)?.imports.includes(path)) circles.push(group.sort());
    }
    return low;
  };
  for (const path of graph.keys()) if (!order.has(path)) visit(path);
  return circles;
}

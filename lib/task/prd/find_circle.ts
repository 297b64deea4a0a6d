import type { Story } from "./prd.ts";

/**
 * Finds stories that wait for each other in a circle, by their `dependsOn`. Pure.
 *
 * @example Usage
 * ```ts
 * import { findCircle } from "./find_circle.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const circle = findCircle([
 *   { id: "A", dependsOn: ["B"] },
 *   { id: "B", dependsOn: ["A"] },
 * ]);
 * assertEquals(circle, ["A", "B"]);
 * ```
 *
 * @param stories The stories; unknown ids are ignored.
 * @returns The ids of the first circle, each waiting for the next and the last for the first;
 * `undefined` if there is none.
 */
export function findCircle(
  stories: readonly Pick<Story, "id" | "dependsOn">[],
): string[] | undefined {
  const needs = new Map(stories.map(({ id, dependsOn }) => [id, dependsOn]));
  const finished = new Set<string>();
  for (const { id: start } of stories) {
    // An explicit stack: a long chain of stories must not overflow the call stack.
    const way = [start];
    const next = [0];
    const onWay = new Set(way);
    while (way.length > 0) {
      const id = way[way.length - 1] as string;
      const step = next[next.length - 1] as number;
      const needed = finished.has(id) ? undefined : needs.get(id)?.[step];
      if (needed === undefined) {
        finished.add(id);
        onWay.delete(id);
        way.pop();
        next.pop();
        continue;
      }
      next[next.length - 1] = step + 1;
      if (onWay.has(needed)) return way.slice(way.indexOf(needed));
      if (needs.has(needed) && !finished.has(needed)) {
        way.push(needed);
        next.push(0);
        onWay.add(needed);
      }
    }
  }
  return undefined;
}

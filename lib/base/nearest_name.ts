import { levenshteinDistance } from "@std/text";

/**
 * Finds the name that was probably meant: one that begins with the given text, has the same letters
 * in another order, or differs in at most a third of its letters. Ignores case. Never the given
 * text itself: that name exists, so something else is wrong with it.
 *
 * @example Usage
 * ```ts
 * import { nearestName } from "./nearest_name.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(nearestName("my-featur", ["fix-auth", "my-feature"]), "my-feature");
 * assertEquals(nearestName("banana", ["fix-auth", "my-feature"]), undefined);
 * ```
 *
 * @returns The nearest of them, or `undefined` if none is close; on a tie the first.
 */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Infinity;
  for (const name of names) {
    if (name === given) continue;
    const distance = distanceBetween(given.toLowerCase(), name.toLowerCase());
    if (distance < least) [nearest, least] = [name, distance];
  }
  return nearest;
}

function distanceBetween(given: string, name: string): number {
  if (given === "") return Infinity;
  const distance = levenshteinDistance(given, name);
  if (distance <= Math.ceil(given.length / 3) && distance < name.length) return distance;
  const letters = (text: string) => [...text].sort().join("");
  if (distance <= 2 && letters(given) === letters(name)) return distance;
  // A prefix is a better match than a chance likeness, but never beats a misspelling.
  return given.length >= 2 && name.startsWith(given) ? 1_000 + distance : Infinity;
}

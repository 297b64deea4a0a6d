import { levenshteinDistance } from "@std/text";

/**
 * Finds the name that was probably meant: one that begins with what was given,
 * has the same letters in another order, or is at most a third of its letters
 * away. Upper and lower case do not matter.
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
 * @param given What was typed.
 * @param names The names that exist.
 * @returns The nearest of them, or `undefined` if none is near; on a tie the first.
 */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Infinity;
  for (const name of names) {
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
  // A beginning is nearer than a chance likeness would be, but never beats a misspelling.
  return given.length >= 2 && name.startsWith(given) ? 1_000 + distance : Infinity;
}

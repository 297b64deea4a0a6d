/**
 * Writes a JSON path as people read it.
 *
 * @example Usage
 * ```ts
 * import { formatJsonPath } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 * assertEquals(formatJsonPath(["userStories", 3, "priority"]), "userStories[3].priority");
 * ```
 *
 * @param path The keys and indexes from the root.
 * @returns The path, such as `userStories[3].priority`; empty for the root.
 */
export function formatJsonPath(path: readonly (string | number)[]): string {
  let out = "";
  for (const part of path) {
    if (typeof part === "number") out += `[${part}]`;
    else if (!/^[A-Za-z_$][\w$]*$/.test(part)) out += `[${JSON.stringify(part)}]`;
    else out += out === "" ? part : `.${part}`;
  }
  return out;
}

/**
 * Names a JSON value in a message: short values as they are written, long ones by their kind.
 *
 * @param value The value that was found.
 * @returns Words for it, such as `"yes"`, `a list` or `missing`.
 */
export function describeJson(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const written = JSON.stringify(value);
  return written.length > 60 ? `${written.slice(0, 56)}..."` : written;
}

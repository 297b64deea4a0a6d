import { editJson } from "./edit_json.ts";
import { formatJsonPath } from "./json_path.ts";
import { parseJson, valueAt } from "./parse_prd.ts";
import { PrdError } from "./prd_error.ts";
import { readPrdText } from "./read_prd.ts";
import { writeAtomic } from "../base/write_atomic.ts";

/** Options for {@linkcode editPrd} and {@linkcode setStoryPasses}. */
export interface EditPrdOptions {
  /** How messages name the file. @default {the file as it was given} */
  name?: string;
  /** Whether the bytes are forced to the disk. @default {true} */
  fsync?: boolean;
  /** Ends the edit early; the file is then as it was. */
  signal?: AbortSignal;
}

/**
 * Changes one field of a prd.json, or adds it, at once, and leaves every other byte as it was.
 *
 * @example Usage
 * ```ts
 * import { editPrd } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 * import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
 *
 * const folder = await mkdtemp("prd-");
 * const file = `${folder}/prd.json`;
 * await writeFile(file, '{"branchName":"a","userStories":[]}');
 * await editPrd(file, ["branchName"], "b");
 * assertEquals(await readFile(file, "utf8"), '{"branchName":"b","userStories":[]}');
 * await rm(folder, { recursive: true });
 * ```
 *
 * @param file The path of the file.
 * @param path JSON path of the value; only its last key may be missing.
 * @param value The new value: anything that JSON can hold.
 * @param options Additional options.
 * @returns Whether the file changed; it is not written if the value was there already.
 * @throws {PrdError} If the file cannot be read, is not valid JSON, or has no place for the value.
 * @throws {Error} If it cannot be written.
 */
export async function editPrd(
  file: string,
  path: readonly (string | number)[],
  value: unknown,
  options: EditPrdOptions = {},
): Promise<boolean> {
  const text = await readPrdText(file, options);
  const changed = editPrdText(text, path, value, options.name ?? file);
  if (changed === text) return false;
  const { fsync, signal } = options;
  await writeAtomic(file, changed, {
    ...(fsync === undefined ? {} : { fsync }),
    ...(signal && { signal }),
  });
  return true;
}

function editPrdText(
  text: string,
  path: readonly (string | number)[],
  value: unknown,
  file: string,
): string {
  const name = formatJsonPath(path);
  const old = valueAt(parseJson(text, file), path);
  if (old !== undefined && isSame(old, value)) return text;
  let changed: string;
  try {
    changed = editJson(text, path, value);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const around = formatJsonPath(path.slice(0, -1)) || "the root";
    throw new PrdError(
      `Cannot set ${name} in ${file}: there is no ${around} that could hold it`,
      { file, path: name, cause },
    );
  }
  // Of a key that stands twice in an object, the edit changes the first and readers take the last.
  if (!isSame(valueAt(parseJson(changed, file), path), value)) {
    throw new PrdError(
      `Cannot set ${name} in ${file}: a key on the way to it stands there more than once`,
      { file, path: name },
    );
  }
  return changed;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

import { editJson } from "./edit_json.ts";
import { formatJsonPath } from "./locate_json.ts";
import { parseJson, parsePrd, valueAt } from "./parse_prd.ts";
import { PrdError } from "./prd.ts";
import { readPrdText } from "./read_prd.ts";
import { writeAtomic } from "../../base/write_atomic.ts";
import { constants, copyFile } from "node:fs/promises";

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

/**
 * Says in a prd.json whether a story passes, and leaves every other byte as it was.
 *
 * A story that has only a `status` gets a `passes` beside it, which counts before the status.
 *
 * @example Usage
 * ```ts
 * import { setStoryPasses } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 * import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
 *
 * const folder = await mkdtemp("prd-");
 * const file = `${folder}/prd.json`;
 * await writeFile(file, '[{ "id": "US-001", "passes": false }]\n');
 * await setStoryPasses(file, "US-001", true);
 * assertEquals(await readFile(file, "utf8"), '[{ "id": "US-001", "passes": true }]\n');
 * await rm(folder, { recursive: true });
 * ```
 *
 * @param file The path of the file.
 * @param storyId The id of the story, as in its normal form.
 * @param passes Whether it passes.
 * @param options Additional options.
 * @returns Whether the file changed.
 * @throws {PrdError} If the file is not a PRD, or no story or more than one has this id.
 * @throws {Error} If it cannot be written.
 */
export async function setStoryPasses(
  file: string,
  storyId: string,
  passes: boolean,
  options: EditPrdOptions = {},
): Promise<boolean> {
  const name = options.name ?? file;
  const prd = parsePrd(await readPrdText(file, options), { file: name });
  const found = prd.stories.filter(({ id }) => id === storyId);
  const [first] = found;
  if (!first || found.length > 1) {
    const reason = first ? `${found.length} stories have this id` : "there is no such story";
    throw new PrdError(`Cannot change story "${storyId}" in ${name}: ${reason}`, { file: name });
  }
  return await editPrd(file, [...first.path, "passes"], passes, options);
}

/** What {@linkcode restorePrd} did. */
export interface RestoredPrd {
  /** Where the file that was there is kept now; `null` if there was none. */
  broken: string | null;
}

/**
 * Puts the last good copy of a prd.json back in its place.
 *
 * What was there is kept beside it as `prd.json.broken`, or `prd.json.broken-2` and so on: an
 * older one is never overwritten.
 *
 * @param file The path of the prd.json.
 * @param goodCopy The path of the good copy.
 * @returns Where the broken file is kept.
 * @throws {PrdError} If the good copy is missing or not a PRD; nothing is changed then.
 */
export async function restorePrd(file: string, goodCopy: string): Promise<RestoredPrd> {
  const text = await readPrdText(goodCopy);
  parsePrd(text, { file: goodCopy });
  const broken = await keepBroken(file);
  await writeAtomic(file, text);
  return { broken };
}

async function keepBroken(file: string): Promise<string | null> {
  for (let count = 1;; count++) {
    const kept = count === 1 ? `${file}.broken` : `${file}.broken-${count}`;
    try {
      await copyFile(file, kept, constants.COPYFILE_EXCL);
      return kept;
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === "ENOENT") return null;
      if (code !== "EEXIST") throw error;
    }
  }
}

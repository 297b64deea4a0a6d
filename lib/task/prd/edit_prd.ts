import { editJson } from "./edit_json.ts";
import { formatJsonPath } from "./locate_json.ts";
import { parseJson, parsePrd, valueAt } from "./parse_prd.ts";
import { PrdError } from "./prd.ts";
import { readPrdText } from "./read_prd.ts";
import { writeAtomic } from "../../base/write_atomic.ts";
import { readRegularFile, UnreadableFileError } from "../../base/read_text_file.ts";
import { link, rm, writeFile } from "node:fs/promises";

/** Options for {@linkcode editPrd} and {@linkcode setStoryPasses}. */
export interface EditPrdOptions {
  /** How messages name the file. @default {the file as it was given} */
  name?: string | undefined;
  /** The repository that it belongs to: a link that leads out of it is refused. @default {none} */
  within?: string | undefined;
  /** Whether to wait until the bytes are on the disk. @default {true} */
  fsync?: boolean | undefined;
  /** Cancels the edit; the file then stays as it was. */
  signal?: AbortSignal | undefined;
}

/**
 * Changes or adds one field of a prd.json atomically, and leaves every other byte as it was.
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
 * @returns Whether the file changed; it is not written if it already has the value.
 * @throws {PrdError} If the file cannot be read, is not valid JSON, or has nothing to hold the
 * value.
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
    fsync,
    signal,
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
  // If an object has a key twice, the edit changes the first and readers take the last.
  if (!isSame(valueAt(parseJson(changed, file), path), value)) {
    throw new PrdError(
      `Cannot set ${name} in ${file}: a key on its path appears more than once`,
      { file, path: name },
    );
  }
  return changed;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * Sets whether a story passes in a prd.json, and leaves every other byte as it was.
 *
 * A story that has only a `status` also gets a `passes`, which takes precedence.
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

/** Options for {@linkcode restorePrd}. */
export interface RestorePrdOptions {
  /** The repository that the prd.json belongs to. @default {none} */
  within?: string | undefined;
}

/** The result of {@linkcode restorePrd}. */
export interface RestoredPrd {
  /** Where the replaced file is kept now; `null` if there was none. */
  broken: string | null;
}

/**
 * Restores a prd.json from its last good copy.
 *
 * The replaced file is kept beside it as `prd.json.broken`, `prd.json.broken-2` and so on; an older
 * one is never overwritten. What is not a file of the repository, such as a link that leads out of
 * it, is moved there as it is, and nothing is written through it.
 *
 * @param file The path of the prd.json.
 * @param goodCopy The path of the good copy.
 * @returns Where the broken file is kept.
 * @throws {PrdError} If the good copy is missing or not a PRD; nothing changes then.
 */
export async function restorePrd(
  file: string,
  goodCopy: string,
  options: RestorePrdOptions = {},
): Promise<RestoredPrd> {
  const text = await readPrdText(goodCopy);
  parsePrd(text, { file: goodCopy });
  const broken = await keepBroken(file, options);
  await writeAtomic(file, text);
  return { broken };
}

async function keepBroken(file: string, options: RestorePrdOptions): Promise<string | null> {
  for (let count = 1;; count++) {
    const kept = count === 1 ? `${file}.broken` : `${file}.broken-${count}`;
    try {
      await keepAs(kept, file, options);
      return kept;
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === "ENOENT") return null;
      if (code !== "EEXIST") throw error;
    }
  }
}

/** Copies a file, or moves what cannot be read as one; fails if the new name is taken. */
async function keepAs(kept: string, file: string, options: RestorePrdOptions): Promise<void> {
  try {
    await writeFile(kept, await readRegularFile(file, options), { flag: "wx" });
  } catch (error) {
    if (!(error instanceof UnreadableFileError)) throw error;
    await link(file, kept);
    await rm(file);
  }
}

import { readRegularFile, UnreadableFileError } from "../../base/read_text_file.ts";
import { parsePrd } from "./parse_prd.ts";
import { type Prd, PrdError } from "./prd.ts";

/** Options for {@linkcode readPrd}. */
export interface ReadPrdOptions {
  /** How messages name the file. @default {the file as it was given} */
  name?: string | undefined;
  /** The repository that it belongs to: a link that leads out of it is refused. @default {none} */
  within?: string | undefined;
  /** Cancels the read. */
  signal?: AbortSignal | undefined;
}

/**
 * Reads a prd.json, in any of its dialects, into its normal form.
 *
 * @example Usage
 * ```ts
 * import { readPrd } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 * import { mkdtemp, rm, writeFile } from "node:fs/promises";
 *
 * const folder = await mkdtemp("prd-");
 * await writeFile(`${folder}/prd.json`, '{"userStories":[{"id":"US-001","title":"Log in"}]}');
 * const prd = await readPrd(`${folder}/prd.json`);
 * await rm(folder, { recursive: true });
 * assertEquals(prd.stories.map((story) => story.title), ["Log in"]);
 * ```
 *
 * @param file The path of the file.
 * @throws {PrdError} If there is no such file, or it is not a PRD.
 */
export async function readPrd(file: string, options: ReadPrdOptions = {}): Promise<Prd> {
  return parsePrd(await readPrdText(file, options), { file: options.name ?? file });
}

/**
 * Reads the text of a prd.json as it is, a byte order mark included.
 *
 * @param file The path of the file.
 * @throws {PrdError} If there is no such file, it cannot be read, or it is not UTF-8: decoding it
 * with replacement characters would change the file at the next write.
 */
export async function readPrdText(file: string, options: ReadPrdOptions = {}): Promise<string> {
  const { signal, within } = options;
  const name = options.name ?? file;
  signal?.throwIfAborted();
  let bytes: Uint8Array;
  try {
    bytes = await readRegularFile(file, { within });
    signal?.throwIfAborted();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new PrdError(`Cannot read ${name}: ${reasonOf(cause)}`, { file: name, cause });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new PrdError(`${name} is not valid UTF-8`, { file: name, cause });
  }
}

/**
 * Describes why a file cannot be read or written.
 *
 * @param error What the file system threw.
 * @returns The reason, such as `there is no such file`.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof UnreadableFileError) return error.reason;
  switch ((error as { code?: unknown } | null)?.code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
    case "EPERM":
      return "permission is denied";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

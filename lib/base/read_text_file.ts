import { Buffer } from "node:buffer";
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, sep } from "node:path";
import { isNotFound } from "./error_code.ts";

/** Thrown if a path leads to something that must not be read as a file. */
export class UnreadableFileError extends Error {
  /** The name of the class. */
  override name = "UnreadableFileError";
  /** Why, worded to follow the name of the file and a colon. */
  readonly reason: string;

  /** The message names the file. */
  constructor(file: string, reason: string) {
    super(`Cannot read "${file}": ${reason}`);
    this.reason = reason;
  }
}

/** Options for {@linkcode openRegularFile}. */
export interface OpenRegularFileOptions {
  /** The repository that the file belongs to: links that lead out of it are refused. */
  within?: string | undefined;
  /** Whether a link may lead out of `within`, because a person has seen its target. @default {false} */
  allowOutside?: boolean | undefined;
  /** Whether to open it for appending too. @default {false} */
  append?: boolean | undefined;
}

/** Options for {@linkcode readTextFile}. */
export interface ReadTextFileOptions extends Omit<OpenRegularFileOptions, "append"> {
  /** The largest file that is read, in bytes. @default {67_108_864} */
  maxBytes?: number | undefined;
}

const MEBIBYTE = 1024 * 1024;

/**
 * Reads a text file that a user, an agent or a repository has written. Opening a named pipe would
 * wait for a writer for as long as nobody comes, and a device may never end: whatever is not a
 * regular file is refused.
 *
 * @example Usage
 * ```ts
 * import { readTextFile } from "./read_text_file.ts";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => readTextFile("/dev/zero"), Error, "it is a device, not a file");
 * ```
 *
 * @throws {UnreadableFileError} If it is not a regular file, is too large, or lies outside.
 */
export async function readTextFile(
  file: string,
  options: ReadTextFileOptions = {},
): Promise<string> {
  return (await readRegularFile(file, options)).toString();
}

/**
 * Reads a file as {@linkcode readTextFile} does, without decoding it.
 *
 * @throws {UnreadableFileError} If it is not a regular file, is too large, or lies outside.
 */
export async function readRegularFile(
  file: string,
  options: ReadTextFileOptions = {},
): Promise<Buffer> {
  const { maxBytes = 64 * MEBIBYTE } = options;
  const { handle, size } = await openChecked(file, options);
  try {
    if (size > maxBytes) {
      const mebibytes = (bytes: number) => `${Math.ceil(bytes / MEBIBYTE)} MiB`;
      const reason = `it has ${mebibytes(size)}, and at most ${mebibytes(maxBytes)} are read`;
      throw new UnreadableFileError(file, reason);
    }
    return await readStart(handle, size);
  } finally {
    await handle.close();
  }
}

/** Reads the first bytes of a file; fewer if it has fewer. */
export async function readStart(handle: FileHandle, count: number): Promise<Buffer> {
  const buffer = Buffer.alloc(count);
  let filled = 0;
  while (filled < count) {
    const { bytesRead } = await handle.read(buffer, filled, count - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/**
 * Opens a regular file for reading, and nothing else: see {@linkcode readTextFile}.
 *
 * @returns Its handle, which the caller closes.
 * @throws {UnreadableFileError} If it is not a regular file, or lies outside.
 */
export async function openRegularFile(
  file: string,
  options: OpenRegularFileOptions = {},
): Promise<FileHandle> {
  return (await openChecked(file, options)).handle;
}

async function openChecked(
  file: string,
  options: OpenRegularFileOptions,
): Promise<{ handle: FileHandle; size: number }> {
  const { within, allowOutside = false, append = false } = options;
  const guarded = within !== undefined && !allowOutside;
  const target = guarded ? await targetWithin(file, within, append) : file;
  // Before it is opened, because opening alone has an effect on some devices.
  refuseSpecial(file, await stat(target));
  const access = append ? constants.O_RDWR | constants.O_APPEND : constants.O_RDONLY;
  // Windows has none of these three. The target may be replaced at any moment: by a named pipe,
  // which then does not block, or by a link, which is not followed.
  const safe = (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0) |
    (guarded ? constants.O_NOFOLLOW ?? 0 : 0);
  const handle = await open(target, access | safe);
  try {
    const stats = await handle.stat();
    refuseSpecial(file, stats);
    return { handle, size: stats.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Where a file really is; throws if that is not below the folder. A dangling link is a missing file
 * to a reader; a writer would create its target.
 */
async function targetWithin(file: string, folder: string, writes: boolean): Promise<string> {
  const target = await realpath(file).catch(async (error) => {
    if (!writes || !isNotFound(error) || !(await lstat(file)).isSymbolicLink()) throw error;
    throw new UnreadableFileError(
      file,
      `it is a link to ${await readlink(file)}, which does not exist`,
    );
  });
  // Nothing on the way was a link: then the folder is where it seems to be, too.
  if (target === file && target.startsWith(`${folder}${sep}`)) return target;
  const path = relative(await realpath(folder), target);
  if (path !== ".." && !/^\.\.[/\\]/.test(path) && !isAbsolute(path)) return target;
  const reason = `it links out of the repository, to ${target}; put a copy in its place`;
  throw new UnreadableFileError(file, reason);
}

function refuseSpecial(file: string, stats: Stats): void {
  const kind = specialKind(stats);
  if (kind !== undefined) throw new UnreadableFileError(file, `it is a ${kind}, not a file`);
}

function specialKind(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined;
  if (stats.isDirectory()) return "folder";
  if (stats.isFIFO()) return "named pipe";
  return stats.isSocket() ? "socket" : "device";
}

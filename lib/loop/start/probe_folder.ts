import { randomUUID } from "node:crypto";
import { rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode, isNotFound } from "../../base/error_code.ts";

/** Options for {@linkcode probeFolder}. */
export interface ProbeFolderOptions {
  /** Returns the free bytes on the disk of a folder. @default {asks the file system} */
  freeBytes?: ((folder: string) => Promise<number>) | undefined;
}

/** Whether a folder is writable. */
type FolderState =
  /** Files can be created in it, and this many bytes are free. */
  | { writable: true; freeBytes: number }
  /** Files cannot be created in it. */
  | { writable: false; reason: string };

/** The bytes that this user may still write, without those reserved for root. */
async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/**
 * Checks whether a folder is writable, by creating a file and removing it. A missing folder is not
 * created: the nearest existing folder above it is checked instead.
 *
 * @example Usage
 * ```ts
 * import { probeFolder } from "./probe_folder.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const state = await probeFolder(".", { freeBytes: () => Promise.resolve(1024) });
 * assertEquals(state, { writable: true, freeBytes: 1024 });
 * ```
 *
 * @returns Whether it is writable.
 */
export async function probeFolder(
  folder: string,
  options: ProbeFolderOptions = {},
): Promise<FolderState> {
  const { freeBytes = freeBytesOf } = options;
  try {
    const existing = await nearestFolder(folder);
    const file = join(existing, `.ralph-${randomUUID()}`);
    try {
      await writeFile(file, "ralph\n", { flag: "wx" });
    } finally {
      await rm(file, { force: true });
    }
    return { writable: true, freeBytes: await freeBytes(existing) };
  } catch (error) {
    return { writable: false, reason: reasonOf(error) };
  }
}

async function nearestFolder(folder: string): Promise<string> {
  try {
    if ((await stat(folder)).isDirectory()) return folder;
  } catch (error) {
    const parent = dirname(folder);
    if (!isNotFound(error) || parent === folder) throw error;
    return await nearestFolder(parent);
  }
  throw new Error(`"${folder}" is a file`);
}

function reasonOf(error: unknown): string {
  switch (errorCode(error)) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EROFS":
      return "the file system is read-only";
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

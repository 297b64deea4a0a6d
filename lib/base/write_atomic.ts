import { lstat, mkdir, open, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { isNotFound } from "./error_code.ts";

/** Options for {@linkcode writeAtomic}. */
export interface WriteAtomicOptions {
  /**
   * Whether to wait until the bytes are on the disk before the old file is replaced, so that a
   * power cut leaves either the old file or the new one.
   * @default {true}
   */
  fsync?: boolean | undefined;
  /** The mode of the file if it is new. @default {0o666 without the umask} */
  mode?: number | undefined;
  /** Whether to create missing folders. @default {false} */
  makeDirs?: boolean | undefined;
  /** Cancels the write; the old file stays as it was. */
  signal?: AbortSignal | undefined;
}

/**
 * Replaces a file atomically: a reader sees the old content or the new, never a part of it.
 *
 * The content is written to a file beside it, which is renamed over it. The mode is kept, and a
 * symbolic link stays a link.
 *
 * @example Usage
 * ```ts
 * import { writeAtomic } from "./write_atomic.ts";
 * import { assertEquals } from "@std/assert";
 * import { mkdtemp, readFile, rm } from "node:fs/promises";
 *
 * const folder = await mkdtemp("atomic-");
 * await writeAtomic(`${folder}/a.txt`, "one\n");
 * assertEquals(await readFile(`${folder}/a.txt`, "utf8"), "one\n");
 * await rm(folder, { recursive: true });
 * ```
 *
 * @param file The path of the file.
 * @throws {Error} If it cannot be written; the old file is then as it was.
 */
export async function writeAtomic(
  file: string,
  content: string | Uint8Array,
  options: WriteAtomicOptions = {},
): Promise<void> {
  const { signal, fsync = true } = options;
  signal?.throwIfAborted();
  try {
    const target = await followLinks(resolve(file));
    if (options.makeDirs) await mkdir(dirname(target), { recursive: true });
    const oldMode = await modeOf(target);
    const random = crypto.randomUUID().slice(0, 8);
    const beside = join(dirname(target), `.${basename(target)}.${process.pid}.${random}.tmp`);
    try {
      const handle = await open(beside, "wx", oldMode ?? options.mode ?? 0o666);
      try {
        await handle.writeFile(content, signal ? { signal } : {});
        // The umask applied when the file was created; this restores the old mode.
        if (oldMode !== undefined) await handle.chmod(oldMode);
        if (fsync) await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(beside, target);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
    if (fsync) await syncFolder(dirname(target));
  } catch (cause) {
    signal?.throwIfAborted();
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot write "${file}": ${message}`, { cause });
  }
}

/** Also follows a link to a missing file, unlike `realpath` alone. */
async function followLinks(file: string, depth = 0): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (!isNotFound(error) || depth > 40) throw error;
  }
  const link = await lstat(file).catch(() => undefined);
  if (!link?.isSymbolicLink()) return file;
  return await followLinks(resolve(dirname(file), await readlink(file)), depth + 1);
}

async function modeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mode & 0o7777;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Without this the rename itself may be lost. Windows cannot open a folder, and does not need it.
 */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

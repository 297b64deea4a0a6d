import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isNotFound } from "../../base/error_code.ts";

const DAY_MS = 86_400_000;

/** Options for {@linkcode orphanedLogs}. */
export interface OrphanedLogsOptions {
  /** Whether the registry has a session. */
  isKnown: (id: string) => boolean;
  /** The present, in milliseconds since the epoch. */
  now: number;
}

/**
 * Finds log folders without a session, which are left when a cleaning was interrupted. Folders that
 * changed within a day are left out: their session may just be starting.
 *
 * @param sessionsDir The folder of all logs.
 * @returns Their names, which are session ids.
 */
export async function orphanedLogs(
  sessionsDir: string,
  options: OrphanedLogsOptions,
): Promise<string[]> {
  const { isKnown, now } = options;
  const orphans: string[] = [];
  for (const entry of await entriesOf(sessionsDir)) {
    // Only folders that ralph created are ever deleted.
    if (!entry.isDirectory() || !/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(entry.name)) continue;
    if (isKnown(entry.name)) continue;
    const { mtimeMs } = await lstat(join(sessionsDir, entry.name));
    if (now - mtimeMs >= DAY_MS) orphans.push(entry.name);
  }
  return orphans.sort();
}

/**
 * The total size of the files in a folder, in bytes; 0 if there is no such folder.
 */
export async function folderSize(dir: string): Promise<number> {
  let bytes = 0;
  for (const entry of await entriesOf(dir)) {
    const path = join(dir, entry.name);
    bytes += entry.isDirectory() ? await folderSize(path) : (await lstat(path)).size;
  }
  return bytes;
}

async function entriesOf(dir: string) {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

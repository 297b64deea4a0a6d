import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** One file of a log that is written in parts. */
export interface LogPart {
  /** Its path. */
  path: string;
  /** Its number; `Infinity` for the one that is written to. */
  number: number;
}

/**
 * Lists the parts of a log: `<path>.1`, `<path>.2`, ... and `<path>` itself.
 *
 * @param path The path of the current part.
 * @returns Those that exist, oldest first; none if there is no such folder.
 */
export function logParts(path: string): LogPart[] {
  const name = basename(path);
  let entries: string[];
  try {
    entries = readdirSync(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const parts: LogPart[] = [];
  for (const entry of entries) {
    const number = entry === name
      ? Infinity
      : entry.startsWith(`${name}.`) && /^[1-9]\d*$/.test(entry.slice(name.length + 1))
      ? Number(entry.slice(name.length + 1))
      : undefined;
    if (number !== undefined) parts.push({ path: join(dirname(path), entry), number });
  }
  return parts.sort((a, b) => a.number < b.number ? -1 : 1);
}

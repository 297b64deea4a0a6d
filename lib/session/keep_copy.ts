import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";

function isSameFile(a: string, b: string): boolean {
  return statSync(a).size === statSync(b).size && readFileSync(a).equals(readFileSync(b));
}

function syncPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Keeps a copy of a database beside it, before version `version` changes it: what is
 * committed, its write-ahead log included, as `<path>.before-<version>`.
 *
 * The copy appears at once and whole. One that is there already is never overwritten:
 * if it differs, the new one is `<path>.before-<version>-2`, and so on.
 *
 * The caller holds the write lock of the database, so that only one process copies.
 *
 * @param path The database.
 * @param version The version that is about to be made.
 * @returns The path of the copy.
 */
export function keepCopy(path: string, version: number): string {
  const prefix = `.${basename(path)}.copy-`;
  for (const name of readdirSync(dirname(path))) {
    // Left by a process that was killed while it held the lock that we hold now.
    if (name.startsWith(prefix)) rmSync(join(dirname(path), name), { force: true });
  }
  const temporary = join(dirname(path), `${prefix}${process.pid}`);
  const source = new DatabaseSync(path, { readOnly: true });
  try {
    source.prepare("VACUUM INTO ?").run(temporary);
  } finally {
    source.close();
  }
  try {
    syncPath(temporary);
    for (let number = 1;; number++) {
      const copy = `${path}.before-${version}${number === 1 ? "" : `-${number}`}`;
      try {
        // Unlike a rename, a link fails if there is something at that path.
        linkSync(temporary, copy);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        if (!isSameFile(temporary, copy)) continue;
      }
      if (process.platform !== "win32") syncPath(dirname(path));
      return copy;
    }
  } finally {
    rmSync(temporary, { force: true });
  }
}

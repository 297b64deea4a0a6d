import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type Migration, MIGRATIONS } from "./migrations.ts";
import { RegistryFormatError, RegistryVersionError } from "../registry/registry_error.ts";
import { insertLegacy, readLegacy, type TakeOverOptions, unversionedLayout } from "./take_over.ts";
import { basename, dirname, join } from "node:path";
import process from "node:process";

/** "RALP": marks a versioned registry as ours. */
const APPLICATION_ID = 0x52414c50;

/** Options for {@linkcode migrateDatabase}. */
export interface MigrateOptions extends TakeOverOptions {
  /** The migrations, in order. @default {all migrations} */
  migrations?: readonly Migration[] | undefined;
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** The header of the file, without changes that are still in the write-ahead log. */
function readHeader(path: string): "new" | { isSqlite: boolean; version: number; ours: boolean } {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "new";
    throw error;
  }
  try {
    const header = new Uint8Array(100);
    const length = readSync(fd, header);
    if (length === 0) return "new";
    const view = new DataView(header.buffer);
    return {
      isSqlite: new TextDecoder().decode(header.subarray(0, 16)) === "SQLite format 3\0",
      version: view.getInt32(60),
      ours: view.getInt32(68) === APPLICATION_ID,
    };
  } finally {
    closeSync(fd);
  }
}

/** Throws unless the database is empty, ours up to version `latest`, or an older ralph's. */
function check(db: DatabaseSync, path: string, latest: number): void {
  const version = pragma(db, "user_version");
  if (version > latest) throw new RegistryVersionError(path, version, latest);
  if (version === 0 ? !unversionedLayout(db) : pragma(db, "application_id") !== APPLICATION_ID) {
    throw new RegistryFormatError(path, "its tables are not those of any version of ralph");
  }
}

/**
 * Checks that a file is a registry that {@linkcode migrateDatabase} can migrate, without changing it or
 * creating files beside it.
 *
 * @param path The file; it need not exist.
 * @throws {RegistryVersionError} If a newer ralph wrote it.
 * @throws {RegistryFormatError} If it is not a database, or has an unknown layout.
 */
export function checkRegistryFile(path: string, options: MigrateOptions = {}): void {
  const latest = (options.migrations ?? MIGRATIONS).length;
  const header = readHeader(path);
  if (header === "new") return;
  if (!header.isSqlite) throw new RegistryFormatError(path, "it is not a SQLite database");
  if (header.ours && header.version === latest) return;
  // A writable connection would merge the write-ahead log into the file when it closes.
  using db = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  check(db, path, latest);
}

/**
 * Migrates a database: applies the missing migrations, in order, in one transaction. If several
 * processes do so at once, only one of them migrates.
 *
 * The first migration also migrates every row of an older ralph. Before anything changes, a copy is
 * kept beside the database, see {@linkcode keepCopy}.
 *
 * @param db The database, open for writing, with a busy timeout.
 * @returns Whether this call changed anything.
 * @throws {RegistryVersionError} If a newer ralph wrote it.
 * @throws {RegistryFormatError} If it has an unknown layout.
 */
export function migrateDatabase(
  db: DatabaseSync,
  path: string,
  options: MigrateOptions = {},
): boolean {
  const migrations = options.migrations ?? MIGRATIONS;
  if (pragma(db, "user_version") === migrations.length) return false;
  db.exec("BEGIN IMMEDIATE");
  try {
    check(db, path, migrations.length);
    // Another process may have migrated while this one waited for the lock.
    const due = migrations.slice(pragma(db, "user_version"));
    const [first] = due;
    const layout = first?.version === 1 ? unversionedLayout(db) : undefined;
    if (first !== undefined && layout !== "empty") keepCopy(path, first.version);
    for (const { sql, version } of due) {
      if (version === 1 && layout !== undefined && layout !== "empty") {
        const rows = readLegacy(db, layout, options);
        db.exec("DROP TABLE sessions");
        db.exec(sql);
        insertLegacy(db, rows);
      } else {
        db.exec(sql);
      }
    }
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec("COMMIT");
    return due.length > 0;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

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
 * Copies a database to `<path>.before-<version>` before it is migrated to `version`: all committed
 * data, including its write-ahead log.
 *
 * The copy appears atomically. An existing one is never overwritten: if it differs, the new one is
 * `<path>.before-<version>-2`, and so on.
 *
 * The caller must hold the write lock of the database, so that only one process copies.
 *
 * @param version The version to migrate to.
 * @returns The path of the copy.
 */
function keepCopy(path: string, version: number): string {
  const prefix = `.${basename(path)}.copy-`;
  for (const name of readdirSync(dirname(path))) {
    // Left by a process that was killed while it held the lock.
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
        // Unlike a rename, a link fails if the path exists.
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

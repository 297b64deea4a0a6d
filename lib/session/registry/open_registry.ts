import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isBusy } from "../../base/lock.ts";
import { checkRegistryFile, migrateDatabase, type MigrateOptions } from "../legacy/migrate.ts";
import { BUSY_TIMEOUT_MS, Registry } from "./registry.ts";
import { asRegistryError } from "./registry_error.ts";
import { sessionPaths } from "../model/session_paths.ts";

/** Options for {@linkcode openRegistry}. */
export interface OpenRegistryOptions {
  /** The file. @default {sessionPaths().database} */
  path?: string | undefined;
  /** The clock. @default {() => new Date()} */
  now?: (() => Date) | undefined;
  /** The time zone of the times that an older ralph wrote. @default {that of the system} */
  timeZone?: string | undefined;
}

const RETRY_MS = 5;

/** SQLite does not wait for other connections when it changes the journal mode, so this retries. */
function useWriteAheadLog(db: DatabaseSync): void {
  const deadline = performance.now() + BUSY_TIMEOUT_MS;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      db.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      Atomics.wait(pause, 0, 0, RETRY_MS);
    }
  }
}

/**
 * Opens the registry of sessions, and creates it if it is missing. Databases of older versions are
 * migrated; every row is kept, and a copy stays beside it as
 * `sessions.db.before-<version of the layout>`.
 *
 * @example Usage
 * ```ts
 * import { openRegistry } from "@ralph/cli";
 *
 * using registry = openRegistry({ path: ":memory:" });
 * const { id } = registry.createSession({
 *   task: "my-feature",
 *   taskDir: "/home/me/app/tasks/my-feature",
 *   root: "/home/me/app",
 *   agent: "claude",
 * });
 * registry.endSession(id, "stopped", "A stop was asked for");
 * console.assert(registry.getSession(id)?.status === "stopped");
 * ```
 *
 * @returns The registry; close it with `using`.
 * @throws {RegistryVersionError} If a newer ralph wrote the file; it is not changed.
 * @throws {RegistryFormatError} If the file is not a registry; it is not changed.
 */
export function openRegistry(options: OpenRegistryOptions = {}): Registry {
  return openRegistryWith(options);
}

/** Opens a registry with other migrations than those of this version: for the tests of them. */
export function openRegistryWith(options: OpenRegistryOptions & MigrateOptions): Registry {
  const path = options.path ?? sessionPaths().database;
  const db = openDatabase(path, options);
  return new Registry(db, options.now ?? (() => new Date()));
}

/**
 * Brings a registry file of an older ralph up to date, as {@linkcode openRegistry} does whenever it
 * opens one: for a script that wants it done, or tried on a copy, before anything else runs.
 *
 * @example Usage
 * ```ts
 * import { migrate } from "@ralph/cli";
 * import { mkdtemp, rm } from "node:fs/promises";
 *
 * const dir = await mkdtemp("/tmp/example-");
 * console.assert(migrate(`${dir}/sessions.db`));
 * console.assert(!migrate(`${dir}/sessions.db`));
 * await rm(dir, { recursive: true });
 * ```
 *
 * @param path The file, by default `sessionPaths().database`; one that is missing is created.
 * @returns Whether anything had to be changed. A copy from before is then kept beside it, as
 * `<path>.before-<version of the layout>`.
 * @throws {RegistryVersionError} If a newer ralph wrote the file, which is left as it is.
 * @throws {RegistryFormatError} If the file is not a registry, and is left as it is.
 */
export function migrate(path: string = sessionPaths().database): boolean {
  let changed = false;
  openDatabase(path, { onMigrated: () => changed = true }).close();
  return changed;
}

function openDatabase(
  path: string,
  { onMigrated, ...options }: MigrateOptions & { onMigrated?: () => void },
): DatabaseSync {
  const inMemory = path === ":memory:";
  if (!inMemory) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    if (!inMemory) checkRegistryFile(path, options);
    const db = new DatabaseSync(path, {
      timeout: BUSY_TIMEOUT_MS,
      enableForeignKeyConstraints: true,
    });
    try {
      if (migrateDatabase(db, path, options)) onMigrated?.();
      useWriteAheadLog(db);
      // With a write-ahead log this survives the death of any process; only a power failure can
      // lose the last transactions, and never a part of one.
      db.exec("PRAGMA synchronous = NORMAL");
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw asRegistryError(error, path);
  }
}

import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isBusy } from "../../base/lock.ts";
import { checkRegistryFile, migrate, type MigrateOptions } from "../legacy/migrate.ts";
import { Registry } from "./registry.ts";
import { asRegistryError } from "./registry_error.ts";
import { sessionPaths } from "../model/session_paths.ts";

/** Options for {@linkcode openRegistry}. */
export interface OpenRegistryOptions extends MigrateOptions {
  /** The file. @default {sessionPaths().database} */
  path?: string;
  /** The clock. @default {() => new Date()} */
  now?: () => Date;
}

const BUSY_TIMEOUT_MS = 5000;
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
  const path = options.path ?? sessionPaths().database;
  const inMemory = path === ":memory:";
  if (!inMemory) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    if (!inMemory) checkRegistryFile(path, options);
    const db = new DatabaseSync(path, {
      timeout: BUSY_TIMEOUT_MS,
      enableForeignKeyConstraints: true,
    });
    try {
      migrate(db, path, options);
      useWriteAheadLog(db);
      // With a write-ahead log this survives the death of any process; only a power failure can
      // lose the last transactions, and never a part of one.
      db.exec("PRAGMA synchronous = NORMAL");
      return new Registry(db, options.now ?? (() => new Date()));
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw asRegistryError(error, path);
  }
}

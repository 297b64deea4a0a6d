import type { DatabaseSync } from "node:sqlite";
import { type LegacyLayout, legacyLayout } from "../model/legacy_layout.ts";
import { legacySessionReader, type LegacySessionRow, type LegacyValue } from "./legacy_session.ts";
import { processIdentity, processStartTime } from "../../base/process_identity.ts";

/** Options for {@linkcode readLegacy}. */
export interface TakeOverOptions {
  /** The time zone of the old times. @default {that of the system} */
  timeZone?: string | undefined;
}

/** Process start times are exact to about a second. */
const CLOCK_SLACK_MS = 2000;

/**
 * Recognizes the contents of a database without a version: nothing, or one table of an older ralph.
 *
 * @returns `"empty"`, the layout, or `undefined` if it is neither.
 */
export function unversionedLayout(db: DatabaseSync): LegacyLayout | "empty" | undefined {
  const tables = db.prepare(
    "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  ).all().map((row) => String(row["name"]));
  if (tables.length === 0) return "empty";
  if (tables.length > 1 || tables[0] !== "sessions") return undefined;
  const columns = db.prepare("SELECT name FROM pragma_table_info('sessions')").all();
  return legacyLayout(columns.map((row) => String(row["name"])));
}

/**
 * Reads every row of an older ralph's table, as rows of version 1 of the registry,
 * oldest first.
 *
 * @param db The database, in the transaction that replaces the table.
 * @param layout The layout of the table.
 * @returns The rows for {@linkcode insertLegacy}.
 */
export function readLegacy(
  db: DatabaseSync,
  layout: LegacyLayout,
  options: TakeOverOptions = {},
): LegacySessionRow[] {
  const toSession = legacySessionReader(layout, {
    timeZone: options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    findWorker(pid, startedAt) {
      const processStartedAt = processStartTime(pid);
      if (processStartedAt === undefined || processStartedAt > startedAt + CLOCK_SLACK_MS) return;
      return processIdentity(pid);
    },
  });
  const select = db.prepare("SELECT * FROM sessions");
  select.setReadBigInts(true);
  return select.all()
    .map((row) => toSession(row as Record<string, LegacyValue>))
    .sort((a, b) => String(a["id"]) < String(b["id"]) ? -1 : 1);
}

/**
 * Inserts migrated rows into the tables of version 1.
 *
 * @param db The database, in the same transaction.
 */
export function insertLegacy(db: DatabaseSync, rows: readonly LegacySessionRow[]): void {
  const columns = Object.keys(rows[0] ?? {});
  if (columns.length === 0) return;
  const insert = db.prepare(
    `INSERT INTO sessions (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
  );
  for (const row of rows) insert.run(...columns.map((name) => row[name] ?? null));
}

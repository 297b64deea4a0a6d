import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ColumnValue } from "./session_row.ts";

/** What to change, and in which rows. */
export interface UpdateOptions {
  /** The columns and their new values. */
  set: Record<string, ColumnValue>;
  /** The condition, with a `?` for each value. */
  where: string;
  /** The values of the condition. */
  values: ColumnValue[];
}

/** Caches the prepared statements of a database. Table and column names must be trusted. */
export class Statements {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * Prepares a statement.
   *
   * @returns The statement; the same one for the same text.
   */
  prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (!statement) this.#prepared.set(sql, statement = this.#db.prepare(sql));
    return statement;
  }

  /**
   * Adds a row.
   *
   * @param row Its columns and their values.
   */
  insert(table: string, row: Record<string, ColumnValue>): void {
    const names = Object.keys(row);
    const places = names.map(() => "?").join(", ");
    this.prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${places})`)
      .run(...Object.values(row));
  }

  /**
   * Changes rows.
   *
   * @param options What to change, and in which rows.
   * @returns Whether any row was changed.
   */
  update(table: string, { set, where, values }: UpdateOptions): boolean {
    const assignments = Object.keys(set).map((name) => `${name} = ?`).join(", ");
    const result = this.prepare(`UPDATE ${table} SET ${assignments} WHERE ${where}`)
      .run(...Object.values(set), ...values);
    return Number(result.changes) > 0;
  }
}

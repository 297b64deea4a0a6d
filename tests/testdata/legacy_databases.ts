/** Databases as older versions of ralph wrote them, for the tests of the migration. */
import { DatabaseSync } from "node:sqlite";

const P1 = `task_name TEXT PRIMARY KEY, task_dir TEXT NOT NULL, pid INTEGER NOT NULL,
  tmux_session TEXT NOT NULL, agent TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'running',
  started_at TEXT NOT NULL, updated_at TEXT NOT NULL, iteration INTEGER NOT NULL DEFAULT 0,
  current_story TEXT NOT NULL DEFAULT '', max_iterations INTEGER NOT NULL DEFAULT 50`;
const TYPE = "session_type TEXT NOT NULL DEFAULT 'tmux', server_port INTEGER";
const text = (...names: string[]) =>
  names.map((name) => `${name} TEXT NOT NULL DEFAULT ''`).join(", ");
const P2 = `${P1}, ${TYPE}`;
const P3 = `${P2}, transport TEXT NOT NULL DEFAULT 'local', ${
  text("ziti_service", "ziti_identity", "remote_host", "server_url")
}`;
const P4 = `${P3}, ${text("opencode_session_id")}`;
const P5 = `${P2}, ${text("server_url", "opencode_session_id")}`;
const P6 = `${P5}, server_pid INTEGER`;
const P8 = `${P5}, ${text("workspace_dir", "workspace_name")}`;

/** The columns of the table `sessions` of each layout. */
export const LEGACY_TABLES: Record<string, string> = {
  bash: `session_name TEXT PRIMARY KEY, task_dir TEXT, pid INTEGER, agent TEXT, started_at TEXT,
    max_iterations INTEGER, current_iteration INTEGER, completed_stories INTEGER,
    total_stories INTEGER, status TEXT`,
  P1,
  P2,
  P3,
  P4,
  P5,
  P6,
  P7: P5,
  "P7 from P6": P6,
  P8,
  "P8 from P6": `${P6}, ${text("workspace_dir", "workspace_name")}`,
  "P8 from P4": `${P4}, ${text("workspace_dir", "workspace_name")}`,
};

/** A row of an old table. */
export type OldRow = Record<string, string | number | null>;

/** A row with a distinct value in every column of a layout. */
export function oldRow(layout: string, index: number): OldRow {
  const row: OldRow = {};
  const names = (LEGACY_TABLES[layout] ?? "").match(/\w+(?= (?:TEXT|INTEGER))/g) ?? [];
  for (const [column, name] of names.entries()) {
    const isNumber = new RegExp(`\\b${name} INTEGER`).test(LEGACY_TABLES[layout] ?? "");
    row[name] = isNumber ? 1000 * index + column : `${name} ${index} é"'`;
  }
  const key = layout === "bash" ? "session_name" : "task_name";
  row[key] = `task-${index}`;
  row["task_dir"] = `/home/me/app/tasks/task-${index}`;
  row["status"] = ["stopped", "completed", "failed", "checkpointed"][index % 4] ?? "";
  const minute = String(index % 60).padStart(2, "0");
  row["started_at"] = layout === "bash"
    ? `2026-01-16T12:${minute}:00Z`
    : `2026-01-16T12:${minute}:00.123456`;
  if (layout !== "bash") row["updated_at"] = `2026-07-16T13:${minute}:00.654321`;
  return row;
}

/** Writes a database of an old layout. */
export function writeLegacy(path: string, layout: string, rows: OldRow[]): void {
  using db = new DatabaseSync(path);
  db.exec(`CREATE TABLE sessions (${LEGACY_TABLES[layout]})`);
  db.exec("BEGIN");
  for (const row of rows) {
    const names = Object.keys(row);
    db.prepare(`INSERT INTO sessions (${names}) VALUES (${names.map(() => "?")})`)
      .run(...Object.values(row));
  }
  db.exec("COMMIT");
}

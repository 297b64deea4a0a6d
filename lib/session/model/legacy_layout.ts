/** The original row of an older ralph. */
export interface LegacyRecord {
  /** The layout of its database: `bash`, or `P1` to `P8`. */
  layout: "bash" | "P1" | "P2" | "P3" | "P4" | "P5" | "P6" | "P8";
  /** Every column except `server_pid`, with its old value. */
  row: Record<string, string | number | null>;
}

/**
 * The layouts of older versions of ralph, in chronological order. P7 reverted P6: its files have
 * the columns of P5, or still those of P6.
 */
export type LegacyLayout = LegacyRecord["layout"];

const BASH = [
  "session_name",
  "task_dir",
  "pid",
  "agent",
  "started_at",
  "max_iterations",
  "current_iteration",
  "completed_stories",
  "total_stories",
  "status",
];

const P1 = [
  "task_name",
  "task_dir",
  "pid",
  "tmux_session",
  "agent",
  "status",
  "started_at",
  "updated_at",
  "iteration",
  "current_story",
  "max_iterations",
];

/**
 * The columns that later versions added to P1. A version added its columns to any existing file, so
 * a file may have columns that the next version no longer wrote.
 */
const ADDED = [
  "session_type",
  "server_port",
  "transport",
  "ziti_service",
  "ziti_identity",
  "remote_host",
  "server_url",
  "opencode_session_id",
  "server_pid",
  "workspace_dir",
  "workspace_name",
];

/**
 * Recognizes the layout of an older ralph's `sessions` table.
 *
 * A file with columns of several layouts is reported as one of them.
 *
 * @example Usage
 * ```ts
 * import { legacyLayout } from "./legacy_layout.ts";
 *
 * console.assert(legacyLayout(["id", "name"]) === undefined);
 * ```
 *
 * @param columns The names of the table's columns, in any order.
 * @returns The layout; `undefined` if a column is missing or unknown.
 */
export function legacyLayout(columns: readonly string[]): LegacyLayout | undefined {
  const has = new Set(columns);
  const hasAll = (names: readonly string[]) => names.every((name) => has.has(name));
  if (hasAll(BASH) && has.size === BASH.length) return "bash";
  if (!hasAll(P1) || columns.some((name) => !P1.includes(name) && !ADDED.includes(name))) {
    return undefined;
  }
  if (hasAll(["workspace_dir", "workspace_name"])) return "P8";
  if (has.has("server_pid")) return "P6";
  if (hasAll(["transport", "opencode_session_id"])) return "P4";
  if (has.has("opencode_session_id")) return "P5";
  if (has.has("transport")) return "P3";
  return has.has("session_type") ? "P2" : "P1";
}

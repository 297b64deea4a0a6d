import type { SessionStatus } from "../../event/vocabulary.ts";
import type { ColumnValue } from "./session_row.ts";

/** Filters for {@linkcode Registry.findSessions}; a session must match all of them. */
export interface FindSessionsOptions {
  /** How its id begins, in upper case. */
  idPrefix?: string | undefined;
  /** The name of the task. */
  task?: string | undefined;
  /** The task folder, an absolute path. */
  taskDir?: string | undefined;
  /** The root of the repository, an absolute path. */
  root?: string | undefined;
  /** A conversation of its agent, including those of earlier iterations. */
  agentSessionId?: string | undefined;
  /** Its status. */
  status?: SessionStatus | undefined;
  /** The earliest start time, ISO 8601 in UTC. */
  since?: string | undefined;
  /** Only the newest session of each task folder. @default {false} */
  latestOnly?: boolean | undefined;
  /** Maximum number of sessions. @default {no limit} */
  limit?: number | undefined;
}

/** The newest session of each task folder, with one index step per folder. */
const LATEST = `WITH RECURSIVE folders (task_dir) AS (
  SELECT min(task_dir) FROM sessions
  UNION ALL
  SELECT (SELECT min(task_dir) FROM sessions WHERE task_dir > folders.task_dir)
  FROM folders WHERE task_dir IS NOT NULL
), latest (row) AS (
  SELECT (SELECT rowid FROM sessions WHERE task_dir = folders.task_dir
    ORDER BY started_at DESC, rowid DESC LIMIT 1)
  FROM folders WHERE task_dir IS NOT NULL
)
`;

/**
 * Builds the query for {@linkcode Registry.findSessions}.
 *
 * @returns The SQL, and the values of its parameters.
 */
export function findSessionsQuery(
  options: FindSessionsOptions,
): { sql: string; values: ColumnValue[] } {
  const conditions: string[] = [];
  const values: ColumnValue[] = [];
  const add = (condition: string, value: ColumnValue | undefined) => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  // A range, as LIKE and substr() would scan every row; "[" sorts after every character of an id.
  add("id >= ?", options.idPrefix);
  add("id < ?", options.idPrefix === undefined ? undefined : `${options.idPrefix}[`);
  add("task = ?", options.task);
  add("task_dir = ?", options.taskDir);
  add("root = ?", options.root);
  add("status = ?", options.status);
  add(
    "? IN (SELECT agent_session_id FROM iterations WHERE session_id = sessions.id" +
      " UNION SELECT sessions.agent_session_id)",
    options.agentSessionId,
  );
  add("started_at >= ?", options.since);
  if (options.latestOnly) conditions.push("sessions.rowid IN (SELECT row FROM latest)");
  values.push(options.limit ?? -1);
  const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")} ` : "";
  return {
    sql: `${options.latestOnly ? LATEST : ""}SELECT sessions.* FROM sessions ${where}` +
      "ORDER BY started_at DESC, sessions.rowid DESC LIMIT ?",
    values,
  };
}

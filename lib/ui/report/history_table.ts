import type { Session } from "../../session/model/session.ts";
import { localTime } from "../../base/local_time.ts";
import { formatCost } from "../text/numbers.ts";
import { formatDuration } from "../text/times.ts";
import { sessionReason, taskLabels } from "./session_details.ts";
import { renderTable } from "../text/table.ts";

/** A session, and the agents that worked in it. */
export interface SessionHistory {
  /** The session. */
  session: Session;
  /** The agents, in the order in which they started. */
  agents: string[];
}

/** Options for {@linkcode historyTable}. */
export interface HistoryTableOptions {
  /** The present, in milliseconds since the epoch. */
  now: number;
  /** Whether to show the task of each session. @default {false} */
  tasks?: boolean | undefined;
  /** The width of the terminal; longer lines are cut. @default {no limit} */
  width?: number | undefined;
}

const NONE = "—";

/**
 * Formats sessions as `ralph history` shows them, one a line.
 *
 * @example Usage
 * ```ts
 * import { openRegistry } from "@ralph/cli";
 * import { historyTable } from "./history_table.ts";
 *
 * using registry = openRegistry({ path: ":memory:" });
 * const sessions = registry.findSessions({ task: "my-feature" })
 *   .map((session) => ({ session, agents: [session.agent] }));
 * console.log(historyTable(sessions, { now: Date.now() }).join("\n"));
 * ```
 *
 * @param sessions The sessions, in display order.
 * @param options The present, the width and the columns.
 * @returns The header and a line for each session.
 */
export function historyTable(
  sessions: readonly SessionHistory[],
  options: HistoryTableOptions,
): string[] {
  const { now, tasks = false, width } = options;
  const labels = taskLabels(sessions.map(({ session }) => session));
  const reasons = sessions.map(({ session }) => sessionReason(session) ?? "");
  const rows = sessions.map(({ session, agents }, index) => [
    session.id,
    ...(tasks ? [labels.get(session.taskDir) ?? session.task] : []),
    localTime(new Date(session.startedAt)),
    timeOf(session, now),
    session.status,
    String(session.iteration),
    session.stories === null ? NONE : `${session.stories.done}/${session.stories.total}`,
    agents.join(", ") || NONE,
    session.usage.costUsd === undefined ? NONE : formatCost(session.usage.costUsd),
    reasons[index] ?? "",
  ]);
  return renderTable(rows, {
    columns: [
      { header: "id" },
      ...(tasks ? [{ header: "task" }] : []),
      { header: "started" },
      { header: "time", align: "right" },
      { header: "status" },
      { header: "iterations", align: "right" },
      { header: "stories", align: "right" },
      { header: "agents" },
      { header: "cost", align: "right" },
      ...(reasons.some((reason) => reason !== "") ? [{ header: "reason" }] : []),
    ],
    width,
  });
}

function timeOf({ startedAt, endedAt }: Session, now: number): string {
  const end = endedAt === null ? now : Date.parse(endedAt);
  return formatDuration(end - Date.parse(startedAt));
}

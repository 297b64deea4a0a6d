import type { Session } from "../../session/model/session.ts";
import { truncateText } from "../text/display_width.ts";
import { formatAgo, formatDuration } from "../text/times.ts";
import { sessionReason, taskLabels } from "./session_details.ts";
import { renderTable } from "../text/table.ts";

/** A session, and facts about it that are not in the registry. */
export interface SessionState {
  /** The session. */
  session: Session;
  /** The attempt at its current story, counted from 1; `null` before the first. */
  attempt: number | null;
  /** Whether the session is running and the server at its port responds. */
  serverLive: boolean;
}

/** Options for {@linkcode statusTable}. */
export interface StatusTableOptions {
  /** The present, in milliseconds since the epoch. */
  now: number;
  /** The width of the terminal; longer lines are cut. @default {no limit} */
  width?: number | undefined;
}

const NONE = "—";
/** On a terminal, a long name must not push everything else out of sight. */
const TASK_WIDTH = 28;
const HEADERS = ["task", "status", "story", "stories", "iteration", "agent", "port", "since"];

/**
 * Formats sessions as `ralph status` shows them, one a line.
 *
 * A port is shown only while a server responds there: that of an ended session is history. Exit
 * reasons get a last column if the status of at least one session does not say enough.
 *
 * @example Usage
 * ```ts
 * import { openRegistry } from "@ralph/cli";
 * import { statusTable } from "./status_table.ts";
 *
 * using registry = openRegistry({ path: ":memory:" });
 * const states = registry.findSessions({ latestOnly: true })
 *   .map((session) => ({ session, attempt: null, serverLive: false }));
 * console.log(statusTable(states, { now: Date.now() }).join("\n"));
 * ```
 *
 * @param states The sessions, in display order.
 * @param options The present and the width.
 * @returns The header and a line for each session.
 */
export function statusTable(
  states: readonly SessionState[],
  options: StatusTableOptions,
): string[] {
  const { now, width } = options;
  const labels = taskLabels(states.map(({ session }) => session));
  const reasons = states.map(({ session }) => sessionReason(session) ?? "");
  const hasReasons = reasons.some((reason) => reason !== "");
  const rows = states.map((state, index) => {
    const { session } = state;
    const label = labels.get(session.taskDir) ?? session.task;
    return [
      width === undefined ? label : truncateText(label, TASK_WIDTH),
      session.status,
      storyCell(state),
      session.stories === null ? NONE : `${session.stories.done}/${session.stories.total}`,
      session.maxIterations === null
        ? String(session.iteration)
        : `${session.iteration}/${session.maxIterations}`,
      session.agent || NONE,
      state.serverLive ? String(session.serverPort) : NONE,
      sinceCell(session, now),
      reasons[index] ?? "",
    ];
  });
  return renderTable(rows, {
    columns: [...HEADERS, ...(hasReasons ? ["reason"] : [])].map((header) => ({ header })),
    width,
  });
}

function storyCell({ session, attempt }: SessionState): string {
  const { currentStory, status } = session;
  if (currentStory === null || status === "completed") return NONE;
  return attempt !== null && attempt > 1
    ? `${currentStory} (${ordinal(attempt)} try)`
    : currentStory;
}

function sinceCell({ startedAt, endedAt }: Session, now: number): string {
  return endedAt === null
    ? formatDuration(now - Date.parse(startedAt), { units: 1 })
    : formatAgo(now - Date.parse(endedAt));
}

function ordinal(value: number): string {
  const teen = value % 100 >= 11 && value % 100 <= 13;
  return `${value}${(teen ? undefined : ["th", "st", "nd", "rd"][value % 10]) ?? "th"}`;
}

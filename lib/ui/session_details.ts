import type { Session } from "../session/model/session.ts";
import { localTime } from "../base/local_time.ts";
import { formatAgo } from "./format_ago.ts";
import { formatDuration } from "./format_duration.ts";
import { formatSpending } from "./format_spending.ts";
import { sanitizeText } from "./sanitize_text.ts";

/** Options for {@linkcode sessionDetails}. */
export interface SessionDetailsOptions {
  /** The present, in milliseconds since the epoch. */
  now: number;
  /** The folder of its logs, if there is one. */
  logDir?: string;
  /** Whether the server at its port answers. @default {false} */
  serverLive?: boolean;
}

/**
 * Tells what is known of a session, one thing a line: the head of `ralph show`.
 *
 * @example Usage
 * ```ts
 * import { openRegistry, sessionDetails } from "@ralph/cli";
 *
 * using registry = openRegistry({ path: ":memory:" });
 * const session = registry.createSession({
 *   task: "my-feature",
 *   taskDir: "/home/me/app/tasks/my-feature",
 *   root: "/home/me/app",
 *   agent: "claude",
 * });
 * console.log(sessionDetails(session, { now: Date.now() }).join("\n"));
 * ```
 *
 * @param session The session.
 * @param options The present, and what the registry does not know.
 * @returns The lines.
 */
export function sessionDetails(session: Session, options: SessionDetailsOptions): string[] {
  const { now, logDir, serverLive = false } = options;
  const { startedAt, endedAt, stories, serverPort, worker } = session;
  const running = session.status === "running";
  const moment = (time: string) => {
    const at = Date.parse(time);
    return `${localTime(new Date(at))}, ${formatAgo(now - at)}`;
  };
  const end = endedAt === null ? now : Date.parse(endedAt);
  const portLabel = serverLive ? "port" : "last port";
  const rows: [label: string, value: string | null | undefined][] = [
    ["why", session.endReason],
    ["branch", session.branch],
    ["agent", session.agent],
    ["conversation", session.agentSessionId],
    ["stories", stories && `${stories.done} of ${stories.total}`],
    ["iteration", iterationText(session)],
    ["started", moment(startedAt)],
    ["ended", endedAt && moment(endedAt)],
    ["elapsed", formatDuration(end - Date.parse(startedAt))],
    ["spent", formatSpending(session.usage)],
    ["worker", running && worker !== null ? `pid ${worker.pid}` : null],
    [portLabel, serverPort === null ? null : String(serverPort)],
    ["task", session.taskDir],
    ["logs", logDir],
  ];
  return [
    sanitizeText(`${session.task}  ${session.status}  ${session.id}`),
    ...rows.flatMap(([label, value]) =>
      value ? [`  ${label.padEnd(14)}${sanitizeText(value)}`] : []
    ),
  ];
}

function iterationText({ iteration, maxIterations }: Session): string {
  return maxIterations === null ? String(iteration) : `${iteration} of ${maxIterations}`;
}

import type { Session } from "../../session/model/session.ts";
import { localTime } from "../../base/local_time.ts";
import { formatAgo, formatDuration } from "../text/times.ts";
import { formatSpending } from "../text/numbers.ts";
import { sanitizeText } from "../text/sanitize_text.ts";
import { basename } from "node:path";

/** Options for {@linkcode sessionDetails}. */
export interface SessionDetailsOptions {
  /** The present, in milliseconds since the epoch. */
  now: number;
  /** The folder of its logs, if there is one. */
  logDir?: string | undefined;
  /** Whether the server at its port responds. @default {false} */
  serverLive?: boolean | undefined;
}

/**
 * Everything that is known of a session, one fact a line: the head of `ralph show`.
 *
 * @example Usage
 * ```ts
 * import { openRegistry } from "@ralph/cli";
 * import { sessionDetails } from "./session_details.ts";
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
 * @param options The present, and what the registry does not know.
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

/**
 * Names the tasks of sessions so that equal names can be told apart: by the folder of their
 * repository in parentheses, or its whole path if that is not enough.
 *
 * @example Usage
 * ```ts
 * import { taskLabels } from "./session_details.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const labels = taskLabels([
 *   { task: "login", taskDir: "/home/me/app/tasks/login", root: "/home/me/app" },
 *   { task: "login", taskDir: "/home/me/site/tasks/login", root: "/home/me/site" },
 * ]);
 * assertEquals([...labels.values()], ["login (app)", "login (site)"]);
 * ```
 *
 * @returns The label of each task folder.
 */
export function taskLabels(
  sessions: readonly Pick<Session, "task" | "taskDir" | "root">[],
): Map<string, string> {
  const folders = new Map(sessions.map((session) => [session.taskDir, session]));
  const labels = new Map<string, string>();
  for (const { task, taskDir, root } of folders.values()) {
    const place = root || taskDir;
    const others = [...folders.values()]
      .filter((other) => other.task === task && other.taskDir !== taskDir)
      .map((other) => other.root || other.taskDir);
    const isSame = others.some((other) => basename(other) === basename(place));
    const where = isSame ? taskDir : basename(place);
    labels.set(taskDir, others.length === 0 ? task : `${task} (${where})`);
  }
  return labels;
}

/**
 * Why a session ended, if its status does not already say so: nothing for a session that completed,
 * or that was stopped or checkpointed on request.
 *
 * @example Usage
 * ```ts
 * import { sessionReason } from "./session_details.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const reason = sessionReason({
 *   status: "failed",
 *   endOutcome: null,
 *   endReason: "worker died",
 * });
 * assertEquals(reason, "worker died");
 * ```
 *
 * @returns The exit reason; `undefined` if the status says enough.
 */
export function sessionReason(
  session: Pick<Session, "status" | "endOutcome" | "endReason">,
): string | undefined {
  const { status, endOutcome, endReason } = session;
  const isPlain = status === "completed" ||
    (status !== "failed" && (endOutcome === null || endOutcome === status));
  return isPlain ? undefined : endReason ?? undefined;
}

import type { Registry } from "../../../session/registry/registry.ts";
import type { Session } from "../../../session/model/session.ts";
import { formatCount } from "../../../ui/text/numbers.ts";
import { sessionDetails } from "../../../ui/report/session_details.ts";
import { statusTable } from "../../../ui/report/status_table.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import {
  logDirOf,
  openSessions,
  refreshSessions,
  sessionStates,
} from "../../sessions/open_sessions.ts";
import { UsageError } from "../../kit/usage.ts";
import { jsonLine } from "../../kit/json_line.ts";

/** Sessions that ended more days ago are only shown on request. */
const RECENT_DAYS = 7;
/** A table of a thousand tasks is not read; running ones are always shown. */
const MOST_ENDED = 50;
const DAY_MS = 86_400_000;

/** `ralph status`: shows which tasks are running, and how the last ones ended. */
export const command: Command = {
  usage: "[TASK|ID] [options]",
  description: "Shows the tasks of all repositories that are running, or that ended\n" +
    `within ${RECENT_DAYS} days. A port is shown while its server responds.`,
  operands: 1,
  examples: [
    ["ralph status", "every task, by its newest session"],
    ["ralph status my-feature", "one task, with details"],
    ["ralph status --watch", "until Ctrl-C"],
  ],
  options: [
    { name: "all", help: "every session of every task, however old" },
    { name: "watch", help: "refresh every 2 seconds, in place" },
    { name: "json", help: "one JSON object, see schemas/status.schema.json" },
  ],
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const { stdout } = context;
    const watch = line.has("watch");
    if (watch && line.has("json")) throw new UsageError("Cannot use --watch with --json");
    if (watch && !stdout.isTTY) {
      throw new UsageError(
        "Cannot watch: standard output is not a terminal",
        "ralph logs --follow --json",
      );
    }
    using registry = await openSessions(context);
    const [task] = line.operands;
    const view: View = { all: line.has("all"), task };
    if (watch) return await watchStatus(registry, { ...view, context });
    if (line.has("json")) {
      const { sessions } = await choose(registry, { ...view, json: true, context });
      const states = await sessionStates(registry, sessions);
      const entries = states.map(({ session, ...state }) => ({ ...session, ...state }));
      stdout.write(jsonLine({ sessions: entries }));
    } else {
      const lines = await statusLines(registry, { ...view, context });
      stdout.write(lines.map((each) => `${each}\n`).join(""));
    }
    return 0;
  },
};

/** What to show. */
interface View {
  task?: string | undefined;
  all: boolean;
  /** Whether a script reads it, which gets every recent task. */
  json?: boolean | undefined;
}

type ViewOptions = View & { context: CommandContext };

async function watchStatus(registry: Registry, view: ViewOptions): Promise<number> {
  const { watchScreen } = await import("../../terminal/watch_screen.ts");
  const { onInterruption } = await import("../../terminal/signals.ts");
  using interruption = onInterruption();
  await watchScreen(async () => {
    await refreshSessions(registry, view.context);
    return await statusLines(registry, view);
  }, { terminal: view.context.stdout.raw, signal: interruption.signal });
  return interruption.exitCode;
}

async function statusLines(registry: Registry, view: ViewOptions): Promise<string[]> {
  const { sessions, older } = await choose(registry, view);
  if (sessions.length === 0) {
    return older === 0
      ? ["No session yet. Start one: ralph run my-feature"]
      : [`No session in the last ${RECENT_DAYS} days, and ${older} before: ralph status --all`];
  }
  const { columns } = view.context.stdout;
  const now = Date.now();
  const states = await sessionStates(registry, sessions);
  const lines = statusTable(states, { now, width: columns });
  const [first] = states;
  if (view.task === undefined || view.all || first === undefined) {
    const hidden = older > 0 ? [`${formatCount(older, "older task")}: ralph status --all`] : [];
    return [...lines, ...hidden];
  }
  const { session, serverLive } = first;
  const logDir = logDirOf(session.id, view.context);
  return [
    ...lines,
    "",
    ...sessionDetails(session, { now, serverLive, logDir }),
  ];
}

/** The sessions to show, running ones first, and how many tasks are left out. */
async function choose(
  registry: Registry,
  { task, all, json = false, context }: ViewOptions,
): Promise<{ sessions: Session[]; older: number }> {
  if (task !== undefined) {
    const { findTaskSessions } = await import("../../sessions/find_session.ts");
    const limit = all ? undefined : 1;
    const options = { from: context, registry, command: "ralph status", limit };
    return { sessions: await findTaskSessions(task, options), older: 0 };
  }
  const found = registry.findSessions({ latestOnly: !all });
  const since = Date.now() - RECENT_DAYS * DAY_MS;
  const isRecent = ({ endedAt }: Session) => endedAt === null || Date.parse(endedAt) >= since;
  const sessions = all ? found : found.filter(isRecent);
  const running = sessions.filter(({ endedAt }) => endedAt === null);
  const ended = sessions.filter(({ endedAt }) => endedAt !== null)
    // Stable: what ended at the same moment stays newest first.
    .toSorted((a, b) => compareTimes(b.endedAt ?? "", a.endedAt ?? ""));
  const shown = [...running, ...(all || json ? ended : ended.slice(0, MOST_ENDED))];
  return { sessions: shown, older: found.length - shown.length };
}

/** Compares times in ISO 8601, all in UTC. */
function compareTimes(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

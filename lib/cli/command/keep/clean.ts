import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Registry } from "../../../session/registry/registry.ts";
import type { Session } from "../../../session/model/session.ts";
import { sessionPaths } from "../../../session/model/session_paths.ts";
import { formatBytes, formatCount } from "../../../ui/text/numbers.ts";
import { historyTable } from "../../../ui/report/history_table.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { folderSize, orphanedLogs } from "../../sessions/log_folders.ts";
import { openSessions } from "../../sessions/open_sessions.ts";
import { durationValue, wholeNumberValue } from "../../kit/option_values.ts";
import { UsageError } from "../../kit/usage.ts";
import { jsonLine } from "../../kit/json_line.ts";
import { sanitizeText } from "../../../ui/text/sanitize_text.ts";

/** `ralph clean`: deletes old sessions and their logs. */
export const command: Command = {
  usage: "(--older-than TIME | --keep N) [options]",
  description:
    "Deletes sessions that have ended, with their logs, and logs that no session has any more.\n" +
    "With both criteria a session has to meet both. Tasks and their files are not touched.",
  operands: 0,
  examples: [
    ["ralph clean --older-than 30d", "sessions that ended a month ago or longer"],
    ["ralph clean --keep 5 --dry-run", "all but the newest 5 of each task; only list them"],
  ],
  options: [
    {
      name: "older-than",
      value: "TIME",
      help: "sessions that ended this long ago, such as 12h or 30d",
    },
    { name: "keep", value: "N", help: "all but the newest N of each task" },
    { name: "dry-run", help: "only list what would be deleted" },
    { name: "yes", short: "y", help: "do not ask for confirmation" },
    { name: "json", help: "one JSON object, without asking" },
  ],
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const { stdout } = context;
    const criteria = criteriaOf(line);
    const dryRun = line.has("dry-run");
    const json = line.has("json");
    using registry = await openSessions(context);
    const plan = await planOf(registry, { ...criteria, context });
    const isEmpty = plan.sessions.length === 0 && plan.orphans.length === 0;
    if (context.interactive && !json && !dryRun && !isEmpty && !line.has("yes")) {
      await confirmOrThrow(`Delete ${describe(plan)}?`);
    }
    const done = dryRun ? plan : await execute(registry, { plan, context });
    if (json) {
      const sessions = done.sessions.map((session) => session.id);
      const { orphans, bytes } = done;
      stdout.write(jsonLine({ dryRun, sessions, orphans, bytes }));
    } else if (isEmpty) {
      stdout.write("Nothing to delete\n");
    } else {
      const lines = dryRun && plan.sessions.length > 0 ? listOf(plan.sessions, stdout.columns) : [];
      lines.push(`${dryRun ? "Would delete" : "Deleted"} ${describe(done)}`);
      stdout.write(lines.map((each) => `${each}\n`).join(""));
    }
    return 0;
  },
};

/** Which sessions are to go: those that meet both. */
type Criteria = Omit<ExpiredSessionsOptions, "now">;

/** What is to be deleted. */
interface Plan {
  sessions: Session[];
  /** Ids of log folders without a session. */
  orphans: string[];
  /** Their total size on disk. */
  bytes: number;
}

function criteriaOf(line: CommandLine): Criteria {
  const age = line.value("older-than");
  const keep = line.value("keep");
  if (age === undefined && keep === undefined) {
    throw new UsageError(
      "Cannot tell which sessions to delete: --older-than or --keep is required",
      "ralph clean --older-than 30d",
    );
  }
  return {
    olderThanMs: age === undefined ? undefined : durationValue(age, "--older-than"),
    keep: keep === undefined ? undefined : wholeNumberValue(keep, "--keep"),
  };
}

/** Options for {@linkcode expiredSessions}: a session to delete meets both criteria. */
export interface ExpiredSessionsOptions {
  /** It ended this long ago or longer, in milliseconds. @default {0} */
  olderThanMs?: number | undefined;
  /** This many sessions of its task are newer, the running one included. @default {0} */
  keep?: number | undefined;
  /** The present, in milliseconds since the epoch. */
  now: number;
}

/**
 * Chooses the sessions to delete, in the same order. A running session is never among them.
 *
 * @param sessions All sessions, newest first.
 */
export function expiredSessions(
  sessions: readonly Session[],
  options: ExpiredSessionsOptions,
): Session[] {
  const { olderThanMs = 0, keep = 0, now } = options;
  const newer = new Map<string, number>();
  return sessions.filter(({ taskDir, endedAt }) => {
    const before = newer.get(taskDir) ?? 0;
    newer.set(taskDir, before + 1);
    return endedAt !== null && before >= keep && now - Date.parse(endedAt) >= olderThanMs;
  });
}

async function planOf(
  registry: Registry,
  { context, ...criteria }: Criteria & { context: CommandContext },
): Promise<Plan> {
  const { sessionsDir } = sessionPaths(context.env);
  const now = Date.now();
  const sessions = expiredSessions(registry.findSessions(), { ...criteria, now });
  const isKnown = (id: string) => registry.getSession(id) !== undefined;
  const orphans = await orphanedLogs(sessionsDir, { isKnown, now });
  let bytes = 0;
  for (const id of [...sessions.map((session) => session.id), ...orphans]) {
    bytes += await folderSize(join(sessionsDir, id));
  }
  return { sessions, orphans, bytes };
}

/**
 * The rows go first: if this crashes halfway, folders without a row are left, which the next
 * cleaning finds with any criteria.
 */
async function execute(
  registry: Registry,
  { plan, context }: { plan: Plan; context: CommandContext },
): Promise<Plan> {
  const { sessionsDir } = sessionPaths(context.env);
  const deleted = new Set(registry.deleteSessions(plan.sessions.map((session) => session.id)));
  for (const id of [...deleted, ...plan.orphans]) {
    await rm(join(sessionsDir, id), { recursive: true, force: true });
  }
  return { ...plan, sessions: plan.sessions.filter((session) => deleted.has(session.id)) };
}

function describe({ sessions, orphans, bytes }: Plan): string {
  const parts = [formatCount(sessions.length, "session")];
  if (orphans.length > 0) parts.push(`${formatCount(orphans.length, "log")} without a session`);
  return `${parts.join(" and ")}: ${formatBytes(bytes)} of logs`;
}

function listOf(sessions: readonly Session[], width: number | undefined): string[] {
  const rows = sessions.map((session) => ({ session, agents: [session.agent] }));
  const options = { now: Date.now(), tasks: true, width };
  return [...historyTable(rows, options), ""];
}

async function confirmOrThrow(message: string): Promise<void> {
  const { confirm, isCancel } = await import("@clack/prompts");
  const sure = await confirm({ message: sanitizeText(message), initialValue: false });
  if (isCancel(sure) || !sure) throw new UsageError("Not confirmed");
}

import { SESSION_STATUSES } from "../../event/vocabulary.ts";
import { Buffer } from "node:buffer";
import { posix } from "node:path";
import type { LegacyLayout, LegacyRecord } from "../model/legacy_layout.ts";
import { timeReader } from "../../base/local_time.ts";
import type { EndedStatus } from "../../event/vocabulary.ts";
import process from "node:process";

/** A value from SQLite, with integers as `bigint`. */
export type LegacyValue = null | bigint | number | string | Uint8Array;

/** An old row, migrated to version 1 of the registry. */
export type LegacySessionRow = Record<string, string | number | null>;

/** Options for {@linkcode legacySessionReader}. */
export interface LegacySessionOptions {
  /** The time zone of times without one; those of the bash layout are always UTC. */
  timeZone: string;
  /**
   * Identifies the live process that has the pid of an old row and started before it (`startedAt`,
   * in milliseconds since the epoch); `undefined` if there is none.
   */
  findWorker: (pid: number, startedAt: number) => { pid: number; start: string } | undefined;
}

const ENDED: readonly string[] = SESSION_STATUSES.filter((status) => status !== "running");

function plain(value: LegacyValue): string | number | null {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  // JSON has neither infinite numbers nor bytes.
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  return value instanceof Uint8Array ? `base64:${Buffer.from(value).toString("base64")}` : value;
}

/** The root of the repository if its task is in the usual place; otherwise empty. */
function rootOf(taskDir: string): string {
  const parent = posix.dirname(taskDir);
  return posix.isAbsolute(taskDir) && posix.basename(parent) === "tasks"
    ? posix.dirname(parent)
    : "";
}

/**
 * Creates a function that migrates a row of an older ralph.
 *
 * The column `legacy` keeps all original values, including those without a column; only
 * `server_pid` is dropped. Times become UTC; an unreadable time becomes the epoch.
 *
 * A row with the status `running` has only a pid, which may now belong to another process. It stays
 * running only if a process with that pid is alive and started before the row: no other process can
 * have had the pid at that moment. Otherwise it becomes `failed`, with the reason `worker died`.
 *
 * @param layout The layout of the old table.
 * @param options How to read times and find processes.
 * @returns A function from an old row to the new one. The same row gives the same id.
 */
export function legacySessionReader(
  layout: LegacyLayout,
  options: LegacySessionOptions,
): (row: Record<string, LegacyValue>) => LegacySessionRow {
  const readTime = timeReader(layout === "bash" ? "UTC" : options.timeZone);
  return (old) => {
    const row: LegacyRecord["row"] = {};
    for (const [name, value] of Object.entries(old)) {
      if (name !== "server_pid") row[name] = plain(value);
    }
    const text = (name: string) =>
      row[name] === undefined || row[name] === null ? "" : `${row[name]}`;
    const int = (name: string) => {
      const value = row[name];
      return typeof value === "number" && Number.isSafeInteger(value) ? value : null;
    };
    const task = text(layout === "bash" ? "session_name" : "task_name");
    const startedAt = readTime(text("started_at")) ?? 0;
    const updatedAt = Math.max(readTime(text("updated_at")) ?? startedAt, startedAt);
    const said = text("status");
    const pid = int("pid");
    const worker = said === "running" && pid !== null
      ? options.findWorker(pid, startedAt)
      : undefined;
    const status: "running" | EndedStatus = worker
      ? "running"
      : ENDED.includes(said)
      ? said as EndedStatus
      : "failed";
    const died = said === "running" || said === "dead";
    const reason = died ? "worker died" : `unknown status "${said}"`;
    return {
      id: legacyId(startedAt, `${layout === "bash" ? "bash" : "python"}\0${task}`),
      task,
      task_dir: text("task_dir"),
      root: rootOf(text("task_dir")),
      status,
      end_reason: worker || ENDED.includes(said) ? null : reason,
      end_outcome: status === "running" ? null : status,
      worker_pid: worker?.pid ?? pid,
      worker_start: worker?.start ?? null,
      agent: text("agent"),
      agent_session_id: text("opencode_session_id") || null,
      iteration: int(layout === "bash" ? "current_iteration" : "iteration") ?? 0,
      max_iterations: int("max_iterations"),
      current_story: text("current_story") || null,
      stories_done: int("completed_stories"),
      stories_total: int("total_stories"),
      transport: text("transport") || "local",
      server_port: int("server_port"),
      started_at: new Date(startedAt).toISOString(),
      updated_at: new Date(updatedAt).toISOString(),
      ended_at: status === "running" ? null : new Date(updatedAt).toISOString(),
      legacy: JSON.stringify({ layout, row } satisfies LegacyRecord),
    };
  };
}

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

function base32(value: bigint, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest >>= 5n) {
    text = ALPHABET.charAt(Number(rest & 31n)) + text;
  }
  return text;
}

/**
 * Makes the id of a migrated row: a ULID whose time is the row's start and whose random part is a
 * hash of its key, so that every attempt to migrate gives the same id.
 *
 * @param startedAt When it started, in milliseconds since the epoch; 0 if unknown.
 * @param key The key of the row in its old table.
 */
function legacyId(startedAt: number, key: string): string {
  // Loaded only here: it takes longer to load than the rest of the registry.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 20);
  const time = Math.min(Math.max(Math.trunc(startedAt), 0), 2 ** 48 - 1);
  return base32(BigInt(time), 10) + base32(BigInt(`0x${hash}`), 16);
}

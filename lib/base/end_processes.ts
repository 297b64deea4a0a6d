import { readdir, readFile } from "node:fs/promises";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";

/** Options for {@linkcode endAgentProcesses}. */
export interface EndAgentProcessesOptions {
  /** The environment that it was started with, which contains the mark to search for. */
  env: Record<string, string>;
  /**
   * Whether to check every process, not only those with a greater pid: pids wrap around.
   * @default {false}
   */
  thorough?: boolean | undefined;
  /** How long the processes may take to end after SIGTERM, in milliseconds. @default {5000} */
  graceMs?: number | undefined;
}

/**
 * Ends everything that is left of an agent: its process group, and processes that it moved to other
 * groups.
 *
 * @param pid The agent's pid, which is also its process group.
 * @returns Whether nothing is left.
 */
export async function endAgentProcesses(
  pid: number,
  options: EndAgentProcessesOptions,
): Promise<boolean> {
  const { env, graceMs = 5000, thorough = false } = options;
  const mark = env[RUN_VARIABLE];
  const [group, marked] = await Promise.all([
    endProcessGroup(pid, { graceMs }),
    mark === undefined || endMarkedProcesses(RUN_VARIABLE, mark, {
      abovePid: thorough ? 0 : pid,
      graceMs,
    }),
  ]);
  return group && marked;
}

/** Options for {@linkcode endProcessGroup}. */
export interface EndProcessGroupOptions {
  /** How long the group may take to end after SIGTERM, in milliseconds. @default {5000} */
  graceMs?: number | undefined;
}

/** After SIGKILL only a process stuck in the kernel is left; waiting longer does not help. */
const KILL_WAIT_MS = 2000;

/**
 * Ends all processes of a group: SIGTERM, and SIGKILL for what is left after `graceMs`.
 *
 * Returns at once if the group is empty. Zombies (ended, but not collected by their parent; common
 * in containers) count as gone.
 *
 * @example Usage
 * ```ts ignore
 * import { endProcessGroup } from "./end_processes.ts";
 * await endProcessGroup(48213, { graceMs: 1000 });
 * ```
 *
 * @param pgid The process group: the pid of a process that was started detached.
 * @returns Whether no process of the group is left.
 * @throws {RangeError} If `pgid` is 0 or 1, which would mean every process, or is not a valid
 * group.
 */
export async function endProcessGroup(
  pgid: number,
  options: EndProcessGroupOptions = {},
): Promise<boolean> {
  const { graceMs = 5000 } = options;
  if (!Number.isSafeInteger(pgid) || pgid < 2) {
    throw new RangeError(`Cannot end process group ${pgid}: expected a pid above 1`);
  }
  if (!signalGroup(pgid, "SIGTERM")) return true;
  if (await isGone(pgid, graceMs)) return true;
  if (!signalGroup(pgid, "SIGKILL")) return true;
  return await isGone(pgid, KILL_WAIT_MS);
}

/**
 * Whether a process group has a running process.
 *
 * @returns Whether there is one; on Linux, zombies do not count.
 */
export async function isProcessGroupAlive(pgid: number): Promise<boolean> {
  if (!signalGroup(pgid, 0)) return false;
  if (process.platform !== "linux") return true;
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    // The name in parentheses, which may contain anything; then state, parent, group.
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(group) === pgid && state !== "Z" && state !== "X") return true;
  }
  return false;
}

/** Sends a signal (0 only checks). Returns whether the group exists. */
function signalGroup(pgid: number, signal: "SIGTERM" | "SIGKILL" | 0): boolean {
  try {
    process.kill(-pgid, signal);
    return true;
  } catch {
    return false;
  }
}

async function isGone(pgid: number, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs;
  for (let pause = 1;; pause = Math.min(pause * 2, 50)) {
    // Reading /proc costs more than the signal, so only after some waiting.
    const alive = pause < 16 ? signalGroup(pgid, 0) : await isProcessGroupAlive(pgid);
    if (!alive) return true;
    const left = end - performance.now();
    if (left <= 0) return false;
    await sleep(Math.min(pause, left));
  }
}

/** The variable that marks the processes of one run of an agent: all of them inherit it. */
export const RUN_VARIABLE = "RALPH_RUN";

/** Options for {@linkcode endMarkedProcesses}. */
export interface EndMarkedProcessesOptions extends EndProcessGroupOptions {
  /**
   * Only check processes with a greater pid: children have greater pids than their parent, which
   * rules out most processes. @default {0}
   */
  abovePid?: number | undefined;
}

/**
 * Ends every process that has a variable with a given value, in any process group: Claude Code, for
 * example, gives each of its shells a separate group, which outlives the agent's. Only Linux shows
 * the environment of processes; elsewhere this finds nothing.
 *
 * @param value Its value, which must be unique to these processes.
 * @returns Whether nothing is left.
 */
export async function endMarkedProcesses(
  name: string,
  value: string,
  options: EndMarkedProcessesOptions = {},
): Promise<boolean> {
  if (process.platform !== "linux") return true;
  const { abovePid = 0, ...grace } = options;
  // An ended process may have started another meanwhile: repeat until there is none.
  for (let round = 0; round < 5; round++) {
    const groups = markedGroups(`${name}=${value}`, abovePid);
    if (groups.length === 0) return true;
    await Promise.all(groups.map((group) => endProcessGroup(group, grace)));
  }
  return markedGroups(`${name}=${value}`, abovePid).length === 0;
}

/** Synchronous, because it never touches a disk, and checking every process has to be fast. */
function markedGroups(mark: string, abovePid: number): number[] {
  const groups = new Set<number>();
  const wanted = Buffer.from(mark);
  for (const name of readdirSync("/proc")) {
    if (!(Number(name) > abovePid)) continue;
    const environment = readProcess(name, "environ");
    if (environment === undefined || !hasVariable(environment, wanted)) continue;
    const stat = readProcess(name, "stat")?.toString() ?? "";
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state !== "Z" && state !== "X" && Number(group) > 1) groups.add(Number(group));
  }
  return [...groups];
}

/** Other users' processes cannot be read, and are not ours; some processes end meanwhile. */
function readProcess(pid: string, file: string): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`);
  } catch {
    return undefined;
  }
}

/** Whether an environment has exactly this variable; each one ends with a zero byte. */
function hasVariable(environment: Buffer, variable: Buffer): boolean {
  const at = environment.indexOf(variable);
  if (at === -1 || (at > 0 && environment[at - 1] !== 0)) return false;
  const end = environment[at + variable.length];
  return end === undefined || end === 0;
}

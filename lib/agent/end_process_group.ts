import { readdir, readFile } from "node:fs/promises";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** Options for {@linkcode endProcessGroup}. */
export interface EndProcessGroupOptions {
  /** How long the group may take to end after SIGTERM, in milliseconds. @default {5000} */
  graceMs?: number;
}

/** After SIGKILL only a process stuck in the kernel is left, which nobody can wait for. */
const KILL_WAIT_MS = 2000;

/**
 * Ends all processes of a group: SIGTERM, and SIGKILL for what is left after `graceMs`.
 *
 * Returns at once if the group is empty. Processes that have ended and that nobody has
 * collected (zombies, common in containers) count as gone.
 *
 * @example Usage
 * ```ts ignore
 * import { endProcessGroup } from "@ralph/cli";
 * await endProcessGroup(48213, { graceMs: 1000 });
 * ```
 *
 * @param pgid The process group: the pid of a process that was started detached.
 * @param options Additional options.
 * @returns Whether no process of the group is left.
 * @throws {RangeError} If `pgid` is not a group that can be meant: 0 and 1 would be everything.
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
 * Says whether a process group has a process that runs.
 *
 * @param pgid The process group.
 * @returns Whether there is one; zombies do not count where the system lets us tell (Linux).
 */
export async function isProcessGroupAlive(pgid: number): Promise<boolean> {
  if (!signalGroup(pgid, 0)) return false;
  if (process.platform !== "linux") return true;
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    // Name in parentheses, which may hold anything; then state, parent, group.
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(group) === pgid && state !== "Z" && state !== "X") return true;
  }
  return false;
}

/** Sends a signal; 0 only asks. Says whether there was anybody to get it. */
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
    // The look into /proc costs more than the signal: only once it is worth it.
    const alive = pause < 16 ? signalGroup(pgid, 0) : await isProcessGroupAlive(pgid);
    if (!alive) return true;
    const left = end - performance.now();
    if (left <= 0) return false;
    await sleep(Math.min(pause, left));
  }
}

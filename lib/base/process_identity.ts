import { readFileSync } from "node:fs";
import process from "node:process";

/** The identity of a process, distinct from a later process with the same pid. */
export interface ProcessIdentity {
  /** Its number. */
  pid: number;
  /**
   * When it started, as text to be compared for equality only. Empty where the system does not
   * report it; then only the pid counts.
   */
  start: string;
}

/** What is known about a live process. */
interface Observed {
  start: string;
  /** Milliseconds since the epoch; `NaN` where the system does not report it. */
  startedAt: number;
}

/** Linux reports times to programs in 100 clock ticks per second. */
const MS_PER_TICK = 10;

function observeLinux(pid: number): Observed | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The name of the program is in parentheses and may contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields[19];
  // A zombie has ended: it only waits for its parent to collect it.
  if (ticks === undefined || fields[0] === "Z" || fields[0] === "X") return undefined;
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return {
    start: `${boot}:${ticks}`,
    get startedAt() {
      const bootSeconds = /^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1];
      return Number(bootSeconds ?? NaN) * 1000 + Number(ticks) * MS_PER_TICK;
    },
  };
}

function observeWithPs(pid: number): Observed | undefined {
  // Loaded only here: most systems never need it, and it takes long to load.
  const { execFileSync } = process.getBuiltinModule("node:child_process");
  try {
    const text = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    const match = /^(\S+)\s+(.+)$/.exec(text);
    if (!match?.[2] || match[1]?.startsWith("Z")) return undefined;
    return { start: match[2], startedAt: Date.parse(`${match[2]} UTC`) };
  } catch (error) {
    // ps exits with 1 if there is no such process; any other failure means that ps is not usable.
    if ((error as { status?: unknown }).status === 1) return undefined;
    return isThere(pid) ? { start: "", startedAt: NaN } : undefined;
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function observe(pid: number): Observed | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return process.platform === "linux" ? observeLinux(pid) : observeWithPs(pid);
}

/**
 * Identifies a live process by its pid and its start time.
 *
 * @example Usage
 * ```ts
 * import { isAlive, processIdentity } from "./process_identity.ts";
 * import process from "node:process";
 *
 * const me = processIdentity(process.pid);
 * console.assert(me !== undefined && isAlive(me));
 * ```
 *
 * @param pid The pid of the process.
 * @returns Its identity; `undefined` if there is no such process, or it is a zombie.
 */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  const observed = observe(pid);
  return observed && { pid, start: observed.start };
}

/**
 * Whether a process that was identified earlier still runs. A later process with the same pid does
 * not count.
 *
 * @returns Whether it runs; a zombie does not.
 */
export function isAlive(identity: ProcessIdentity): boolean {
  const observed = observe(identity.pid);
  if (!observed) return false;
  return identity.start === "" || observed.start === "" || observed.start === identity.start;
}

/**
 * When a live process started.
 *
 * @param pid The pid of the process.
 * @returns Milliseconds since the epoch, exact to about a second; `undefined` if there is no such
 * process or the system does not report it.
 */
export function processStartTime(pid: number): number | undefined {
  const startedAt = observe(pid)?.startedAt;
  return startedAt === undefined || Number.isNaN(startedAt) ? undefined : startedAt;
}

import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { endProcessGroup, type EndProcessGroupOptions } from "./end_process_group.ts";

/** The variable that marks the processes of one run of an agent: all of them inherit it. */
export const RUN_VARIABLE = "RALPH_RUN";

/** Options for {@linkcode endMarkedProcesses}. */
export interface EndMarkedProcessesOptions extends EndProcessGroupOptions {
  /**
   * Only processes with a greater pid: those that a process has started come after it, and
   * most processes of a machine need not be looked at then. @default {0}
   */
  abovePid?: number;
}

/**
 * Ends every process that carries a variable with a value, in whatever process group it is:
 * Claude Code, for one, gives each of its shells a group of its own, which outlives the
 * agent's. Where the system does not show us the environment of processes (anywhere but on
 * Linux) nothing is found.
 *
 * @param name The variable.
 * @param value Its value, which nothing else may carry.
 * @param options Additional options.
 * @returns Whether nothing is left.
 */
export async function endMarkedProcesses(
  name: string,
  value: string,
  options: EndMarkedProcessesOptions = {},
): Promise<boolean> {
  if (process.platform !== "linux") return true;
  const { abovePid = 0, ...grace } = options;
  // What is ended may have started something else meanwhile: look until there is nothing.
  for (let round = 0; round < 5; round++) {
    const groups = markedGroups(`${name}=${value}`, abovePid);
    if (groups.length === 0) return true;
    await Promise.all(groups.map((group) => endProcessGroup(group, grace)));
  }
  return markedGroups(`${name}=${value}`, abovePid).length === 0;
}

/** Synchronous: none of it touches a disk, and a look at every process must not cost a loop its time. */
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

/** Processes of other users cannot be read, and are not ours; others end while we look. */
function readProcess(pid: string, file: string): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`);
  } catch {
    return undefined;
  }
}

/** Whether an environment holds a variable as a whole: each ends with a zero byte. */
function hasVariable(environment: Buffer, variable: Buffer): boolean {
  const at = environment.indexOf(variable);
  if (at === -1 || (at > 0 && environment[at - 1] !== 0)) return false;
  const end = environment[at + variable.length];
  return end === undefined || end === 0;
}

import { readdir, readFile } from "node:fs/promises";
import process from "node:process";
import { endProcessGroup } from "../agent/end_process_group.ts";
import { isAlive } from "../session/process_identity.ts";
import type { Session } from "../session/session.ts";

/** The variable by which the processes of a session are known: all of them inherit it. */
export const SESSION_VARIABLE = "RALPH_SESSION";

/**
 * Ends every process that a session has started and that is left: the group of its
 * agent, by pid and start time, and where the system lets us look (Linux) also whatever
 * else carries the session's variable, such as an agent that was started in the very
 * moment in which its worker died.
 *
 * @param session The session; its worker must be dead.
 * @returns Whether nothing is left.
 */
export async function endSessionProcesses(
  session: Pick<Session, "id" | "agentProcess">,
): Promise<boolean> {
  const { id, agentProcess } = session;
  let gone = true;
  if (agentProcess !== null && isAlive(agentProcess)) {
    gone = await endProcessGroup(agentProcess.pid);
  }
  // What is ended may have started something else meanwhile: look until there is nothing.
  for (let round = 0; round < 5; round++) {
    const groups = await groupsOfSession(id);
    if (groups.length === 0) return gone;
    const ended = await Promise.all(groups.map((group) => endProcessGroup(group)));
    gone = ended.every(Boolean);
  }
  return gone;
}

async function groupsOfSession(id: string): Promise<number[]> {
  if (process.platform !== "linux") return [];
  const wanted = `${SESSION_VARIABLE}=${id}`;
  const groups = new Set<number>();
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  await Promise.all(pids.map(async (pid) => {
    // Processes of other users cannot be read, and are not ours.
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (!environment.split("\0").includes(wanted)) return;
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state !== "Z" && state !== "X" && Number(group) > 1) groups.add(Number(group));
  }));
  return [...groups];
}

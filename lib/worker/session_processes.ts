import { endMarkedProcesses, endProcessGroup } from "../base/end_processes.ts";
import { SESSION_VARIABLE } from "../agent/agent_environment.ts";
import { isAlive } from "../base/process_identity.ts";
import type { Session } from "../session/model/session.ts";

export { SESSION_VARIABLE };

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
  const gone = agentProcess === null || !isAlive(agentProcess) ||
    await endProcessGroup(agentProcess.pid);
  return await endMarkedProcesses(SESSION_VARIABLE, id) && gone;
}

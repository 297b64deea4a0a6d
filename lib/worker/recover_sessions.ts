import { join } from "node:path";
import { cleanUpPty } from "../agent/clean_up_pty.ts";
import { clearStaleLock } from "../git/clear_stale_lock.ts";
import type { LoopOutcome } from "../event/loop_event.ts";
import { progressSink } from "../task/progress/progress_sink.ts";
import { removeStaleSocket } from "../rpc/server/socket_path.ts";
import { isAlive } from "../base/process_identity.ts";
import { Recorder } from "../session/recorder.ts";
import type { Registry } from "../session/registry/registry.ts";
import { endedStatus, type Session } from "../session/model/session.ts";
import { openSessionLog } from "../session/log/session_log.ts";
import type { SessionPaths } from "../session/model/session_paths.ts";
import { lockTask, TaskLockedError } from "../base/lock.ts";
import { lastWords } from "./last_words.ts";
import { replayLog } from "./replay_log.ts";
import { endMarkedProcesses, endProcessGroup } from "../base/end_processes.ts";
import { SESSION_VARIABLE } from "../agent/agent_environment.ts";

/** Why a session ended whose worker was killed. */
export const WORKER_DIED = "worker died";

/** Options for {@linkcode recoverSessions}. */
export interface RecoverSessionsOptions {
  /** Where ralph keeps its files. */
  paths: Pick<SessionPaths, "sessionsDir" | "stateDir">;
  /** Only the sessions of this task folder. @default {all} */
  taskDir?: string;
  /** How the sessions ended, if it is known better than that the worker died. */
  as?: { outcome: LoopOutcome; reason: string };
  /** Whether the caller has the lock of `taskDir` already. @default {false} */
  locked?: boolean;
}

/**
 * Finds sessions that are recorded as running and whose worker is dead, and makes the
 * registry tell the truth about them: what the log knows and the registry does not is
 * replayed, what the agent still runs is ended, a story that was finished in the
 * iteration that was cut short is credited to it, and the session is marked as failed.
 *
 * A session that has ended, or whose worker lives, is never changed.
 *
 * @param registry The registry.
 * @param options Which sessions, and where their logs are.
 * @returns The sessions that this call ended, as they are now.
 */
export async function recoverSessions(
  registry: Registry,
  options: RecoverSessionsOptions,
): Promise<Session[]> {
  const { paths, taskDir, locked = false } = options;
  const as = options.as ?? { outcome: "failed", reason: WORKER_DIED };
  const recovered: Session[] = [];
  for (const session of registry.runningSessions()) {
    if (taskDir !== undefined && session.taskDir !== taskDir) continue;
    if (session.worker !== null && isAlive(session.worker)) continue;
    if (session.transport !== "local") continue;
    using _lock = locked ? undefined : tryLock(session.taskDir, paths.stateDir);
    if (!locked && _lock === undefined) continue;
    // Somebody else may have done it before we had the lock.
    if (registry.getSession(session.id)?.status !== "running") continue;
    await recoverSession(registry, session, { dir: join(paths.sessionsDir, session.id), as });
    if (session.socket !== null) await removeStaleSocket(session.socket, paths);
    const now = registry.getSession(session.id);
    if (now !== undefined) recovered.push(now);
  }
  return recovered;
}

function tryLock(taskDir: string, stateDir: string): Disposable | undefined {
  try {
    return lockTask(taskDir, { stateDir });
  } catch (error) {
    if (error instanceof TaskLockedError) return undefined;
    throw error;
  }
}

async function recoverSession(
  registry: Registry,
  session: Session,
  { dir, as }: { dir: string; as: { outcome: LoopOutcome; reason: string } },
): Promise<void> {
  await endSessionProcesses(session);
  if (session.root !== "") {
    await clearStaleLock(session.root);
    await cleanUpPty({ cwd: session.root, sessionId: session.id });
  }
  await using log = await openSessionLog(dir);
  const known = await replayLog(registry, session, dir);
  if (registry.getSession(session.id)?.status !== "running") return;
  if (known.started === undefined) {
    registry.endSession(session.id, endedStatus(as.outcome), as.reason, { outcome: as.outcome });
    return;
  }
  await using recorder = new Recorder(session.id, { registry, log });
  const writeProgress = progressSink({
    task: {
      name: session.task,
      dir: session.taskDir,
      root: session.root,
      prdFile: join(session.taskDir, "prd.json"),
      progressFile: join(session.taskDir, "progress.txt"),
    },
  });
  for (const event of await lastWords(session, known, as)) {
    if (event.type === "loop_finished") await writeProgress(event);
    await recorder.write(event);
  }
}

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

import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../base/error_code.ts";
import { clearStaleLock } from "../git/clear_stale_lock.ts";
import type { LoopOutcome } from "../event/vocabulary.ts";
import { progressSink } from "../task/progress/progress_sink.ts";
import { removeStaleSocket } from "../rpc/server/socket_path.ts";
import { isAlive } from "../base/process_identity.ts";
import { Recorder } from "../session/recorder.ts";
import type { Registry } from "../session/registry/registry.ts";
import { endedStatus, type Session } from "../session/model/session.ts";
import { openSessionLog } from "../session/log/session_log.ts";
import { scratchDir, type SessionPaths } from "../session/model/session_paths.ts";
import { lockTask, TaskLockedError } from "../base/lock.ts";
import { killReason } from "./control_file.ts";
import { lastWords } from "./last_words.ts";
import { replayLog } from "./replay_log.ts";
import { endMarkedProcesses, endProcessGroup } from "../base/end_processes.ts";
import { SESSION_VARIABLE } from "../agent/agent_environment.ts";

/** The exit reason of a session whose worker was killed. */
const WORKER_DIED = "worker died";

/** Options for {@linkcode recoverSessions}. */
export interface RecoverSessionsOptions {
  /** Where ralph keeps its files. */
  paths: Pick<SessionPaths, "sessionsDir" | "stateDir">;
  /** Only the sessions of this task folder. @default {all} */
  taskDir?: string | undefined;
  /** How the sessions ended, if more is known than that the worker died. */
  as?: { outcome: LoopOutcome; reason: string } | undefined;
  /** Whether the caller already has the lock of `taskDir`. @default {false} */
  locked?: boolean | undefined;
  /**
   * Takes what is wrong with one session, in one line. Without it the first problem is thrown, when
   * all other sessions have been seen to.
   */
  onWarning?: ((message: string) => void) | undefined;
}

/**
 * Finds sessions that are recorded as running although their worker is dead, and corrects the
 * registry: it replays what only the log knows, ends what the agent still runs, credits a story
 * that was finished in the interrupted iteration to it, and marks the session as failed.
 *
 * A session that has ended, or whose worker is alive, is never changed.
 *
 * @example Usage
 * ```ts ignore
 * import { openRegistry, recoverSessions, sessionPaths } from "@ralph/cli";
 *
 * using registry = openRegistry();
 * const ended = await recoverSessions(registry, { paths: sessionPaths() });
 * for (const { task, endReason } of ended) console.log(task, endReason);
 * ```
 *
 * @returns The sessions that this call ended, as they are now.
 */
export async function recoverSessions(
  registry: Registry,
  options: RecoverSessionsOptions,
): Promise<Session[]> {
  const { paths, taskDir, locked = false, onWarning } = options;
  const problems: Error[] = [];
  const warn = onWarning ?? ((message: string) => void problems.push(new Error(message)));
  const recovered: Session[] = [];
  for (const session of registry.runningSessions()) {
    if (taskDir !== undefined && session.taskDir !== taskDir) continue;
    if (session.worker !== null && isAlive(session.worker)) continue;
    if (session.transport !== "local") continue;
    using _lock = locked ? undefined : tryLock(session.taskDir, paths.stateDir);
    if (!locked && _lock === undefined) continue;
    // Another process may have done it before we had the lock.
    if (registry.getSession(session.id)?.status !== "running") continue;
    const dir = join(paths.sessionsDir, session.id);
    try {
      const as = options.as ?? await causeOfDeath(dir);
      await recoverSession(registry, session, { dir, as, warn });
      if (session.socket !== null) await removeStaleSocket(session.socket, paths);
    } catch (error) {
      // One that cannot be recovered now must not keep the others from it.
      const why = error instanceof Error ? error.message : String(error);
      warn(`Cannot recover session ${session.id} of ${session.task}: ${why}`);
      continue;
    }
    const now = registry.getSession(session.id);
    if (now !== undefined) recovered.push(now);
  }
  const [problem] = problems;
  if (problem !== undefined) throw problem;
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

interface RecoverSessionOptions {
  dir: string;
  as: { outcome: LoopOutcome; reason: string };
  warn: (message: string) => void;
}

async function recoverSession(
  registry: Registry,
  session: Session,
  { dir, as, warn }: RecoverSessionOptions,
): Promise<void> {
  await endSessionProcesses(session);
  if (session.root !== "") {
    await clearStaleLock(session.root);
  }
  if (!await canHoldLog(dir)) {
    warn(
      `Cannot read the log of session ${session.id} of ${session.task}: "${dir}" is not a folder`,
    );
    registry.endSession(session.id, endedStatus(as.outcome), as.reason, { outcome: as.outcome });
    return;
  }
  await rm(scratchDir(dir), { recursive: true, force: true });
  await using log = await openSessionLog(dir);
  const known = await replayLog(registry, session, { dir, warn });
  if (registry.getSession(session.id)?.status !== "running") return;
  if (known.started === undefined) {
    registry.endSession(session.id, endedStatus(as.outcome), as.reason, { outcome: as.outcome });
    return;
  }
  await using recorder = new Recorder(session.id, { registry, log });
  await using progress = progressSink({
    task: {
      name: session.task,
      dir: session.taskDir,
      root: session.root,
      prdFile: join(session.taskDir, "prd.json"),
      progressFile: join(session.taskDir, "progress.txt"),
    },
  });
  for (const event of await lastWords(session, known, as)) {
    if (event.type === "loop_finished") {
      // An agent may have put anything in the place of progress.txt: the session ends all the same.
      await progress.write(event).catch(async ({ message }: Error) => {
        await recorder.write({ time: event.time, type: "warning", message });
      });
    }
    await recorder.write(event);
  }
}

async function causeOfDeath(dir: string): Promise<{ outcome: LoopOutcome; reason: string }> {
  const reason = await killReason(dir);
  return reason === undefined
    ? { outcome: "failed", reason: WORKER_DIED }
    : { outcome: "stopped", reason };
}

/** Whether there is a folder, or may be one. */
async function canHoldLog(dir: string): Promise<boolean> {
  try {
    return (await stat(dir)).isDirectory();
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return true;
    if (code === "ENOTDIR") return false;
    throw error;
  }
}

export { SESSION_VARIABLE };

/**
 * Ends every remaining process that a session started: the process group of its agent, by pid and
 * start time, and, where the system allows it (Linux), everything else that carries the session's
 * variable, such as an agent that was started at the very moment when its worker died. The
 * session's worker must be dead.
 *
 * @returns Whether no process is left.
 */
async function endSessionProcesses(
  session: Pick<Session, "id" | "agentProcess">,
): Promise<boolean> {
  const { id, agentProcess } = session;
  const gone = agentProcess === null || !isAlive(agentProcess) ||
    await endProcessGroup(agentProcess.pid);
  return await endMarkedProcesses(SESSION_VARIABLE, id) && gone;
}

import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { isAlive } from "../base/process_identity.ts";
import type { Registry } from "../session/registry/registry.ts";
import type { Session } from "../session/model/session.ts";
import type { SessionPaths } from "../session/model/session_paths.ts";
import { announceKill } from "./control_file.ts";
import { recoverSessions } from "./recover_sessions.ts";
import { steer } from "./steer.ts";

/** Options for {@linkcode stopSession}. */
export interface StopSessionOptions {
  /** The registry. */
  registry: Registry;
  /** Where ralph keeps its files. */
  paths: SessionPaths;
  /**
   * `stop`: end the agent and save; `checkpoint`: end after the current iteration; `kill`: end
   * everything at once. @default {"stop"}
   */
  how?: "stop" | "checkpoint" | "kill" | undefined;
  /** Who asks, or why. */
  reason: string;
  /** Ends the wait, not the session; rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** How often to check the session, in milliseconds. */
const LOOK_MS = 50;

/**
 * Asks a running session to end, and waits until it has. Only its worker and its agent end; a
 * server that the agent used keeps running.
 *
 * @example Usage
 * ```ts ignore
 * import { openRegistry, sessionPaths, stopSession } from "@ralph/cli";
 *
 * using registry = openRegistry();
 * const paths = sessionPaths();
 * for (const session of registry.runningSessions()) {
 *   await stopSession(session, { registry, paths, how: "checkpoint", reason: "maintenance" });
 * }
 * ```
 *
 * @returns The session after it has ended.
 */
export async function stopSession(
  session: Session,
  options: StopSessionOptions,
): Promise<Session> {
  const { registry, paths, how = "stop", reason, signal } = options;
  const dir = join(paths.sessionsDir, session.id);
  if (how === "kill") {
    if (session.worker !== null && isAlive(session.worker)) {
      // Others wait for this session too, and may be the first to find its worker dead.
      await announceKill(dir, reason);
      process.kill(session.worker.pid, "SIGKILL");
    }
  } else {
    await steer(session, { kind: how, reason }, { paths });
  }
  for (;;) {
    signal?.throwIfAborted();
    const now = registry.getSession(session.id);
    if (now === undefined || now.status !== "running") return now ?? session;
    if (now.worker === null || !isAlive(now.worker)) {
      await recoverSessions(registry, {
        paths,
        taskDir: now.taskDir,
        as: how === "kill" ? { outcome: "stopped", reason } : undefined,
      });
    }
    await delay(LOOK_MS);
  }
}

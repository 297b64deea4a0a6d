import type { Session } from "../session/model/session.ts";

/** Thrown when a task is to be run that runs already. */
export class TaskRunningError extends Error {
  /** What to do about it. */
  readonly hint: string;
  /** The session that runs; absent if it has only just begun. */
  readonly session?: Session;

  /**
   * Makes the error.
   *
   * @param task The name of the task.
   * @param session The session that runs, if it is known.
   */
  constructor(task: string, session?: Session) {
    const known = session?.status === "running" && session.worker !== null
      ? ` (pid ${session.worker.pid}, since ${session.startedAt.slice(0, 19)}Z)`
      : "";
    super(`Cannot run ${task}: it is already running${known}`);
    this.name = "TaskRunningError";
    this.hint = `ralph attach ${task}`;
    if (known !== "" && session !== undefined) this.session = session;
  }
}

import type { DatabaseSync } from "node:sqlite";
import { ulid } from "@std/ulid";
import type { IterationSummary } from "../../event/loop_event.ts";
import { type FindSessionsOptions, findSessionsQuery } from "./find_sessions_query.ts";
import {
  type ColumnValue,
  iterationFromRow,
  patchColumns,
  sessionFromRow,
  summaryColumns,
} from "./session_row.ts";
import { SessionNotFoundError } from "./registry_error.ts";
import { Statements } from "./statements.ts";
import type {
  EndSessionOptions,
  FinishIterationOptions,
  Iteration,
  IterationStart,
  NewSession,
  Session,
  SessionPatch,
} from "../model/session.ts";
import type { EndedStatus } from "../../event/vocabulary.ts";

/** How long every call waits for another process that writes. */
export const BUSY_TIMEOUT_MS = 5_000;

/**
 * The registry of sessions. Every method is one transaction and synchronous, as SQLite is; it waits
 * at most 5 seconds for another writer.
 *
 * The history is never rewritten: the end of a session or an iteration is final, and running a task
 * again adds a session.
 *
 * Get one from {@linkcode openRegistry}.
 *
 * @example Usage
 * ```ts
 * import { openRegistry } from "@ralph/cli";
 *
 * using registry = openRegistry({ path: ":memory:" });
 * console.assert(registry.runningSessions().length === 0);
 * ```
 */
export class Registry implements Disposable {
  readonly #db: DatabaseSync;
  readonly #now: () => Date;
  readonly #statements: Statements;

  /** Use {@linkcode openRegistry} instead: it migrates the database first. */
  constructor(db: DatabaseSync, now: () => Date) {
    this.#db = db;
    this.#now = now;
    this.#statements = new Statements(db);
  }

  /** Closes the database. */
  [Symbol.dispose](): void {
    this.#db.close();
  }

  /**
   * Runs several calls in one transaction, which is rolled back if one throws.
   *
   * @param work Makes synchronous calls on this registry.
   * @param options How long to wait for another process that writes, in milliseconds; 5,000 by default.
   * @returns What `work` returned.
   */
  transaction<T>(work: () => T, options: { waitMs?: number | undefined } = {}): T {
    if (this.#db.isTransaction) return work();
    const { waitMs = BUSY_TIMEOUT_MS } = options;
    if (waitMs !== BUSY_TIMEOUT_MS) this.#db.exec(`PRAGMA busy_timeout = ${waitMs}`);
    try {
      return this.#transact(work);
    } finally {
      if (waitMs !== BUSY_TIMEOUT_MS) this.#db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  #transact<T>(work: () => T): T {
    // A transaction that begins with a read cannot wait for a writer later.
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /**
   * Adds a session, which runs from now on.
   *
   * @param session Its data.
   * @returns The recorded session.
   */
  createSession(session: NewSession): Session {
    const now = this.#now();
    const limits = session.limits ?? {};
    const id = session.id ?? ulid(now.getTime());
    const columns: Record<string, ColumnValue> = {
      id,
      task: session.task,
      task_dir: session.taskDir,
      root: session.root,
      transport: session.transport ?? "local",
      started_at: now.toISOString(),
      ...patchColumns({
        branch: session.branch ?? null,
        worker: session.worker ?? null,
        agent: session.agent,
        limits,
        maxIterations: limits.iterations ?? null,
        stories: session.stories ?? null,
        serverPort: session.serverPort ?? null,
        updatedAt: now.toISOString(),
      }),
    };
    this.#statements.insert("sessions", columns);
    return this.#require(id);
  }

  /**
   * Changes a running session.
   *
   * @param patch What changes; `updatedAt` is now by default.
   * @returns Whether it was changed; `false` if it has ended.
   * @throws {SessionNotFoundError} If there is no such session.
   */
  updateSession(id: string, patch: SessionPatch): boolean {
    const columns = patchColumns({ updatedAt: this.#now().toISOString(), ...patch });
    return this.#changed(id, this.#updateRunning(id, columns));
  }

  /**
   * Ends a running session and its current iteration, and clears its agent.
   *
   * @param reason Why, in one line.
   * @returns Whether this call ended it; `false` if it had already ended, which changes nothing.
   * @throws {SessionNotFoundError} If there is no such session.
   */
  endSession(
    id: string,
    status: EndedStatus,
    reason: string,
    options: EndSessionOptions = {},
  ): boolean {
    const endedAt = options.endedAt ?? this.#now().toISOString();
    return this.transaction(() => {
      const ended = this.#updateRunning(id, {
        status,
        end_reason: reason,
        end_outcome: options.outcome ?? null,
        agent_pid: null,
        agent_start: null,
        socket: null,
        updated_at: endedAt,
        ended_at: endedAt,
      });
      if (ended) {
        const outcome = status === "failed" ? "failed" : "aborted";
        this.#statements.update("iterations", {
          set: { outcome, error: reason, ended_at: endedAt },
          where: "session_id = ? AND outcome IS NULL",
          values: [id],
        });
      }
      return this.#changed(id, ended);
    });
  }

  /**
   * Adds a running iteration, and makes it the current one of its session.
   *
   * @param start Its data.
   * @returns Whether it was added; `false` if the session has ended.
   * @throws {SessionNotFoundError} If there is no such session.
   */
  beginIteration(id: string, start: IterationStart): boolean {
    const startedAt = start.startedAt ?? this.#now().toISOString();
    return this.transaction(() => {
      const runs = this.updateSession(id, {
        iteration: start.iteration,
        currentStory: start.story.id,
        agent: start.agent,
        agentProcess: null,
        updatedAt: startedAt,
      });
      if (!runs) return false;
      this.#statements.insert("iterations", {
        session_id: id,
        iteration: start.iteration,
        story: start.story.id,
        story_title: start.story.title,
        agent: start.agent,
        model: start.model ?? null,
        attempt: start.attempt ?? 1,
        started_at: startedAt,
      });
      return true;
    });
  }

  /**
   * Records the end of an iteration.
   *
   * @returns Whether it was recorded; `false` if it had already ended or never began.
   */
  finishIteration(
    id: string,
    summary: IterationSummary,
    options: FinishIterationOptions = {},
  ): boolean {
    const endedAt = options.endedAt ?? this.#now().toISOString();
    return this.transaction(() => {
      this.updateSession(id, {
        agentProcess: null,
        stories: summary.stories,
        updatedAt: endedAt,
        agentSessionId: summary.agentSessionId,
      });
      return this.#statements.update("iterations", {
        set: { ...summaryColumns(summary), ended_at: endedAt },
        where: "session_id = ? AND iteration = ? AND outcome IS NULL",
        values: [id, summary.iteration],
      });
    });
  }

  /**
   * Finds a session by its id.
   *
   * @returns The session; `undefined` if there is none.
   */
  getSession(id: string): Session | undefined {
    const row = this.#statements.prepare("SELECT * FROM sessions WHERE id = ?").get(id);
    return row && sessionFromRow(row);
  }

  /**
   * Finds sessions, newest first.
   *
   * @param options Which ones; all by default.
   */
  findSessions(options: FindSessionsOptions = {}): Session[] {
    const { sql, values } = findSessionsQuery(options);
    return this.#statements.prepare(sql).all(...values).map(sessionFromRow);
  }

  /**
   * Finds the newest session of a task folder.
   *
   * @param taskDir The folder, an absolute path.
   * @returns The session; `undefined` if the task was never run.
   */
  latestSession(taskDir: string): Session | undefined {
    return this.findSessions({ taskDir, limit: 1 })[0];
  }

  /**
   * Finds the sessions that are recorded as running, newest first. Check with {@linkcode isAlive}
   * whether their workers are alive.
   */
  runningSessions(): Session[] {
    return this.findSessions({ status: "running" });
  }

  /**
   * Lists the iterations of a session in their order.
   *
   * @returns The iterations; none if there is no such session.
   */
  listIterations(id: string): Iteration[] {
    return this.#statements.prepare(
      "SELECT * FROM iterations WHERE session_id = ? ORDER BY iteration",
    )
      .all(id).map(iterationFromRow);
  }

  /**
   * The attempt at its current story of each session, counted from 1.
   *
   * @param sessions The sessions; one that has not begun an iteration is not in the result.
   */
  currentAttempts(sessions: readonly Pick<Session, "id" | "iteration">[]): Map<string, number> {
    // One statement for all: a thousand of them take as long as all the rest of `ralph status`.
    const pairs = JSON.stringify(sessions.map(({ id, iteration }) => [id, iteration]));
    const rows = this.#statements.prepare(
      "SELECT session_id, attempt FROM json_each(?) AS wanted JOIN iterations" +
        " ON session_id = wanted.value ->> 0 AND iteration = wanted.value ->> 1",
    ).all(pairs);
    return new Map(rows.map((row) => [String(row["session_id"]), Number(row["attempt"])]));
  }

  /**
   * Deletes ended sessions with their iterations. The caller has to delete their logs.
   *
   * @param ids Their ids; running and unknown sessions are skipped.
   * @returns The ids of the deleted sessions.
   */
  deleteSessions(ids: readonly string[]): string[] {
    return this.transaction(() => {
      const remove = this.#statements.prepare(
        "DELETE FROM sessions WHERE id = ? AND status <> 'running'",
      );
      return ids.filter((id) => Number(remove.run(id).changes) > 0);
    });
  }

  #updateRunning(id: string, set: Record<string, ColumnValue>): boolean {
    return this.#statements.update("sessions", {
      set,
      where: "id = ? AND status = 'running'",
      values: [id],
    });
  }

  #changed(id: string, changed: boolean): boolean {
    if (!changed) this.#require(id);
    return changed;
  }

  #require(id: string): Session {
    const session = this.getSession(id);
    if (!session) throw new SessionNotFoundError(id);
    return session;
  }
}

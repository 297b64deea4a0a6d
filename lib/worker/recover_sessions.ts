import { join } from "node:path";
import { cleanUpPty } from "../agent/clean_up_pty.ts";
import { changesBetween } from "../task/changes_between.ts";
import { clearStaleLock } from "../task/clear_stale_lock.ts";
import { gitSnapshot } from "../task/git_snapshot.ts";
import { PrdError } from "../task/prd_error.ts";
import { readPrd } from "../task/read_prd.ts";
import { setStoryPasses } from "../task/set_story_passes.ts";
import { GitError } from "../task/run_git.ts";
import type {
  LoopEvent,
  LoopOutcome,
  LoopResult,
  StoryCount,
  StoryRef,
} from "../loop/loop_event.ts";
import { progressSink } from "../loop/progress_sink.ts";
import { removeStaleSocket } from "../rpc/socket_path.ts";
import { isAlive } from "../session/process_identity.ts";
import { readSessionLog } from "../session/read_session_log.ts";
import { Recorder } from "../session/recorder.ts";
import type { Registry } from "../session/registry.ts";
import { registryWrite } from "../session/registry_writes.ts";
import { endedStatus, type Session } from "../session/session.ts";
import { openSessionLog } from "../session/session_log.ts";
import type { SessionPaths } from "../session/session_paths.ts";
import { lockTask, TaskLockedError } from "../session/task_lock.ts";
import { endSessionProcesses } from "./session_processes.ts";

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
  const known = await replay(registry, session, dir);
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

/** What the log of a session tells. */
interface Known {
  started: Extract<LoopEvent, { type: "loop_started" }> | undefined;
  /** The iteration that was begun and not finished. */
  open: Extract<LoopEvent, { type: "iteration_started" }> | undefined;
  /** Ids of the stories that passed when the log ends. */
  passing: Set<string>;
  stories: StoryCount;
  iterations: number;
  agents: Record<string, number>;
  failovers: number;
  commits: number;
}

/** Brings the registry up to the log, which is ahead of it by a moment at most. */
async function replay(registry: Registry, session: Session, dir: string): Promise<Known> {
  const known: Known = {
    started: undefined,
    open: undefined,
    passing: new Set(),
    stories: session.stories ?? { done: 0, total: 0 },
    iterations: 0,
    agents: {},
    failovers: 0,
    commits: 0,
  };
  const rows = new Set(registry.listIterations(session.id).map((row) => row.iteration));
  for await (const { event } of readSessionLog(dir)) {
    learn(known, event);
    const write = registryWrite(event);
    if (write.kind === "begin" && !rows.has(write.start.iteration)) {
      registry.beginIteration(session.id, write.start);
    } else if (write.kind === "finish") {
      registry.finishIteration(session.id, write.summary, { endedAt: write.endedAt });
    } else if (write.kind === "end") {
      registry.endSession(session.id, write.status, write.reason, write.options);
    }
  }
  return known;
}

function learn(known: Known, event: LoopEvent): void {
  if (event.type === "loop_started") {
    known.started = event;
    known.stories = event.stories;
    for (const { id, passes } of event.list) if (passes) known.passing.add(id);
  } else if (event.type === "iteration_started") {
    known.open = event;
    known.iterations = event.iteration;
    known.agents[event.agent] = (known.agents[event.agent] ?? 0) + 1;
  } else if (event.type === "iteration_finished") {
    known.open = undefined;
    known.stories = event.stories;
    known.commits += event.commits;
    for (const id of event.passed) known.passing.add(id);
  } else if (event.type === "story_set_back") {
    known.passing.delete(event.story.id);
  } else if (event.type === "failed_over") {
    known.failovers++;
  }
}

async function lastWords(
  session: Session,
  known: Known,
  as: { outcome: LoopOutcome; reason: string },
): Promise<LoopEvent[]> {
  const time = new Date().toISOString();
  const events: LoopEvent[] = [];
  const { open } = known;
  if (open !== undefined) {
    const found = await lookAround(session, known, open.head);
    known.stories = found.stories;
    known.commits += found.commits;
    const done = found.passed.includes(open.story.id);
    for (const story of found.setBack) {
      const reason = "the worker died before it was verified";
      events.push({ time, type: "story_set_back", iteration: open.iteration, story, reason });
    }
    events.push({
      time,
      type: "iteration_finished",
      iteration: open.iteration,
      story: open.story,
      agent: open.agent,
      ...(open.model === undefined ? {} : { model: open.model }),
      ...(session.agentSessionId === null ? {} : { agentSessionId: session.agentSessionId }),
      outcome: done ? "passed" : "aborted",
      ending: { kind: "aborted", message: as.reason },
      stderrTail: [],
      denials: [],
      headBefore: open.head,
      headAfter: found.head,
      commits: found.commits,
      changed: found.commits > 0 || found.passed.length > 0,
      passed: found.passed,
      stories: found.stories,
      durationMs: Math.max(0, Date.parse(session.updatedAt) - Date.parse(open.time)),
      failuresInRow: 0,
    });
  }
  const { started } = known;
  const result: LoopResult = {
    ...as,
    details: [],
    iterations: known.iterations,
    stories: known.stories,
    open: [],
    ...(started?.branch === undefined ? {} : { branch: started.branch }),
    commits: known.commits,
    filesChanged: 0,
    agents: known.agents,
    failovers: known.failovers,
    durationMs: Math.max(0, Date.parse(session.updatedAt) - Date.parse(session.startedAt)),
    usage: session.usage,
  };
  const { maxIterations, agent } = session;
  events.push({
    time,
    type: "loop_finished",
    result,
    agent,
    ...(maxIterations === null ? {} : { maxIterations }),
  });
  return events;
}

/** What an iteration that was cut short has left. */
interface LeftBehind {
  /** Ids of the stories that pass since. */
  passed: string[];
  /** Stories that were marked, and not verified. */
  setBack: StoryRef[];
  stories: StoryCount;
  head: string | null;
  commits: number;
}

/** The files tell what was left, nobody else can. */
async function lookAround(
  session: Session,
  known: Known,
  before: string | null,
): Promise<LeftBehind> {
  const left: LeftBehind = {
    passed: [],
    setBack: [],
    stories: known.stories,
    head: null,
    commits: 0,
  };
  const file = join(session.taskDir, "prd.json");
  try {
    const prd = await readPrd(file);
    const passing = prd.stories.filter((story) => story.passes);
    const marked = passing.filter(({ id }) => !known.passing.has(id));
    if (known.started?.verifies) {
      // What nobody has verified does not pass: the next run tries it again.
      for (const { id } of marked) await setStoryPasses(file, id, false);
      left.setBack = marked.map(({ id, title }) => ({ id, title }));
    } else {
      left.passed = marked.map(({ id }) => id);
    }
    left.stories = { done: passing.length - left.setBack.length, total: prd.stories.length };
  } catch (error) {
    if (!(error instanceof PrdError)) throw error;
  }
  try {
    left.head = (await gitSnapshot(session.root)).head;
    if (left.head !== null && left.head !== before) {
      left.commits = (await changesBetween(session.root, before, left.head)).commits;
    }
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
  }
  return left;
}

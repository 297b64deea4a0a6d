import { rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { ulid } from "@std/ulid";
import { agentEnvironment } from "../agent/agent_environment.ts";
import { LoopControl } from "../loop/loop_control.ts";
import type { LoopEvent, LoopResult } from "../event/loop_event.ts";
import type { Sink } from "../event/sink.ts";
import type { RunLoopOptions } from "../loop/loop_options.ts";
import { progressSink } from "../task/progress/progress_sink.ts";
import type { Task } from "../task/task.ts";
import { runLoop } from "../loop/run_loop.ts";
import type { SessionServer } from "../rpc/server/session_server.ts";
import { openRegistry } from "../session/registry/open_registry.ts";
import { processIdentity } from "../base/process_identity.ts";
import { Recorder } from "../session/recorder.ts";
import { whenFree } from "../session/registry/when_free.ts";
import type { Registry } from "../session/registry/registry.ts";
import { openSessionLog } from "../session/log/session_log.ts";
import { scratchDir, type SessionPaths } from "../session/model/session_paths.ts";
import { lockTask, TaskLockedError } from "../base/lock.ts";
import { watchControl } from "./control_file.ts";
import { type Hook, hookSink } from "./hook_sink.ts";
import { lockWorkTree } from "./lock_work_tree.ts";
import { recoverSessions, SESSION_VARIABLE } from "./recover_sessions.ts";
import type { SessionControl } from "../rpc/server/session_hub.ts";
import type { NewSession, Session } from "../session/model/session.ts";

/** Options for {@linkcode runSession}. */
export interface RunSessionOptions {
  /** How the loop runs. */
  loop: RunLoopOptions;
  /** Where ralph keeps its files. */
  paths: SessionPaths;
  /** The id of the session, a ULID. @default {a new one} */
  id?: string | undefined;
  /** Further outputs: they get each event after it was recorded. The caller disposes of them. */
  sinks?: readonly Sink[] | undefined;
  /** Commands that are called for events. @default {none} */
  hooks?: readonly Hook[] | undefined;
  /** Receives warnings for the user that are not events, one line each. @default {nobody does} */
  onWarning?: ((message: string) => void) | undefined;
}

/**
 * Runs a loop as a session: the only one of its task, recorded before anything is shown, and within
 * reach of `ralph stop`, `ralph checkpoint`, `ralph status` and the clients of its socket.
 *
 * @example Usage
 * ```ts ignore
 * import { createDemo, resolveTask, runSession, sessionPaths } from "@ralph/cli";
 *
 * const task = await resolveTask("my-feature");
 * const { result } = await runSession({
 *   loop: { task, agents: [createDemo()] },
 *   paths: sessionPaths(),
 * });
 * console.log(result.outcome);
 * ```
 *
 * @param options How the loop runs, and where it is recorded.
 * @returns The session's id and how the loop ended.
 * @throws {TaskRunningError} If a session of the task is already running.
 * @throws {WorkTreeBusyError} If a session of another task is running in the same work tree.
 */
export async function runSession(
  options: RunSessionOptions,
): Promise<{ id: string; result: LoopResult }> {
  const { loop, paths, id = ulid(), onWarning } = options;
  const { task } = loop;
  const agentVariables = { ...loop.agentVariables, [SESSION_VARIABLE]: id };
  // Disposed of last, when the task is free again: hooks and clients may take their time.
  await using lasting = new AsyncDisposableStack();
  const hooks = lasting.use(hookSink(options.hooks ?? [], {
    cwd: task.root,
    env: { ...agentEnvironment(loop.env ?? process.env, { agent: "hook" }), ...agentVariables },
    task: task.name,
    sessionId: id,
    onWarning,
  }));
  using registry = openRegistry({ path: paths.database });
  using _lock = takeLock(registry, options);
  await recoverSessions(registry, { paths, taskDir: task.dir, locked: true, onWarning });
  using _workTree = await takeWorkTree(id, task);
  // What a dead session of another task left running here would work beside this one.
  for (const { taskDir, root } of registry.runningSessions()) {
    if (root === task.root) await recoverSessions(registry, { paths, taskDir, onWarning });
  }

  const dir = join(paths.sessionsDir, id);
  const scratch = scratchDir(dir);
  const control = loop.control ?? new LoopControl();
  await using _control = await watchControl(dir, control);
  await using log = await openSessionLog(dir);
  await using recording = new AsyncDisposableStack();
  // Each event goes through them in this order. progress.txt comes first: the last event ends the
  // session, and all must be there by then. What is recorded is shown only afterwards.
  const sinks: Sink[] = [recording.use(progressSink({ task }))];
  const folders = [paths.stateDir, paths.dataDir];
  let result: LoopResult | undefined;
  try {
    for await (
      const event of runLoop({ ...loop, control, agentVariables, folders, scratchDir: scratch })
    ) {
      if (event.type === "loop_started") {
        const session = await whenFree(() => registry.createSession(newSession(id, event)), {
          onWarning,
        });
        sinks.push(recording.use(new Recorder(id, { registry, log, onWarning })));
        // Before the first event is recorded: a client that sees that one finds the socket.
        const server = await serveSession(session, { registry, paths, dir, control, onWarning });
        if (server !== undefined) sinks.push(lasting.use(server));
        sinks.push(hooks, ...options.sinks ?? []);
      }
      const seq = log.lastSeq + 1;
      for (const sink of sinks) {
        const written = sink.write(event, seq);
        if (written !== undefined) await written;
      }
      if (event.type === "loop_finished") result = event.result;
    }
    if (result === undefined) throw new Error("The loop ended without a result");
    return { id, result };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (registry.getSession(id) !== undefined) {
      await whenFree(() => registry.endSession(id, "failed", reason), { onWarning });
    }
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function newSession(id: string, event: Extract<LoopEvent, { type: "loop_started" }>): NewSession {
  const { task, taskDir, root, branch = null, agent, limits, stories } = event;
  const worker = processIdentity(process.pid) ?? null;
  return { id, task, taskDir, root, branch, agent, worker, limits, stories };
}

function takeLock(registry: Registry, { loop, paths }: RunSessionOptions): Disposable {
  const { task } = loop;
  try {
    return lockTask(task.dir, { stateDir: paths.stateDir });
  } catch (error) {
    if (!(error instanceof TaskLockedError)) throw error;
    throw new TaskRunningError(task.name, registry.latestSession(task.dir));
  }
}

async function takeWorkTree(session: string, task: Task): Promise<Disposable> {
  const worker = processIdentity(process.pid) ?? { pid: process.pid, start: "" };
  const since = new Date().toISOString();
  return await lockWorkTree(task.root, { task: task.name, session, worker, since });
}

/** Options for {@linkcode serveSession}. */
export interface ServeSessionOptions {
  /** The registry that has the session. */
  registry: Registry;
  /** Where ralph keeps its files. */
  paths: SessionPaths;
  /** The folder of the session's log. */
  dir: string;
  /** How commands reach the loop. */
  control: SessionControl;
  /** Receives warnings for the user, one line each. @default {nobody does} */
  onWarning?: ((message: string) => void) | undefined;
}

/**
 * Starts the server of a session and records its address. A loop works without it: if the socket
 * cannot be opened, that is a warning and the result is `undefined`.
 */
async function serveSession(
  session: Session,
  options: ServeSessionOptions,
): Promise<SessionServer | undefined> {
  const { registry, paths, dir, control, onWarning } = options;
  // Loaded lazily: a command that only follows a worker does not need it.
  const { startSessionServer } = await import("../rpc/server/session_server.ts");
  try {
    const server = await startSessionServer(session, { paths, dir, control });
    await whenFree(() => registry.updateSession(session.id, { socket: server.path }), {
      onWarning,
    });
    return server;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    onWarning?.(`Cannot open a socket for ${session.task}, so ralph rpc cannot reach it: ${why}`);
    return undefined;
  }
}

/** Thrown when a task that is already running is to be run. */
export class TaskRunningError extends Error {
  /** What to do about it. */
  readonly hint: string;
  /** The running session; absent if it has only just started. */
  readonly session?: Session | undefined;

  /** `session` is the running one, if it is known. */
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

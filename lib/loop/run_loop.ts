import { gitSnapshot } from "../git/git_snapshot.ts";
import { findCircle } from "../task/prd/find_circle.ts";
import { rotateProgress } from "../task/progress/rotate_progress.ts";
import { candidateAgents, wantedAgents } from "./decide/choose_agent.ts";
import { chooseStory } from "./decide/choose_story.ts";
import { endLoop } from "./end_loop.ts";
import { selectAgent } from "./decide/failover.ts";
import type { LoopEvent, LoopResult } from "../event/loop_event.ts";
import type { RunLoopOptions } from "./loop_options.ts";
import { checksOf, countStories, type LoopState, stamp } from "./loop_state.ts";
import { probeAgents } from "./start/probe_agents.ts";
import { reachedLimit } from "./decide/limits.ts";
import { readTaskPrd } from "./read_task_prd.ts";
import { runIteration } from "./run_iteration.ts";
import { ignoredFiles, startLoop, wishesFor } from "./start/start_loop.ts";
import { publishWork } from "./branch/publish_branch.ts";
import { verifyWhole } from "./verify_iteration.ts";
import { waitUntil } from "./wait_until.ts";

/**
 * Runs agents over the stories of a task until every story passes, or there is a reason to end
 * earlier. Yields typed events, and returns the result.
 *
 * Prints nothing, and writes only the task's own files and its repository. The reader sets the
 * pace: the loop does not continue until an event is taken, so a reader can record each event
 * before the next thing happens.
 *
 * @example Usage
 * ```ts ignore
 * import { createAgents, resolveTask, runLoop } from "@ralph/cli";
 *
 * const loop = runLoop({
 *   task: await resolveTask("my-feature"),
 *   agents: createAgents({}),
 *   limits: { iterations: 10 },
 * });
 * for await (const event of loop) {
 *   if (event.type === "iteration_finished") console.log(event.story.id, event.outcome);
 * }
 * ```
 *
 * @param options The task, the agents, the limits.
 * @returns An async generator of events, whose return value is the result.
 * @throws {PreflightError} If git, a folder or the disk is not ready.
 * @throws {AgentNotReadyError} If no agent that may be used is installed.
 * @throws {NoStoriesError} If prd.json has no stories.
 * @throws {PrdError} If prd.json cannot be read at the start.
 * @throws {DirtyTreeError} If uncommitted changes prevent switching to the branch.
 */
export async function* runLoop(options: RunLoopOptions): AsyncGenerator<LoopEvent, LoopResult> {
  const { task, signal } = options;
  const { state, agent, warnings } = await startLoop(options);
  const onAbort = (): void => state.control.requestStop(reasonOf(signal));
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    yield stamp(state, {
      type: "loop_started",
      task: task.name,
      taskDir: task.dir,
      root: task.root,
      ...(state.branch === undefined ? {} : { branch: state.branch }),
      agent,
      limits: options.limits ?? {},
      stories: countStories(state.prd),
      verifies: checksOf(state).length > 0 || (options.requireCommit ?? false),
      list: state.prd.stories.map(({ id, title, passes, dependsOn }) => ({
        id,
        title,
        passes,
        dependsOn,
      })),
    });
    for (const message of warnings) yield stamp(state, { type: "warning", message });
    let result: LoopResult | undefined;
    while (result === undefined) {
      try {
        result = yield* step(state);
      } catch (error) {
        // Reported like any other outcome, with everything that was done.
        result = await endLoop(
          state,
          "failed",
          error instanceof Error ? error.message : `${error}`,
        );
      }
    }
    const { iterations } = options.limits ?? {};
    yield stamp(state, {
      type: "loop_finished",
      result,
      agent: state.last?.agent ?? agent,
      ...(iterations === undefined ? {} : { maxIterations: iterations }),
    });
    return result;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** One round: at most one iteration or one wait; returns a result when the loop is over. */
async function* step(state: LoopState): AsyncGenerator<LoopEvent, LoopResult | undefined> {
  const { options, control } = state;
  const halted = await halt(state);
  if (halted !== undefined) return halted;

  const rotation = await rotateProgress(options.task.progressFile, {
    threshold: options.rotateAt ?? 300,
    now: state.now,
  });
  if (rotation !== undefined) yield stamp(state, { type: "progress_rotated", ...rotation });

  const broken = yield* readTaskPrd(state);
  if (broken !== undefined) return await endLoop(state, "failed", broken);

  const choice = chooseStory(state.prd, { excluded: state.excluded });
  if (choice.kind === "completed") return yield* complete(state);
  if (choice.kind === "blocked") {
    const circle = findCircle(state.prd.stories.filter((each) => !each.passes));
    const reason = circle === undefined
      ? "no open story can run"
      : `stories wait for each other: ${[...circle, circle[0]].join(" -> ")}`;
    return await endLoop(state, "blocked", reason, { open: choice.blocked });
  }
  if (state.prd.pauseBetweenStories && state.passedSince) {
    const reason = "it pauses between stories, as prd.json asks";
    return await endLoop(state, "checkpointed", reason);
  }
  const { story } = choice;
  if (overLimit(state)) return await endLoop(state, "limit", iterationLimit(state));

  const wishes = wishesFor(options, state.prd, story);
  const unknown = wantedAgents(wishes).filter((name) => !state.failover.has(name));
  if (unknown.length > 0) {
    const { states } = await probeAgents(unknown, { agents: options.agents, env: state.env });
    state.failover = new Map([...state.failover, ...states]);
  }
  const candidates = candidateAgents({
    ...wishes,
    isOut: (name) => state.failover.get(name)?.kind === "out",
  });
  const selection = selectAgent(state.failover, candidates, state.now());
  if (selection.kind === "none") {
    const details = selection.reasons.map(({ agent, reason }) => `${agent}: ${reason}`);
    return await endLoop(state, "failed", "no agent is left", { details });
  }
  if (selection.kind === "wait") {
    // Taken before the event is yielded: its reader may wake the loop at once.
    const wake = control.wakeSignal;
    const { agent, reason, until } = selection;
    yield stamp(state, { type: "waiting", agent, reason, until: boundedByDeadline(state, until) });
    const cancelled = control.request !== undefined ||
      await waitUntil(boundedByDeadline(state, until), { wake, now: state.now });
    if (cancelled && control.request === undefined) retryNow(state, agent);
    yield stamp(state, { type: "waited", cancelled });
    // A person may have committed meanwhile; that is not the next agent's work.
    state.snapshot = await gitSnapshot(options.task.root, { ignore: ignoredFiles(options.task) });
    return undefined;
  }
  const { last } = state;
  if (last !== undefined && last.failed && last.agent !== selection.agent) {
    if (state.failover.get(last.agent)?.kind === "cooling") {
      state.failovers++;
      yield stamp(state, {
        type: "failed_over",
        iteration: state.iterations + 1,
        story: { id: story.id, title: story.title },
        from: last.agent,
        to: selection.agent,
        failuresInRow: last.failures,
        reason: last.reason,
      });
    }
  }
  yield* runIteration(state, {
    story,
    agentName: selection.agent,
    wanted: candidates[0] ?? selection.agent,
  });
  return undefined;
}

async function* complete(state: LoopState): AsyncGenerator<LoopEvent, LoopResult | undefined> {
  if (state.vanished.size > 0) {
    const ids = [...state.vanished].join(", ");
    const reason = `open stories have vanished from prd.json: ${ids}`;
    const hint = "if this is intended, run again; otherwise restore prd.json from git";
    return await endLoop(state, "failed", reason, { details: [hint] });
  }
  if (checksOf(state).length > 0 && !state.checksHold) {
    const failed = yield* verifyWhole(state);
    if (state.control.request?.kind === "stop") return undefined;
    if (failed !== undefined) {
      return await endLoop(state, "failed", `every story passes, and ${failed.reason}`, {
        details: failed.outputTail,
      });
    }
  }
  const result = await endLoop(state, "completed", "every story passes");
  yield* publishWork(state, result);
  return result;
}

/** The result if something ends the loop between two iterations, even with open stories. */
async function halt(state: LoopState): Promise<LoopResult | undefined> {
  const { control, options, prd } = state;
  if (control.request !== undefined && prd.stories.some((story) => !story.passes)) {
    const { kind, reason } = control.request;
    return await endLoop(state, kind === "stop" ? "stopped" : "checkpointed", reason);
  }
  const limit = options.stagnationLimit ?? 5;
  if (limit > 0 && state.unchanged >= limit) {
    return await endLoop(state, "stagnated", `nothing changed in ${limit} iterations`);
  }
  if (control.request?.kind === "stop") {
    return await endLoop(state, "stopped", control.request.reason);
  }
  return undefined;
}

function overLimit(state: LoopState): boolean {
  const { limits = {} } = state.options;
  const { iterations = Infinity, timeMs = Infinity } = limits;
  return state.iterations >= iterations || state.now() - state.startedAt >= timeMs ||
    reachedLimit(state.usage, limits) !== undefined;
}

function iterationLimit(state: LoopState): string {
  const { limits = {} } = state.options;
  if (state.iterations >= (limits.iterations ?? Infinity)) {
    return `iteration limit (${limits.iterations}) reached`;
  }
  return reachedLimit(state.usage, limits) ??
    `time limit (${Math.round((limits.timeMs ?? 0) / 1_000)} s) reached`;
}

function boundedByDeadline(state: LoopState, until: number): number {
  return Math.min(until, state.startedAt + (state.options.limits?.timeMs ?? Infinity));
}

/** A person ended the wait: the agent may run at once. */
function retryNow(state: LoopState, agent: string): void {
  const its = state.failover.get(agent);
  if (its?.kind === "ready") {
    state.failover = new Map(state.failover).set(agent, { ...its, notBefore: 0 });
  } else if (its?.kind === "cooling") {
    state.failover = new Map(state.failover).set(agent, { ...its, until: 0 });
  }
}

function reasonOf(signal: AbortSignal | undefined): string {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason.message : String(reason ?? "aborted");
}

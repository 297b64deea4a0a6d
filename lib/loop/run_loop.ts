import { errorMessage } from "../base/error_code.ts";
import type { LoopEvent, LoopResult } from "../event/loop_event.ts";
import { rotateProgress } from "../task/progress/rotate_progress.ts";
import { publishWork } from "./branch/publish_branch.ts";
import { afterAgent, afterIteration, beginIteration } from "./decide/after_iteration.ts";
import {
  decideAfterChecks,
  decideHalt,
  decideStep,
  type LoopEnd,
  type Moment,
} from "./decide/decide_step.ts";
import { endLoop } from "./end_loop.ts";
import { gatherFacts } from "./gather_facts.ts";
import { type LoopContext, stamp } from "./loop_context.ts";
import type { LoopControl } from "./loop_control.ts";
import { iterationFinished, iterationStarted, loopStarted } from "./loop_events.ts";
import type { RunLoopOptions } from "./loop_options.ts";
import { readTaskPrd } from "./read_task_prd.ts";
import { runAgent } from "./run_agent.ts";
import { probeAgents } from "./start/probe_agents.ts";
import { startLoop } from "./start/start_loop.ts";
import { runChecks } from "./verify_iteration.ts";
import { waitForAgent } from "./wait_for_agent.ts";

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
 * @throws {UnfilledStoriesError} If open stories are still those of the template.
 * @throws {DirtyTreeError} If uncommitted changes prevent switching to the branch.
 * @throws {SwitchError} If git cannot switch to the branch for another reason.
 */
export async function* runLoop(options: RunLoopOptions): AsyncGenerator<LoopEvent, LoopResult> {
  const { context, state: begin, agent, warnings } = await startLoop(options);
  using _deadline = context.deadline;
  using _stop = stopOnAbort(context.control, options.signal);
  let state = begin;
  let end: LoopEnd | undefined;
  yield stamp(context, loopStarted(context, state, agent));
  for (const message of warnings) yield stamp(context, { type: "warning", message });
  while (end === undefined) {
    try {
      end = decideHalt(context, state, momentOf(context));
      if (end !== undefined) break;
      yield* rotate(context);
      state = { ...state, ...yield* readTaskPrd(context, state) };
      const step = decideStep(context, state, momentOf(context));
      switch (step.kind) {
        case "end":
          end = step.end;
          break;
        case "check": {
          const { prd, iterations: iteration } = state;
          const verdict = yield* runChecks(context, { prd, iteration });
          state = { ...state, checksHold: verdict.kind === "held" };
          end = decideAfterChecks(context, verdict, momentOf(context));
          break;
        }
        case "probe": {
          const { agents } = options;
          const { states } = await probeAgents(step.agents, { agents, env: context.env });
          state = { ...state, failover: new Map([...state.failover, ...states]) };
          break;
        }
        case "wait":
          state = yield* waitForAgent(context, state, step);
          break;
        case "run": {
          const { work, failover } = step;
          if (failover !== undefined) {
            state = { ...state, failovers: state.failovers + 1 };
            yield stamp(context, failover);
          }
          const startedMs = context.elapsedMs();
          state = beginIteration(state, work);
          yield stamp(context, iterationStarted(state, work));
          const result = yield* runAgent(context, state, work);
          state = afterAgent(state, result);
          const facts = yield* gatherFacts(context, state, { work, result, startedMs });
          state = afterIteration(state, facts, context.rules);
          yield stamp(context, iterationFinished(state, facts));
          if (facts.lost !== undefined) {
            const { reason, hint } = facts.lost;
            end = { outcome: "failed", reason, details: [hint] };
          }
        }
      }
    } catch (error) {
      // Reported like any other outcome, with everything that was done.
      end = { outcome: "failed", reason: errorMessage(error) };
    }
  }
  const result = await endLoop(context, state, end);
  if (result.outcome === "completed") yield* publishWork(context, state, result);
  // Whoever reads the last event may change files at once: that is a person's change.
  await context.judge[Symbol.asyncDispose]();
  const { iterations: maxIterations } = options.limits ?? {};
  yield stamp(context, {
    type: "loop_finished",
    result,
    agent: state.last?.agent ?? agent,
    maxIterations,
  });
  return result;
}

async function* rotate(context: LoopContext): AsyncGenerator<LoopEvent, void> {
  const { task, rotateAt } = context.options;
  const rotation = await rotateProgress(task.progressFile, {
    threshold: rotateAt,
    within: task.root,
    now: context.now,
  });
  if (rotation !== undefined) yield stamp(context, { type: "progress_rotated", ...rotation });
}

function momentOf({ now, elapsedMs, control }: LoopContext): Moment {
  return { now: now(), elapsedMs: elapsedMs(), request: control.request };
}

/** A signal stops the loop as a request does. */
function stopOnAbort(control: LoopControl, signal: AbortSignal | undefined): Disposable {
  const onAbort = (): void => {
    const reason: unknown = signal?.reason;
    control.requestStop(reason instanceof Error ? reason.message : String(reason ?? "aborted"));
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", onAbort) };
}

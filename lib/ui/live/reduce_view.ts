import { addUsage, NO_USAGE } from "../../event/usage.ts";
import type { LoopEvent } from "../../event/loop_event.ts";
import { NO_CHECKS } from "../text/no_checks.ts";
import { agentLines } from "../text/agent_lines.ts";
import {
  MAX_CHECKS,
  MAX_LINES,
  MAX_NOTICES,
  newStory,
  setPassed,
  stopStory,
  type ViewNotice,
  type ViewState,
  type ViewStory,
  withStories,
} from "./view_state.ts";

type EventOf<T extends LoopEvent["type"]> = Extract<LoopEvent, { type: T }>;

/**
 * Adds an event to the view of a loop.
 *
 * Pure: the given state is not changed, and the new one shares its unchanged parts. The state stays
 * small however many events there are: it keeps only the last lines of the running agent and the
 * last notices.
 *
 * @example Usage
 * ```ts
 * import { initialView } from "./view_state.ts";
 * import { reduceView } from "./reduce_view.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const state = reduceView(initialView(), {
 *   type: "warning",
 *   time: "2026-11-20T18:02:11Z",
 *   message: "prd.json could not be read",
 * });
 * assertEquals(state.notices.length, 1);
 * ```
 *
 * @returns The view with the event.
 */
export function reduceView(state: ViewState, event: LoopEvent): ViewState {
  switch (event.type) {
    case "loop_started":
      return started(state, event);
    case "warning":
      return notice(state, event, "warning", "Warning", event.message);
    case "published":
      return event.problem === undefined
        ? state
        : notice(state, event, "warning", `Not handed on to ${event.mergeTarget}`, event.problem);
    case "progress_rotated":
      return state;
    case "check_started":
      return checkStarted(state, event);
    case "check_finished":
      return checkFinished(state, event);
    case "iteration_started":
      return iterationStarted(state, event);
    case "agent":
      return agent(state, event);
    case "story_set_back":
      return notice(
        withStories(state, setPassed(state.list, [event.story.id], false)),
        event,
        "failure",
        `${event.story.id} was reopened`,
        event.reason,
      );
    case "iteration_finished":
      return iterationFinished(state, event);
    case "failed_over":
      return notice(
        // The failover's own reason already reports the failure that led to it.
        { ...state, notices: state.notices.filter((notice) => notice.kind !== "failure") },
        event,
        "failover",
        `Failed over from ${event.from} to ${event.to}`,
        event.reason,
      );
    case "waiting": {
      const { agent, reason, until } = event;
      return { ...state, waiting: { agent, reason, until } };
    }
    case "waited":
      return notWaiting(state);
    case "loop_finished":
      return finished(state, event);
  }
}

function started(state: ViewState, event: EventOf<"loop_started">): ViewState {
  const { task, branch, base, limits, stories, list } = event;
  const max = limits.iterations;
  const { branch: _branch, base: _base, maxIterations: _max, result: _result, ...rest } = state;
  const next: ViewState = {
    ...withStories(
      rest,
      list.map(({ id, title, passes, dependsOn }) => ({
        ...newStory({ id, title }, dependsOn),
        state: passes ? "passed" : "open",
      })),
      stories,
    ),
    task,
    startedAt: at(event),
    branch,
    base,
    maxIterations: max,
  };
  return event.checks === 0 ? notice(next, event, "warning", "Warning", NO_CHECKS) : next;
}

function iterationStarted(state: ViewState, event: EventOf<"iteration_started">): ViewState {
  const { story, agent, attempt, iteration } = event;
  const known = state.list.some(({ id }) => id === story.id);
  const list = known ? state.list : [...state.list, newStory(story, [])];
  return {
    ...withStories(
      notWaiting(state),
      list.map((entry): ViewStory => {
        const still = stopStory(entry);
        if (entry.id !== story.id) return still;
        return { ...still, state: "running", agent, attempts: attempt, startedAt: at(event) };
      }),
    ),
    iteration,
    current: { storyId: story.id, usage: NO_USAGE, lines: [] },
  };
}

function agent(state: ViewState, event: EventOf<"agent">): ViewState {
  if (state.current === undefined) return state;
  if (event.event.kind === "usage") {
    return { ...state, current: { ...state.current, usage: event.event.usage } };
  }
  return addLines(state, agentLines(event.event));
}

function checkStarted(state: ViewState, event: EventOf<"check_started">): ViewState {
  const { command } = event;
  const next = addLines(state, agentLines({ kind: "tool", tool: "Bash", detail: command }));
  if (next.current === undefined) return next;
  return { ...next, current: { ...next.current, check: command } };
}

function checkFinished(state: ViewState, event: EventOf<"check_finished">): ViewState {
  const { command, ok } = event;
  const checks = [...state.checks.filter((check) => check.command !== command), { command, ok }];
  const lines = event.outputTail.flatMap((line) =>
    agentLines({ kind: "output", stream: "stdout", line })
  );
  const next = addLines({ ...state, checks: checks.slice(-MAX_CHECKS) }, [
    ...lines,
    ok ? "check passed" : "check failed",
  ]);
  if (next.current === undefined) return next;
  const { check: _, ...current } = next.current;
  return { ...next, current };
}

function iterationFinished(state: ViewState, event: EventOf<"iteration_finished">): ViewState {
  const { story, ending, outcome } = event;
  const used = event.usage ?? state.current?.usage ?? NO_USAGE;
  const { current: _, ...rest } = state;
  const list = state.list.map((entry): ViewStory => {
    if (entry.id !== story.id) return entry;
    return {
      ...stopStory(entry),
      state: outcome === "passed" ? "passed" : "open",
      agent: event.agent,
      durationMs: entry.durationMs + event.durationMs,
      commits: entry.commits + event.commits,
      ...(event.commits > 0 && event.headAfter !== null ? { head: event.headAfter } : {}),
    };
  });
  const next: ViewState = {
    ...withStories(rest, setPassed(list, event.passed, true), event.stories),
    iteration: event.iteration,
    usage: addUsage(state.usage, used),
  };
  if (outcome === "passed") {
    // Failures on the way no longer matter.
    return { ...next, notices: next.notices.filter((notice) => notice.kind !== "failure") };
  }
  if (outcome === "aborted" || ending.kind === "ok" || ending.kind === "aborted") return next;
  return notice(next, event, "failure", `Iteration ${event.iteration} failed`, ending.message);
}

function finished(state: ViewState, event: EventOf<"loop_finished">): ViewState {
  const { result } = event;
  const reasons = new Map(result.open.map((story) => [story.id, story.reason]));
  const { current: _, ...rest } = notWaiting(state);
  const list = state.list.map((entry): ViewStory => {
    const reason = reasons.get(entry.id);
    return reason === undefined ? stopStory(entry) : { ...stopStory(entry), reason };
  });
  return {
    ...withStories(rest, list, result.stories),
    iteration: result.iterations,
    usage: result.usage,
    result,
  };
}

function at(event: LoopEvent): number {
  const time = Date.parse(event.time);
  return Number.isNaN(time) ? 0 : time;
}

function addLines(state: ViewState, lines: readonly string[]): ViewState {
  if (state.current === undefined || lines.length === 0) return state;
  const all = [...state.current.lines, ...lines.slice(-MAX_LINES)].slice(-MAX_LINES);
  return { ...state, current: { ...state.current, lines: all } };
}

function notice(
  state: ViewState,
  event: LoopEvent,
  kind: ViewNotice["kind"],
  what: string,
  why: string,
): ViewState {
  const one = { kind, what, why, at: at(event) };
  return { ...state, notices: [...state.notices, one].slice(-MAX_NOTICES) };
}

function notWaiting(state: ViewState): ViewState {
  const { waiting: _, ...rest } = state;
  return rest;
}

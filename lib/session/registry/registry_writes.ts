import type { AgentEvent } from "../../event/agent_event.ts";
import type { LoopEvent } from "../../event/loop_event.ts";
import type { Registry } from "./registry.ts";
import {
  type EndedStatus,
  endedStatus,
  type EndSessionOptions,
  type SessionPatch,
} from "../model/session.ts";

/** A change of the registry that an event calls for. */
export type RegistryWrite =
  | { kind: "patch"; patch: SessionPatch }
  | { kind: "begin"; start: Parameters<Registry["beginIteration"]>[1] }
  | { kind: "finish"; summary: Parameters<Registry["finishIteration"]>[1]; endedAt: string }
  | { kind: "end"; status: EndedStatus; reason: string; options: EndSessionOptions };

/**
 * Says what an event changes in the registry, but for what the agents use and which
 * process they have: that takes more than the event.
 *
 * @param event The event.
 * @returns The change; every event at least sets `updatedAt`.
 */
export function registryWrite(event: LoopEvent): RegistryWrite {
  const updatedAt = event.time;
  switch (event.type) {
    case "loop_started":
      return {
        kind: "patch",
        patch: {
          updatedAt,
          branch: event.branch ?? null,
          agent: event.agent,
          limits: event.limits,
          maxIterations: event.limits.iterations ?? null,
          stories: event.stories,
        },
      };
    case "iteration_started": {
      const { iteration, story, agent, attempt, model } = event;
      const start = { iteration, story, agent, attempt, startedAt: event.time };
      return { kind: "begin", start: model === undefined ? start : { ...start, model } };
    }
    case "agent":
      return { kind: "patch", patch: { updatedAt, ...agentPatch(event.event) } };
    case "iteration_finished":
      return { kind: "finish", summary: event, endedAt: event.time };
    case "failed_over":
      return { kind: "patch", patch: { updatedAt, agent: event.to } };
    case "loop_finished": {
      const { outcome, reason } = event.result;
      return {
        kind: "end",
        status: endedStatus(outcome),
        reason,
        options: { outcome, endedAt: event.time },
      };
    }
    case "warning":
    case "progress_rotated":
    case "check_started":
    case "check_finished":
    case "story_set_back":
    case "waiting":
    case "waited":
    case "published":
      return { kind: "patch", patch: { updatedAt } };
  }
}

function agentPatch(event: AgentEvent): SessionPatch {
  if (event.kind === "session") return { agentSessionId: event.agentSessionId };
  if (event.kind !== "server") return {};
  const { port, protocol } = new URL(event.url);
  return { serverPort: Number(port || (protocol === "https:" ? 443 : 80)) };
}

/**
 * Says whether an event is worth a transaction at once, and not with the next batch.
 *
 * @param event The event.
 * @returns Whether others act on it: which process the agent has, and how something ended.
 */
export function isUrgent(event: LoopEvent): boolean {
  return event.type === "agent"
    ? event.event.kind === "process"
    : event.type === "loop_started" || event.type === "iteration_finished" ||
      event.type === "failed_over" || event.type === "loop_finished";
}

/**
 * Says whether an event is part of what can be a stream of many: what an agent says and does.
 *
 * @param event The event.
 * @returns Whether it changes nothing in the registry but `updatedAt`.
 */
export function isOutput(event: LoopEvent): boolean {
  if (event.type !== "agent") return false;
  const { kind } = event.event;
  return kind === "output" || kind === "text" || kind === "tool" || kind === "tool_result";
}

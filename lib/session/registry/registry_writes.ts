import type { AgentEvent } from "../../event/agent_event.ts";
import type { LoopEvent } from "../../event/loop_event.ts";
import type { Registry } from "./registry.ts";
import { endedStatus, type EndSessionOptions, type SessionPatch } from "../model/session.ts";
import type { EndedStatus } from "../../event/vocabulary.ts";

/** A change of the registry for an event. */
export type RegistryWrite =
  | { kind: "patch"; patch: SessionPatch }
  | { kind: "begin"; start: Parameters<Registry["beginIteration"]>[1] }
  | { kind: "finish"; summary: Parameters<Registry["finishIteration"]>[1]; endedAt: string }
  | { kind: "end"; status: EndedStatus; reason: string; options: EndSessionOptions };

/**
 * The change of the registry for one event, without the agents' usage and processes: these need
 * more than the event.
 *
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
    default:
      // An event of a newer ralph: what its log says beyond this version is left as it is.
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
 * Whether an event needs a transaction at once, rather than with the next batch.
 *
 * @returns `true` for what others act on: the agent's process, and how something ended.
 */
export function isUrgent(event: LoopEvent): boolean {
  return event.type === "agent"
    ? event.event.kind === "process"
    : event.type === "loop_started" || event.type === "iteration_finished" ||
      event.type === "failed_over" || event.type === "loop_finished";
}

/**
 * Whether an event may be one of a stream of many: what an agent says and does.
 *
 * @returns `true` if it only changes `updatedAt` in the registry.
 */
export function isOutput(event: LoopEvent): boolean {
  if (event.type !== "agent") return false;
  const { kind } = event.event;
  return kind === "output" || kind === "text" || kind === "tool" || kind === "tool_result";
}

import { isTyped } from "./server/judge_session.ts";
import type { MessageWithParts, ServerEvent, ServerMessage, ServerPart } from "./server/event.ts";
import type { AgentEvent, Usage } from "../../event/agent_event.ts";
import { cutText } from "../../base/cut_text.ts";
import { toolDetail } from "../tool_detail.ts";

/** The state of {@linkcode opencodeEvents} for one run. */
export interface OpencodeState {
  /** The folder in which OpenCode works; paths below it are shown relative to it. */
  cwd: string;
  /** Our session and its child sessions. */
  sessions: Set<string>;
  /** The ids of the messages that we have sent. */
  ours: Set<string>;
  /** Who wrote each message. */
  roles: Map<string, ServerMessage["role"]>;
  /** What has been reported already: parts, and calls that have begun. */
  told: Set<string>;
  /** The usage of each message. */
  usages: Map<string, Usage>;
}

/**
 * Creates the state for one run.
 *
 * @param cwd The folder in which OpenCode works.
 * @returns The state at the start.
 */
export function newOpencodeState(cwd: string): OpencodeState {
  return {
    cwd,
    sessions: new Set(),
    ours: new Set(),
    roles: new Map(),
    told: new Set(),
    usages: new Map(),
  };
}

/**
 * Turns an event of the server into events of the agent, and updates the state. A repeated event,
 * for example after a gap, is reported once.
 *
 * @param state The state from the previous events; changed in place.
 * @returns The events, in order; none for sessions that are not ours.
 */
export function opencodeEvents(event: ServerEvent, state: OpencodeState): AgentEvent[] {
  switch (event.type) {
    case "session.created": {
      const { id, parentID } = event.properties.info;
      if (parentID !== undefined && state.sessions.has(parentID)) state.sessions.add(id);
      return [];
    }
    case "message.updated":
      return infoEvents(event.properties.info, state);
    case "message.part.updated":
      return partEvents(event.properties.part, state);
    case "session.error": {
      const { sessionID = "", error } = event.properties;
      if (!state.sessions.has(sessionID) || error === undefined) return [];
      const words = error.data?.message?.split("\n")[0] ?? error.name;
      return isNew(`error:${words}`, state) ? [{ kind: "error", message: cutText(words) }] : [];
    }
    case "session.status":
    case "session.idle":
    case "permission.asked":
    case "question.asked":
      return [];
  }
}

/**
 * Turns a message into events, for a message whose own events were missed.
 *
 * @param state The state from the previous events; changed in place.
 * @returns The events; none for what has been reported already.
 */
export function messageEvents(message: MessageWithParts, state: OpencodeState): AgentEvent[] {
  const events = infoEvents(message.info, state);
  return [...events, ...message.parts.flatMap((part) => partEvents(part, state))];
}

/**
 * Whether a part was written by a person in the session.
 *
 * @param state The state from the previous messages.
 */
export function isFromPerson(
  part: ServerPart,
  sessionID: string | undefined,
  { roles, ours }: OpencodeState,
): boolean {
  const { messageID } = part;
  return part.sessionID === sessionID && roles.get(messageID) === "user" && !ours.has(messageID) &&
    isTyped({ parts: [part] });
}

function infoEvents(message: ServerMessage, state: OpencodeState): AgentEvent[] {
  if (!state.sessions.has(message.sessionID)) return [];
  state.roles.set(message.id, message.role);
  const { tokens, cost = 0 } = message;
  if (tokens === undefined) return [];
  const usage: Usage = {
    inputTokens: tokens.input,
    // Reasoning is billed like output.
    outputTokens: tokens.output + tokens.reasoning,
    cacheReadTokens: tokens.cache.read,
    cacheWriteTokens: tokens.cache.write,
  };
  // OpenCode reports a cost of 0 for a model without a known price.
  if (cost > 0) usage.costUsd = cost;
  const before = state.usages.get(message.id);
  if (JSON.stringify(before ?? zero()) === JSON.stringify(usage)) return [];
  state.usages.set(message.id, usage);
  return [{ kind: "usage", usage: sum(state.usages.values()) }];
}

function partEvents(part: ServerPart, state: OpencodeState): AgentEvent[] {
  if (!state.sessions.has(part.sessionID)) return [];
  if (part.type === "tool") return toolEvents(part, state);
  const { text = "", id, messageID } = part;
  if (part.type !== "text" || part.synthetic === true || text.trim() === "") return [];
  if (state.roles.get(messageID) === "user") {
    if (state.ours.has(messageID) || !isNew(id, state)) return [];
    return [{ kind: "text", text: cutText(`Somebody writes in the session: ${text}`) }];
  }
  // A text is reported when it is complete, not piece by piece.
  if (part.time?.end === undefined || !isNew(id, state)) return [];
  return [{ kind: "text", text: cutText(text) }];
}

function toolEvents(part: ServerPart, state: OpencodeState): AgentEvent[] {
  const { tool = "tool", id, state: call } = part;
  const events: AgentEvent[] = [];
  if (call === undefined || call.status === "pending") return events;
  if (isNew(`call:${id}`, state)) {
    events.push({ kind: "tool", tool, detail: cutText(toolDetail(call.input ?? {}, state.cwd)) });
  }
  if (call.status === "running" || !isNew(id, state)) return events;
  const failed = call.status === "error";
  const words = (failed ? call.error : call.output) ?? "";
  const detail = cutText(words.split("\n").find((line) => line.trim() !== "") ?? "");
  return [...events, { kind: "tool_result", failed, detail }];
}

function isNew(key: string, state: OpencodeState): boolean {
  if (state.told.has(key)) return false;
  state.told.add(key);
  return true;
}

function zero(): Usage {
  return { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
}

function sum(usages: Iterable<Usage>): Usage {
  const total = zero();
  for (const usage of usages) {
    total.inputTokens += usage.inputTokens;
    total.outputTokens += usage.outputTokens;
    total.cacheReadTokens += usage.cacheReadTokens;
    total.cacheWriteTokens += usage.cacheWriteTokens;
    if (usage.costUsd !== undefined) total.costUsd = (total.costUsd ?? 0) + usage.costUsd;
  }
  return total;
}

import type { AgentEvent } from "../event/agent_event.ts";

/**
 * An agent has named its conversation.
 *
 * @param agentSessionId The id of the conversation.
 * @param model Its model; an event has no field for a model that nobody named.
 * @returns The event.
 */
export function sessionEvent(agentSessionId: string, model: string | undefined): AgentEvent {
  const named = { kind: "session", agentSessionId } as const;
  return model === undefined ? named : { ...named, model };
}

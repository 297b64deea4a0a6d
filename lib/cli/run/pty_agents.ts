import type { Agent } from "../../agent/agent.ts";
import { UsageError } from "../kit/usage.ts";

/** Options for {@linkcode ptyAgents}. */
export interface PtyAgentsOptions {
  /** The agents that the command line asks for. */
  asked: readonly string[];
}

const HINT = "claude and opencode have one, and a command of the config with pty = true";

/**
 * Leaves only agents that run in a PTY: the others say that they cannot be used.
 *
 * @param agents Every agent.
 * @param options Who is asked for.
 * @returns The agents, in the same order.
 * @throws {UsageError} If one that is asked for has no PTY mode.
 */
export function ptyAgents(agents: readonly Agent[], options: PtyAgentsOptions): Agent[] {
  return agents.map((agent) => {
    if (agent.pty) return agent;
    const reason = "it has no PTY mode, which --pty asks for";
    if (options.asked.includes(agent.name)) {
      throw new UsageError(`Cannot use agent "${agent.name}": ${reason}`, HINT);
    }
    return { ...agent, probe: () => Promise.resolve({ available: false, reason, hint: HINT }) };
  });
}

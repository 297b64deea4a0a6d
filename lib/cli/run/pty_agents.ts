import type { Agent } from "../../agent/agent.ts";
import { UsageError } from "../kit/usage.ts";

/** Options for {@linkcode ptyAgents}. */
export interface PtyAgentsOptions {
  /** The agents that the command line names. */
  asked: readonly string[];
}

const HINT = "claude, opencode and commands configured with pty = true have one";

/**
 * Makes agents without a PTY mode unavailable; the others and the order stay.
 *
 * @throws {UsageError} If the command line names one that has no PTY mode.
 */
export function ptyAgents(agents: readonly Agent[], options: PtyAgentsOptions): Agent[] {
  return agents.map((agent) => {
    if (agent.pty) return agent;
    const reason = "it has no PTY mode, which --pty requires";
    if (options.asked.includes(agent.name)) {
      throw new UsageError(`Cannot use agent "${agent.name}": ${reason}`, HINT);
    }
    return { ...agent, probe: () => Promise.resolve({ available: false, reason, hint: HINT }) };
  });
}

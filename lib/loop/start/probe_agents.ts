import { agentEnvironment } from "../../agent/agent_environment.ts";
import type { Agent, AgentAvailability } from "../../agent/agent.ts";
import { loadPtyPackages, MissingPackageError } from "../../agent/pty/pty_packages.ts";
import type { AgentState } from "../decide/failover.ts";

/** An agent that cannot be used, and what to do about it. */
export interface MissingAgent {
  /** Its name. */
  agent: string;
  /** What is wrong. */
  reason: string;
  /** What to do. */
  hint?: string | undefined;
}

/** Options for {@linkcode probeAgents}. */
interface ProbeAgentsOptions {
  /** All known agents. */
  agents: readonly Agent[];
  /** The environment to look in. */
  env: Record<string, string | undefined>;
  /** Cancels the probe. */
  signal?: AbortSignal | undefined;
}

/**
 * Asks agents whether they can be used here.
 *
 * @returns The state of each of them, and those that are missing.
 */
export async function probeAgents(
  names: readonly string[],
  options: ProbeAgentsOptions,
): Promise<{ states: Map<string, AgentState>; missing: MissingAgent[] }> {
  const { agents, env, signal } = options;
  const states = new Map<string, AgentState>();
  const missing: MissingAgent[] = [];
  await Promise.all(names.map(async (name) => {
    const agent = agents.find((each) => each.name === name);
    const own = agentEnvironment(env, { agent: name });
    const probe = async (it: Agent): Promise<AgentAvailability> => {
      const found = await it.probe({ env: own, version: true, signal });
      return found.available && it.pty ? await ptyIsMissing() ?? found : found;
    };
    const found = agent !== undefined ? await probe(agent) : {
      available: false,
      reason: "unknown agent",
      hint: `Agents here: ${agents.map((each) => each.name).join(", ")}`,
    };
    if (found.available) {
      states.set(name, { kind: "ready", failures: 0, notBefore: 0, reason: "" });
      return;
    }
    const { reason, hint } = found;
    states.set(name, { kind: "out", reason });
    missing.push({ agent: name, reason, hint });
  }));
  return { states, missing };
}

/** What an agent with a PTY lacks here; nothing if it can have one. */
async function ptyIsMissing(): Promise<AgentAvailability | undefined> {
  try {
    await loadPtyPackages();
  } catch (error) {
    if (!(error instanceof MissingPackageError)) throw error;
    const { message: reason, hint } = error;
    return { available: false, reason, hint };
  }
}

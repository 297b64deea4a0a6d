/** The agents that may replace each other by default. */
export const DEFAULT_FAILOVER: readonly string[] = ["claude", "opencode"];

/** The requests for agents, for {@linkcode candidateAgents}. */
export interface AgentWishes {
  /** The agent that the command line asks for. */
  flag?: string | undefined;
  /** The agent that the story asks for. */
  story?: string | undefined;
  /** The agent that the PRD asks for. */
  prd?: string | undefined;
  /** The default agent: from the environment, the config, or `claude`. */
  fallback: string;
  /** Agents that may replace each other, the preferred one first. */
  failover: readonly string[];
  /** Whether only the preferred agent may work. @default {false} */
  pin?: boolean | undefined;
  /** Whether an agent can never run here, such as one that is not installed. @default {none} */
  isOut?: ((name: string) => boolean) | undefined;
}

/**
 * Lists every agent that could work on a story, installed or not.
 *
 * @param wishes The requests for agents.
 * @returns The names, without duplicates.
 */
export function wantedAgents(wishes: AgentWishes): string[] {
  const { flag, story, prd, fallback, failover } = wishes;
  const named = flag === undefined ? [story, prd, fallback] : [flag];
  return [...new Set([...named.filter((name) => name !== undefined), ...failover])];
}

/**
 * Lists the agents that may work on a story, the preferred one first.
 *
 * An agent that cannot run here is replaced by the next one that is asked for, unless the command
 * line names it. Agents replace each other only if both are on the failover list: an agent that is
 * not on it, such as `demo` or a user's own script, is never replaced by one that costs money.
 *
 * @example Usage
 * ```ts
 * import { candidateAgents } from "./choose_agent.ts";
 * import { assertEquals } from "@std/assert";
 * const failover = ["claude", "opencode"];
 * const fallback = "claude";
 * assertEquals(candidateAgents({ flag: "opencode", fallback, failover }), ["opencode", "claude"]);
 * assertEquals(candidateAgents({ flag: "demo", story: "claude", fallback, failover }), ["demo"]);
 * ```
 *
 * @param wishes The requests for agents.
 * @returns The names, without duplicates.
 */
export function candidateAgents(wishes: AgentWishes): string[] {
  const { flag, story, prd, fallback, failover, pin = false, isOut = () => false } = wishes;
  const named = flag === undefined ? [story, prd, fallback] : [flag];
  const names = named.filter((name) => name !== undefined);
  const first = names.find((name) => !isOut(name)) ?? names[0] ?? fallback;
  return [...new Set(!pin && failover.includes(first) ? [first, ...failover] : [first])];
}

/** The requests for models, for {@linkcode chooseModel}. */
interface ModelWishes {
  /** The agent that runs. */
  agent: string;
  /** The preferred agent. */
  wanted: string;
  /** The model of the command line. */
  flag?: string | undefined;
  /** The story's agent and model. */
  story: { agent?: string | undefined; model?: string | undefined };
  /** The PRD's agent and model. */
  prd: { agent?: string | undefined; model?: string | undefined };
  /** The default model of the preferred agent. */
  fallback?: string | undefined;
}

/**
 * Chooses the model of an iteration. A model belongs to the agent that it was requested for: an
 * agent that takes over uses its own default.
 *
 * @param wishes The requests for models.
 * @returns The model; `undefined` for the agent's own.
 */
export function chooseModel(wishes: ModelWishes): string | undefined {
  const { agent, wanted, flag, story, prd, fallback } = wishes;
  if (flag !== undefined && agent === wanted) return flag;
  if (story.model !== undefined && agent === (story.agent ?? prd.agent ?? wanted)) {
    return story.model;
  }
  if (prd.model !== undefined && agent === (prd.agent ?? wanted)) return prd.model;
  return agent === wanted ? fallback : undefined;
}

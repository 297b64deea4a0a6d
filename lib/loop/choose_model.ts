/** Who asks for which model, from {@linkcode chooseModel}. */
export interface ModelWishes {
  /** The agent that runs. */
  agent: string;
  /** The agent that was wanted most. */
  wanted: string;
  /** The model of the command line. */
  flag?: string | undefined;
  /** The story's agent and model. */
  story: { agent?: string; model?: string };
  /** The PRD's agent and model. */
  prd: { agent?: string; model?: string };
  /** The model where nobody names one, for the agent that was wanted most. */
  fallback?: string | undefined;
}

/**
 * Chooses the model of an iteration. A model goes with the agent that it was asked
 * for with: an agent that takes over uses its own.
 *
 * @param wishes Who asks for which model.
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

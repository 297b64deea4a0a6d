import type { Prd } from "../../task/prd/prd.ts";
import type { KnownPrd } from "../loop_state.ts";

/** How many iterations the agents have to fix a broken prd.json. */
const BROKEN_ITERATIONS_MAX = 3;

/** What a look at prd.json found. */
interface PrdFacts {
  /** The PRD: the last good one if the file cannot be used. */
  readonly prd: Prd;
  /** Why the file cannot be used; `undefined` if it can. */
  readonly problem: string | undefined;
  /** Iterations that were begun. */
  readonly iterations: number;
}

/**
 * Learns from a look at prd.json. A file that cannot be used is never an empty or a finished one:
 * the last good PRD stands in for it.
 *
 * @returns What is known now, and what to warn of.
 */
export function afterReading(
  known: KnownPrd,
  { prd, problem, iterations }: PrdFacts,
): { known: KnownPrd; warning: string | undefined } {
  if (problem === undefined) {
    const ids = new Set(prd.stories.map((story) => story.id));
    // An agent that rewrites prd.json must not finish a task by forgetting its stories.
    const gone = known.prd.stories.filter((story) => !story.passes && !ids.has(story.id))
      .map((story) => story.id);
    const vanished = new Set([...known.vanished, ...gone].filter((id) => !ids.has(id)));
    return {
      known: { prd, broken: undefined, vanished },
      warning: gone.length === 0
        ? undefined
        : `Open stories have vanished from prd.json: ${gone.join(", ")}`,
    };
  }
  const { since, reported } = known.broken ?? { since: iterations, reported: -1 };
  return {
    known: { ...known, broken: { since, reported: iterations, problem } },
    warning: reported === iterations ? undefined : `${problem}; going on with the last good copy`,
  };
}

/**
 * Says why a loop cannot go on with prd.json as it is.
 *
 * @returns Why, in words; `undefined` if it can, for now.
 */
export function staysBroken({ broken }: KnownPrd, iterations: number): string | undefined {
  if (broken === undefined || iterations - broken.since < BROKEN_ITERATIONS_MAX) return undefined;
  return `prd.json is still broken: ${broken.problem}`;
}

import type { AgentResult } from "../../agent/agent.ts";
import type { AgentEnding } from "../../event/agent_event.ts";
import type { IterationOutcome } from "../../event/vocabulary.ts";
import { type GitSnapshot, snapshotsDiffer } from "../../git/git_snapshot.ts";
import type { Story } from "../../task/prd/prd.ts";
import type { KnownPrd } from "../loop_state.ts";

/** What an iteration is to do. */
export interface IterationWork {
  /** The story. */
  readonly story: Story;
  /** The name of the agent that runs. */
  readonly agent: string;
  /** The model; `undefined` for the agent's own. */
  readonly model: string | undefined;
}

/** What became of the checks. */
export type Verdict =
  /** There was nothing to verify, or nothing to verify it with. */
  | { readonly kind: "unverified" }
  /** Every check held. */
  | { readonly kind: "held" }
  /** A check failed; `reason` says which and why, in one line. */
  | { readonly kind: "failed"; readonly reason: string; readonly outputTail: readonly string[] }
  /** A stop or the end of the loop's time ended a check: nobody knows whether it would hold. */
  | { readonly kind: "interrupted"; readonly reason: string };

/** All that one iteration brought to light: what `afterIteration` decides by. */
export interface IterationFacts {
  /** What it was to do. */
  readonly work: IterationWork;
  /** How the agent ended, and what it used. */
  readonly result: AgentResult;
  /** prd.json at its end. */
  readonly known: KnownPrd;
  /** The repository before it. */
  readonly before: GitSnapshot;
  /** The repository as the agent left it. */
  readonly after: GitSnapshot;
  /** The repository at its end: what checks leave behind is not the next agent's work. */
  readonly settled: GitSnapshot;
  /** How many commits were made. */
  readonly commits: number;
  /** Ids of the stories that were open before and were marked as passed. */
  readonly marked: readonly string[];
  /** What became of the checks. */
  readonly verdict: Verdict;
  /** Ids of the marked stories that were reopened, as they could not be verified. */
  readonly reopened: readonly string[];
  /** What to tell the next agent of an agent that left the branch; absent if it stayed. */
  readonly left?: string | undefined;
  /** Why the branch that was left could not be taken back; absent if it is checked out. */
  readonly lost?: { readonly reason: string; readonly hint: string } | undefined;
  /** When it ended, in milliseconds since the epoch. */
  readonly endedAt: number;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** A number from 0 (inclusive) to 1 (exclusive): the jitter of the next wait. */
  readonly random: number;
}

/** What the facts of an iteration amount to. */
export interface IterationJudgement {
  /** What became of it. */
  readonly outcome: IterationOutcome;
  /** Ids of the stories that pass now and did not before. */
  readonly passed: readonly string[];
  /** Whether its own story is among them. */
  readonly done: boolean;
  /** Whether anything changed: a commit, the work tree or a story. */
  readonly changed: boolean;
  /** How the agent ended, as far as failover is concerned. */
  readonly ending: AgentEnding;
}

/** Judges an iteration by its facts. */
export function judgeIteration(facts: IterationFacts): IterationJudgement {
  const { work, result, verdict, marked, before, after } = facts;
  const passed = isRefuted(verdict) ? [] : marked;
  const done = passed.includes(work.story.id);
  return {
    outcome: outcomeOf(result.ending, done, verdict),
    passed,
    done,
    changed: passed.length > 0 || snapshotsDiffer(before, after),
    ending: forFailover(result.ending, done),
  };
}

/**
 * Says whether stories that were marked cannot count.
 *
 * @returns Whether a check failed, or could not end.
 */
export function isRefuted(
  verdict: Verdict,
): verdict is Extract<Verdict, { kind: "failed" | "interrupted" }> {
  return verdict.kind === "failed" || verdict.kind === "interrupted";
}

function outcomeOf(ending: AgentEnding, done: boolean, verdict: Verdict): IterationOutcome {
  if (done) return "passed";
  if (verdict.kind === "failed") return "check_failed";
  if (ending.kind === "aborted" || verdict.kind === "interrupted") return "aborted";
  return ending.kind === "ok" ? "open" : "failed";
}

/** A story that passes makes up for an agent that ended badly after it, but not for one that cannot go on. */
function forFailover(ending: AgentEnding, done: boolean): AgentEnding {
  switch (ending.kind) {
    case "ok":
    case "aborted":
    case "auth":
    case "rate_limit":
    case "overloaded":
      return ending;
    case "launch":
    case "error":
    case "timeout":
    case "stalled":
    case "denied":
      return done ? { kind: "ok" } : ending;
  }
}

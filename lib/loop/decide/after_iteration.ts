import type { AgentResult } from "../../agent/agent.ts";
import type { AgentEnding } from "../../event/agent_event.ts";
import { addUsage } from "../../event/usage.ts";
import type { LoopState } from "../loop_state.ts";
import { afterEnding, type FailoverRules } from "./failover.ts";
import {
  type IterationFacts,
  type IterationJudgement,
  type IterationWork,
  judgeIteration,
  type Verdict,
} from "./iteration_facts.ts";

/** The rules of {@linkcode afterIteration}. */
interface AfterIterationRules extends FailoverRules {
  /** Check failures of one story before it is left alone. */
  maxCheckFailures: number;
}

/** Counts an iteration that begins. It counts also where git or the disk fails before its end. */
export function beginIteration(state: LoopState, { story, agent }: IterationWork): LoopState {
  return {
    ...state,
    iterations: state.iterations + 1,
    attempts: increment(state.attempts, story.id),
    agentCounts: increment(state.agentCounts, agent),
  };
}

/** Counts what an agent has used, also where the rest of its iteration cannot be found out. */
export function afterAgent(state: LoopState, { usage }: AgentResult): LoopState {
  return usage === undefined ? state : { ...state, usage: addUsage(state.usage, usage) };
}

/**
 * Learns from an iteration: how far the stories are, how the agent did, what to tell the next one.
 *
 * @returns What it knows now; the state given is not changed.
 */
export function afterIteration(
  state: LoopState,
  facts: IterationFacts,
  rules: AfterIterationRules,
): LoopState {
  const { work, known, settled } = facts;
  const judged = judgeIteration(facts);
  const { ending } = judged;
  const failover = afterEnding(state.failover, work.agent, ending, {
    now: facts.endedAt,
    rules,
    random: facts.random,
  });
  const its = failover.get(work.agent);
  return {
    ...state,
    ...known,
    ...lessons(state, facts, { judged, rules }),
    failover,
    last: {
      agent: work.agent,
      failed: ending.kind !== "ok" && ending.kind !== "aborted",
      failures: its === undefined || its.kind === "out" ? 0 : its.failures,
      reason: "message" in ending ? ending.message : "",
    },
    snapshot: settled,
    passedSince: state.passedSince || judged.passed.length > 0,
    unchanged: unchangedAfter(state.unchanged, judged),
    checksHold: checksHoldAfter(state.checksHold, facts.verdict, judged.changed),
  };
}

/** Failures have rules of their own: only an agent that ended well can stagnate. */
function unchangedAfter(before: number, { changed, ending }: IterationJudgement): number {
  if (changed) return 0;
  return ending.kind === "ok" ? before + 1 : before;
}

/** What has changed since the checks held has to be checked again. */
function checksHoldAfter(before: boolean, verdict: Verdict, changed: boolean): boolean {
  switch (verdict.kind) {
    case "held":
      return true;
    case "unverified":
      return before && !changed;
    case "failed":
    case "interrupted":
      return false;
  }
}

/** What is remembered of a story for those who try it next. */
function lessons(
  state: LoopState,
  { work, result, verdict, reopened, left }: IterationFacts,
  { judged, rules }: { judged: IterationJudgement; rules: AfterIterationRules },
): Pick<LoopState, "reasons" | "checkFailures" | "excluded"> {
  const reasons = new Map(state.reasons);
  const checkFailures = new Map(state.checkFailures);
  const excluded = new Map(state.excluded);
  const { id } = work.story;
  switch (verdict.kind) {
    case "failed":
      for (const each of reopened) {
        reasons.set(each, [verdict.reason, ...verdict.outputTail].join("\n"));
        const failures = (checkFailures.get(each) ?? 0) + 1;
        checkFailures.set(each, failures);
        if (failures >= rules.maxCheckFailures) {
          excluded.set(each, `reopened ${failures} times: ${verdict.reason}`);
        }
      }
      break;
    case "interrupted":
      for (const each of reopened) reasons.set(each, verdict.reason);
      break;
    case "held":
    case "unverified": {
      const note = left ?? noteOf(result.ending);
      if (judged.done) reasons.delete(id);
      else if (note !== undefined) reasons.set(id, note);
    }
  }
  return { reasons, checkFailures, excluded };
}

function noteOf(ending: AgentEnding): string | undefined {
  switch (ending.kind) {
    case "timeout":
    case "stalled":
      return `The attempt before this one was ended (${ending.message}); what it changed is kept`;
    case "denied":
      return `The attempt before this one was refused permissions: ${ending.message}`;
    case "ok":
    case "launch":
    case "auth":
    case "rate_limit":
    case "overloaded":
    case "error":
    case "aborted":
      return undefined;
  }
}

function increment(counts: ReadonlyMap<string, number>, key: string): Map<string, number> {
  return new Map(counts).set(key, (counts.get(key) ?? 0) + 1);
}

import type { GitSnapshot } from "../../git/git_snapshot.ts";
import type { LoopState } from "../loop_state.ts";
import type { FailoverState } from "./failover.ts";

/** What a wait brought. */
interface WaitFacts {
  /** The agent that was waited for. */
  readonly agent: string;
  /** Whether a person said that it may run at once. */
  readonly retried: boolean;
  /** The repository: a person may have committed meanwhile, which is not the next agent's work. */
  readonly snapshot: GitSnapshot;
}

/**
 * Learns from a wait.
 *
 * @returns What it knows now; the state given is not changed.
 */
export function afterWait(state: LoopState, { agent, retried, snapshot }: WaitFacts): LoopState {
  const failover = retried ? withoutWait(state.failover, agent) : state.failover;
  return { ...state, failover, snapshot };
}

function withoutWait(failover: FailoverState, agent: string): FailoverState {
  const its = failover.get(agent);
  switch (its?.kind) {
    case "ready":
      return new Map(failover).set(agent, { ...its, notBefore: 0 });
    case "cooling":
      return new Map(failover).set(agent, { ...its, until: 0 });
    case "out":
    case undefined:
      return failover;
  }
}

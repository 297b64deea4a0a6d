import type { BlockedStory, LoopEventBody } from "../../event/loop_event.ts";
import type { LoopOutcome } from "../../event/vocabulary.ts";
import { findCircle } from "../../task/prd/find_circle.ts";
import type { Story } from "../../task/prd/prd.ts";
import { checksOf, type LoopContext, wishesFor } from "../loop_context.ts";
import type { LoopRequest } from "../loop_control.ts";
import type { LoopState } from "../loop_state.ts";
import { staysBroken } from "./after_reading.ts";
import { candidateAgents, chooseModel, wantedAgents } from "./choose_agent.ts";
import { chooseStory, type StoryChoice } from "./choose_story.ts";
import { type AgentSelection, selectAgent } from "./failover.ts";
import type { IterationWork, Verdict } from "./iteration_facts.ts";
import { reachedLimit, timeLimitReached } from "./limits.ts";

/** How a loop ends. */
export interface LoopEnd {
  /** In which way. */
  readonly outcome: LoopOutcome;
  /** Why, in one line. */
  readonly reason: string;
  /** Further lines, such as the failure of each agent. @default {none} */
  readonly details?: readonly string[] | undefined;
  /** The open stories, if they are known already. @default {what the PRD says} */
  readonly open?: readonly BlockedStory[] | undefined;
}

/** A switch from one agent to another. */
type Failover = Extract<LoopEventBody, { type: "failed_over" }>;

/** What a loop does next. */
export type LoopStep =
  /** It is over. */
  | { readonly kind: "end"; readonly end: LoopEnd }
  /** Every story passes, and the checks decide whether that is so. */
  | { readonly kind: "check" }
  /** Agents have come into play of which it is not known whether they can run here. */
  | { readonly kind: "probe"; readonly agents: readonly string[] }
  /** Nobody runs before `until`, in milliseconds since the epoch; then it is `agent`'s turn. */
  | Extract<AgentSelection, { kind: "wait" }>
  /** An agent works on a story, and may take over from another one for it. */
  | { readonly kind: "run"; readonly work: IterationWork; readonly failover: Failover | undefined };

/** What a decision needs to know of the present. */
export interface Moment {
  /** The time of day, in milliseconds since the epoch. */
  readonly now: number;
  /** The time since the loop began, in milliseconds. */
  readonly elapsedMs: number;
  /** What the loop was asked to do, if anything. */
  readonly request: LoopRequest | undefined;
}

/**
 * Decides whether a loop ends before it looks at its stories again: because it was asked to, or
 * because nothing changes any more.
 *
 * @returns How it ends; `undefined` if it goes on.
 */
export function decideHalt(
  context: Pick<LoopContext, "rules">,
  state: LoopState,
  { request }: Pick<Moment, "request">,
): LoopEnd | undefined {
  if (request !== undefined && state.prd.stories.some((story) => !story.passes)) {
    const outcome = request.kind === "stop" ? "stopped" : "checkpointed";
    return { outcome, reason: request.reason };
  }
  const { stagnationLimit } = context.rules;
  if (stagnationLimit > 0 && state.unchanged >= stagnationLimit) {
    return { outcome: "stagnated", reason: `nothing changed in ${stagnationLimit} iterations` };
  }
  if (request?.kind === "stop") return { outcome: "stopped", reason: request.reason };
  return undefined;
}

/**
 * Decides what a loop does next.
 *
 * @param state What it knows; its PRD was just read.
 */
export function decideStep(
  context: Pick<LoopContext, "options">,
  state: LoopState,
  moment: Moment,
): LoopStep {
  const { options } = context;
  const broken = staysBroken(state, state.iterations);
  if (broken !== undefined) return endsAs({ outcome: "failed", reason: broken });
  const choice = chooseStory(state.prd, { excluded: state.excluded });
  if (choice.kind === "completed") return decideLastStep(context, state);
  if (choice.kind === "blocked") return endsAs(blockedEnd(state, choice));
  if (state.prd.pauseBetweenStories && state.passedSince) {
    const reason = "it pauses between stories, as prd.json asks";
    return endsAs({ outcome: "checkpointed", reason });
  }
  const { iterations, usage } = state;
  const spent = { iterations, usage, elapsedMs: moment.elapsedMs };
  const limit = reachedLimit(spent, options.limits ?? {});
  if (limit !== undefined) return endsAs({ outcome: "limit", reason: limit });
  return decideAgent(context, state, { story: choice.story, now: moment.now });
}

/** Every story passes: that has to be true, and the checks have to hold. */
function decideLastStep(
  { options }: Pick<LoopContext, "options">,
  state: LoopState,
): LoopStep {
  if (state.vanished.size > 0) {
    const ids = [...state.vanished].join(", ");
    const reason = `open stories have vanished from prd.json: ${ids}`;
    const hint = "if this is intended, run again; otherwise restore prd.json from git";
    return endsAs({ outcome: "failed", reason, details: [hint] });
  }
  if (checksOf(options, state.prd).length > 0 && !state.checksHold) return { kind: "check" };
  return endsAs({ outcome: "completed", reason: "every story passes" });
}

function decideAgent(
  { options }: Pick<LoopContext, "options">,
  state: LoopState,
  { story, now }: { story: Story; now: number },
): LoopStep {
  const { failover, prd } = state;
  const wishes = wishesFor(options, prd, story);
  const unknown = wantedAgents(wishes).filter((name) => !failover.has(name));
  if (unknown.length > 0) return { kind: "probe", agents: unknown };
  const candidates = candidateAgents({
    ...wishes,
    isOut: (name) => failover.get(name)?.kind === "out",
  });
  const selection = selectAgent(failover, candidates, now);
  switch (selection.kind) {
    case "none": {
      const details = selection.reasons.map(({ agent, reason }) => `${agent}: ${reason}`);
      return endsAs({ outcome: "failed", reason: "no agent is left", details });
    }
    case "wait":
      return selection;
    case "run": {
      const { agent } = selection;
      const wanted = candidates[0] ?? agent;
      const { model: flag, fallbackModel: fallback } = options;
      const model = chooseModel({ agent, wanted, flag, story, prd, fallback });
      const work = { story, agent, model };
      return { kind: "run", work, failover: failoverTo(state, work) };
    }
  }
}

/** Only an agent that was taken out is failed over from; one that gives way to a wish is not. */
function failoverTo(state: LoopState, { story, agent }: IterationWork): Failover | undefined {
  const { last } = state;
  if (last === undefined || !last.failed || last.agent === agent) return undefined;
  if (state.failover.get(last.agent)?.kind !== "cooling") return undefined;
  return {
    type: "failed_over",
    iteration: state.iterations + 1,
    story: { id: story.id, title: story.title },
    from: last.agent,
    to: agent,
    failuresInRow: last.failures,
    reason: last.reason,
  };
}

function blockedEnd(
  { prd }: LoopState,
  { blocked }: Extract<StoryChoice, { kind: "blocked" }>,
): LoopEnd {
  const circle = findCircle(prd.stories.filter((story) => !story.passes));
  const reason = circle === undefined
    ? "no open story can run"
    : `stories wait for each other: ${[...circle, circle[0]].join(" -> ")}`;
  return { outcome: "blocked", reason, open: blocked };
}

/**
 * Decides whether a loop whose stories all pass ends because of its checks.
 *
 * @returns How it ends; `undefined` if the checks hold, or the loop is to stop, which comes next.
 */
export function decideAfterChecks(
  { options }: Pick<LoopContext, "options">,
  verdict: Verdict,
  { request }: Pick<Moment, "request">,
): LoopEnd | undefined {
  if (request?.kind === "stop") return undefined;
  switch (verdict.kind) {
    case "unverified":
    case "held":
      return undefined;
    case "failed": {
      const reason = `every story passes, and ${verdict.reason}`;
      return { outcome: "failed", reason, details: verdict.outputTail };
    }
    case "interrupted": {
      const reason = timeLimitReached(options.limits?.timeMs ?? 0);
      return { outcome: "limit", reason, details: [verdict.reason] };
    }
  }
}

function endsAs(end: LoopEnd): LoopStep {
  return { kind: "end", end };
}

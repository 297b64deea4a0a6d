import type { AgentEnding } from "../event/agent_event.ts";
import type { LoopEventBody } from "../event/loop_event.ts";
import {
  type IterationFacts,
  type IterationWork,
  judgeIteration,
} from "./decide/iteration_facts.ts";
import { checksOf, type LoopContext, withoutUndefined } from "./loop_context.ts";
import { countStories, type LoopState } from "./loop_state.ts";

/**
 * Describes the start of a loop.
 *
 * @param agent The agent that will run first, as far as that is known.
 */
export function loopStarted(
  { options, branch, base }: LoopContext,
  { prd }: LoopState,
  agent: string,
): LoopEventBody {
  const { task, limits = {}, requireCommit = false } = options;
  const checks = checksOf(options, prd).length;
  return {
    type: "loop_started",
    task: task.name,
    taskDir: task.dir,
    root: task.root,
    branch,
    base,
    agent,
    limits: withoutUndefined(limits),
    stories: countStories(prd),
    verifies: checks > 0 || requireCommit,
    checks,
    list: prd.stories.map(({ id, title, passes, dependsOn }) => ({ id, title, passes, dependsOn })),
  };
}

/** Describes the start of an iteration. */
export function iterationStarted(state: LoopState, work: IterationWork): LoopEventBody {
  const { story, agent, model } = work;
  return {
    type: "iteration_started",
    iteration: state.iterations,
    story: { id: story.id, title: story.title },
    agent,
    model,
    head: state.snapshot.head,
    attempt: state.attempts.get(story.id) ?? 1,
  };
}

/** Describes the end of an iteration. */
export function iterationFinished(state: LoopState, facts: IterationFacts): LoopEventBody {
  const { work, result } = facts;
  const { outcome, passed, changed } = judgeIteration(facts);
  return {
    type: "iteration_finished",
    iteration: state.iterations,
    story: { id: work.story.id, title: work.story.title },
    agent: work.agent,
    model: work.model,
    agentSessionId: result.agentSessionId,
    outcome,
    ending: result.ending,
    stderrTail: untold(result.stderrTail, result.ending),
    denials: result.denials,
    headBefore: facts.before.head,
    headAfter: facts.after.head,
    commits: facts.commits,
    changed,
    passed: [...passed],
    stories: countStories(state.prd),
    durationMs: facts.durationMs,
    usage: result.usage,
    failuresInRow: state.last?.failures ?? 0,
  };
}

/** The lines of stderr that the ending does not quote: an error is told once, wherever it is shown. */
function untold(stderrTail: readonly string[], ending: AgentEnding): string[] {
  if (ending.kind === "ok") return [];
  const { message } = ending;
  return stderrTail.filter((line) => {
    const said = line.trim();
    return said === "" || (message !== said && !message.endsWith(`: ${said}`));
  });
}

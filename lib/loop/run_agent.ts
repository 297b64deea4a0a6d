import type { AgentResult } from "../agent/agent.ts";
import type { LoopEvent } from "../event/loop_event.ts";
import { buildPrompt } from "../task/prompt/build_prompt.ts";
import { findPromptTemplate } from "../task/prompt/prompt_template.ts";
import type { IterationWork } from "./decide/iteration_facts.ts";
import { environmentFor, type LoopContext, stamp } from "./loop_context.ts";
import type { LoopState } from "./loop_state.ts";
import { watchAgent } from "./watch_agent.ts";

/**
 * Runs an agent on a story, within the limits.
 *
 * @returns What happens, and at the end how the agent ended.
 */
export async function* runAgent(
  context: LoopContext,
  state: LoopState,
  work: IterationWork,
): AsyncGenerator<LoopEvent, AgentResult> {
  const { options, control } = context;
  const { task } = options;
  const { story, model } = work;
  const agent = context.agents.get(work.agent);
  if (agent === undefined) throw new TypeError(`Cannot start agent "${work.agent}": unknown`);
  const run = watchAgent(agent, {
    prompt: await promptOf(context, state, work),
    cwd: task.root,
    taskDir: task.dir,
    prd: state.prd,
    story,
    iteration: state.iterations,
    model,
    env: environmentFor(context, work.agent),
    scratchDir: context.options.scratchDir,
    yolo: options.yolo ?? false,
    limits: options.limits ?? {},
    elapsedMs: context.elapsedMs,
    spent: state.usage,
    stopSignal: control.stopSignal,
    control,
  });
  try {
    for (;;) {
      const next = await run.next();
      if (next.done) return next.value;
      yield stamp(context, { type: "agent", iteration: state.iterations, event: next.value });
    }
  } finally {
    // Whoever reads the loop may leave in the middle of an iteration: the agent must not stay.
    await run.return(undefined as never);
  }
}

async function promptOf(
  { options, control, branch, judge }: LoopContext,
  state: LoopState,
  { story, agent }: IterationWork,
): Promise<string> {
  const reason = state.reasons.get(story.id);
  const broken = state.broken?.problem;
  const { configDir } = options;
  return await buildPrompt({
    task: options.task,
    prd: state.prd,
    story,
    agent,
    branch,
    template: judge.template ?? (await findPromptTemplate({ configDir })).text,
    extra: control.takePrompts(),
    reasons: [
      ...(reason === undefined ? [] : [reason]),
      ...(broken === undefined ? [] : [`Repair prd.json before anything else: ${broken}`]),
    ],
  });
}

import type { AgentResult } from "../agent/agent.ts";
import type { AgentEnding } from "../event/agent_event.ts";
import { buildPrompt } from "../task/prompt/build_prompt.ts";
import { changesBetween } from "../git/changes_between.ts";
import {
  type GitSnapshot,
  gitSnapshot,
  isWithin,
  repositoryPath,
  snapshotsDiffer,
} from "../git/git_snapshot.ts";
import type { Story } from "../task/prd/prd.ts";
import type { Task } from "../task/task.ts";
import { addUsage } from "../event/usage.ts";
import { chooseModel } from "./decide/choose_agent.ts";
import { afterEnding } from "./decide/failover.ts";
import type { LoopEvent } from "../event/loop_event.ts";
import type { IterationOutcome } from "../event/vocabulary.ts";
import { checksOf, countStories, environmentFor, type LoopState, stamp } from "./loop_state.ts";
import { readTaskPrd } from "./read_task_prd.ts";
import { ignoredFiles } from "./start/start_loop.ts";
import { verifyIteration } from "./verify_iteration.ts";
import { watchAgent } from "./watch_agent.ts";

/** Options for {@linkcode runIteration}. */
export interface RunIterationOptions {
  /** The story. */
  story: Story;
  /** The name of the agent that runs. */
  agentName: string;
  /** The name of the preferred agent. */
  wanted: string;
}

/**
 * Runs one agent on one story, verifies what it did and records what changed.
 *
 * @param state The loop; updated with the results of the iteration.
 * @param options The story and the agent.
 */
export async function* runIteration(
  state: LoopState,
  { story, agentName, wanted }: RunIterationOptions,
): AsyncGenerator<LoopEvent, void> {
  const { task } = state.options;
  const iteration = ++state.iterations;
  const attempt = increment(state.attempts, story.id);
  increment(state.agentCounts, agentName);
  const startedAt = state.now();
  const ref = { id: story.id, title: story.title };
  const model = chooseModel({
    agent: agentName,
    wanted,
    flag: state.options.model,
    story,
    prd: state.prd,
    fallback: state.options.fallbackModel,
  });
  const withModel = model === undefined ? {} : { model };
  yield stamp(state, {
    type: "iteration_started",
    iteration,
    story: ref,
    agent: agentName,
    ...withModel,
    head: state.snapshot.head,
    attempt,
  });

  const before = { prd: state.prd, snapshot: state.snapshot };
  const result = yield* runAgent(state, { story, agentName, model });
  const { usage } = result;
  if (usage !== undefined) state.usage = addUsage(state.usage, usage);

  // Starting git takes as long as reading the file, so both run at once.
  const looking = gitSnapshot(task.root, { ignore: ignoredFiles(task) });
  looking.catch(() => {});
  yield* readTaskPrd(state);
  state.snapshot = await looking;
  const { head } = state.snapshot;
  const { commits } = head === null || head === before.snapshot.head
    ? { commits: 0 }
    : await changesBetween(task.root, before.snapshot.head, head);
  const wasOpen = new Set(before.prd.stories.filter((each) => !each.passes).map(({ id }) => id));
  const marked = state.prd.stories.filter((each) => each.passes && wasOpen.has(each.id));
  const failedCheck = yield* verifyIteration(state, {
    marked,
    commits,
    worked: commits > 0 || worksOutside(task, before.snapshot, state.snapshot),
  });
  if (failedCheck !== undefined) yield* readTaskPrd(state);
  const after = state.snapshot;
  if (failedCheck !== undefined || (marked.length > 0 && checksOf(state).length > 0)) {
    // Files left by checks and a reopened story are not the next agent's work.
    state.snapshot = await gitSnapshot(task.root, { ignore: ignoredFiles(task) });
  }
  const passed = failedCheck === undefined ? marked.map(({ id }) => id) : [];
  const changed = passed.length > 0 || snapshotsDiffer(before.snapshot, after);

  const done = passed.includes(story.id);
  const ending = forFailover(result.ending, done);
  state.failover = afterEnding(state.failover, agentName, ending, {
    now: state.now(),
    rules: state.rules,
    random: (state.options.random ?? Math.random)(),
  });
  const its = state.failover.get(agentName);
  const failures = its === undefined || its.kind === "out" ? 0 : its.failures;
  const failed = ending.kind !== "ok" && ending.kind !== "aborted";
  state.last = {
    agent: agentName,
    failed,
    failures,
    reason: "message" in ending ? ending.message : "",
  };
  // Failures have their own rules: only an agent that succeeded can stagnate.
  if (passed.length > 0) state.passedSince = true;
  if (changed) state.unchanged = 0;
  else if (ending.kind === "ok") state.unchanged++;
  if (changed && (failedCheck !== undefined || passed.length === 0)) state.checksHold = false;
  if (done) state.reasons.delete(story.id);
  else if (failedCheck === undefined) noteForNextAttempt(state, story.id, result.ending);

  yield stamp(state, {
    type: "iteration_finished",
    iteration,
    story: ref,
    agent: agentName,
    ...withModel,
    ...(result.agentSessionId === undefined ? {} : { agentSessionId: result.agentSessionId }),
    outcome: outcomeOf(result.ending, done, failedCheck !== undefined),
    ending: result.ending,
    stderrTail: result.ending.kind === "ok" ? [] : result.stderrTail,
    denials: result.denials,
    headBefore: before.snapshot.head,
    headAfter: head,
    commits,
    changed,
    passed,
    stories: countStories(state.prd),
    durationMs: state.now() - startedAt,
    ...(usage === undefined ? {} : { usage }),
    failuresInRow: failures,
  });
}

async function* runAgent(
  state: LoopState,
  { story, agentName, model }: { story: Story; agentName: string; model: string | undefined },
): AsyncGenerator<LoopEvent, AgentResult> {
  const { task, limits = {}, yolo = false, configDir } = state.options;
  const agent = state.agents.get(agentName);
  if (agent === undefined) throw new TypeError(`Cannot start agent "${agentName}": unknown`);
  const reason = state.reasons.get(story.id);
  const broken = state.broken?.problem;
  const prompt = await buildPrompt({
    task,
    prd: state.prd,
    story,
    agent: agentName,
    ...(state.branch === undefined ? {} : { branch: state.branch }),
    ...(configDir === undefined ? {} : { configDir }),
    extra: state.control.takePrompts(),
    reasons: [
      ...(reason === undefined ? [] : [reason]),
      ...(broken === undefined ? [] : [`Repair prd.json before anything else: ${broken}`]),
    ],
  });
  const events = watchAgent(agent, {
    prompt,
    cwd: task.root,
    taskDir: task.dir,
    prd: state.prd,
    story,
    iteration: state.iterations,
    ...(model === undefined ? {} : { model }),
    env: environmentFor(state, agentName),
    yolo,
    limits,
    ...(limits.timeMs === undefined ? {} : { deadline: state.startedAt + limits.timeMs }),
    spent: state.usage,
    stopSignal: state.control.stopSignal,
    control: state.control,
    now: state.now,
  });
  try {
    for (;;) {
      const next = await events.next();
      if (next.done) return next.value;
      yield stamp(state, { type: "agent", iteration: state.iterations, event: next.value });
    }
  } finally {
    // The reader of the loop may stop in the middle of an iteration: the agent must not stay.
    await events.return(undefined as never);
  }
}

/** Whether anything but the task's own files has changed. */
function worksOutside(task: Task, before: GitSnapshot, after: GitSnapshot): boolean {
  const own = [repositoryPath(task.root, task.dir)];
  const others = ({ dirty }: GitSnapshot): Map<string, string> =>
    new Map([...dirty].filter(([path]) => !isWithin(path, own)));
  return snapshotsDiffer(
    { ...before, head: null, dirty: others(before) },
    { ...after, head: null, dirty: others(after) },
  );
}

/**
 * A story that passes makes up for a failure of its agent, unless the agent cannot continue at all.
 */
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

function outcomeOf(ending: AgentEnding, done: boolean, checkFailed: boolean): IterationOutcome {
  if (done) return "passed";
  if (checkFailed) return "check_failed";
  if (ending.kind === "aborted") return "aborted";
  return ending.kind === "ok" ? "open" : "failed";
}

function noteForNextAttempt(state: LoopState, id: string, ending: AgentEnding): void {
  if (ending.kind === "timeout" || ending.kind === "stalled") {
    const note =
      `The attempt before this one was ended (${ending.message}); what it changed is kept`;
    state.reasons.set(id, note);
  } else if (ending.kind === "denied") {
    state.reasons.set(id, `The attempt before this one was refused permissions: ${ending.message}`);
  }
}

function increment(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

import { join } from "node:path";
import type { LoopEvent, LoopResult, StoryCount, StoryRef } from "../event/loop_event.ts";
import type { LoopOutcome } from "../event/vocabulary.ts";
import type { Session } from "../session/model/session.ts";
import { changesBetween } from "../git/changes_between.ts";
import { gitSnapshot } from "../git/git_snapshot.ts";
import { PrdError } from "../task/prd/prd.ts";
import { readPrd } from "../task/prd/read_prd.ts";
import { GitError } from "../git/run_git.ts";
import { setStoryPasses } from "../task/prd/edit_prd.ts";
import type { LogKnowledge } from "./replay_log.ts";

/**
 * Builds the events that a killed worker could not write any more. A story that was finished in the
 * interrupted iteration is credited to it, unless it still had to be verified: then it is reopened.
 */
export async function lastWords(
  session: Session,
  known: LogKnowledge,
  as: { outcome: LoopOutcome; reason: string },
): Promise<LoopEvent[]> {
  const time = new Date().toISOString();
  const events: LoopEvent[] = [];
  const { open } = known;
  if (open !== undefined) {
    const found = await lookAround(session, known, open.head);
    known.stories = found.stories;
    known.commits += found.commits;
    const done = found.passed.includes(open.story.id);
    for (const story of found.setBack) {
      const reason = "the worker died before it was verified";
      events.push({ time, type: "story_set_back", iteration: open.iteration, story, reason });
    }
    events.push({
      time,
      type: "iteration_finished",
      iteration: open.iteration,
      story: open.story,
      agent: open.agent,
      model: open.model,
      ...(session.agentSessionId === null ? {} : { agentSessionId: session.agentSessionId }),
      outcome: done ? "passed" : "aborted",
      ending: { kind: "aborted", message: as.reason },
      stderrTail: [],
      denials: [],
      headBefore: open.head,
      headAfter: found.head,
      commits: found.commits,
      changed: found.commits > 0 || found.passed.length > 0,
      passed: found.passed,
      stories: found.stories,
      durationMs: Math.max(0, Date.parse(session.updatedAt) - Date.parse(open.time)),
      failuresInRow: 0,
    });
  }
  const { started } = known;
  const result: LoopResult = {
    ...as,
    details: [],
    iterations: known.iterations,
    stories: known.stories,
    open: [],
    branch: started?.branch,
    commits: known.commits,
    filesChanged: 0,
    agents: known.agents,
    failovers: known.failovers,
    durationMs: Math.max(0, Date.parse(session.updatedAt) - Date.parse(session.startedAt)),
    usage: session.usage,
  };
  const { maxIterations, agent } = session;
  events.push({
    time,
    type: "loop_finished",
    result,
    agent,
    ...(maxIterations === null ? {} : { maxIterations }),
  });
  return events;
}

/** What an interrupted iteration has left. */
interface LeftBehind {
  /** Ids of the stories that have passed since. */
  passed: string[];
  /** Stories that were marked as passing, but not verified. */
  setBack: StoryRef[];
  stories: StoryCount;
  head: string | null;
  commits: number;
}

/** Only the files can tell what was left. */
async function lookAround(
  session: Session,
  known: LogKnowledge,
  before: string | null,
): Promise<LeftBehind> {
  const left: LeftBehind = {
    passed: [],
    setBack: [],
    stories: known.stories,
    head: null,
    commits: 0,
  };
  const file = join(session.taskDir, "prd.json");
  const within = session.root === "" ? undefined : session.root;
  try {
    const prd = await readPrd(file, { within });
    const passing = prd.stories.filter((story) => story.passes);
    const marked = passing.filter(({ id }) => !known.passing.has(id));
    if (known.started?.verifies) {
      // An unverified story does not pass: the next run tries it again.
      for (const { id } of marked) await setStoryPasses(file, id, false, { within });
      left.setBack = marked.map(({ id, title }) => ({ id, title }));
    } else {
      left.passed = marked.map(({ id }) => id);
    }
    left.stories = { done: passing.length - left.setBack.length, total: prd.stories.length };
  } catch (error) {
    if (!(error instanceof PrdError)) throw error;
  }
  try {
    left.head = (await gitSnapshot(session.root)).head;
    if (left.head !== null && left.head !== before) {
      left.commits = (await changesBetween(session.root, before, left.head)).commits;
    }
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
  }
  return left;
}

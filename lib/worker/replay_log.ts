import type { LoopEvent, StoryCount } from "../event/loop_event.ts";
import { readSessionLog } from "../session/log/read_session_log.ts";
import type { Registry } from "../session/registry/registry.ts";
import { registryWrite } from "../session/registry/registry_writes.ts";
import type { Session } from "../session/model/session.ts";

/** What the log of a session says. */
export interface LogKnowledge {
  /** Its first event; absent if the log is empty. */
  started: Extract<LoopEvent, { type: "loop_started" }> | undefined;
  /** The iteration that started and did not finish. */
  open: Extract<LoopEvent, { type: "iteration_started" }> | undefined;
  /** Ids of the stories that passed at the end of the log. */
  passing: Set<string>;
  /** Finished stories of all stories. */
  stories: StoryCount;
  /** Iterations that started. */
  iterations: number;
  /** Iterations of each agent. */
  agents: Record<string, number>;
  /** Switches from one agent to another. */
  failovers: number;
  /** Commits of the finished iterations. */
  commits: number;
}

/**
 * Brings the registry up to date with the log, which is at most a moment ahead of it. The session's
 * worker must be dead.
 */
export async function replayLog(
  registry: Registry,
  session: Session,
  dir: string,
): Promise<LogKnowledge> {
  const known: LogKnowledge = {
    started: undefined,
    open: undefined,
    passing: new Set(),
    stories: session.stories ?? { done: 0, total: 0 },
    iterations: 0,
    agents: {},
    failovers: 0,
    commits: 0,
  };
  const rows = new Set(registry.listIterations(session.id).map((row) => row.iteration));
  for await (const { event } of readSessionLog(dir)) {
    learn(known, event);
    const write = registryWrite(event);
    if (write.kind === "begin" && !rows.has(write.start.iteration)) {
      registry.beginIteration(session.id, write.start);
    } else if (write.kind === "finish") {
      registry.finishIteration(session.id, write.summary, { endedAt: write.endedAt });
    } else if (write.kind === "end") {
      registry.endSession(session.id, write.status, write.reason, write.options);
    }
  }
  return known;
}

function learn(known: LogKnowledge, event: LoopEvent): void {
  if (event.type === "loop_started") {
    known.started = event;
    known.stories = event.stories;
    for (const { id, passes } of event.list) if (passes) known.passing.add(id);
  } else if (event.type === "iteration_started") {
    known.open = event;
    known.iterations = event.iteration;
    known.agents[event.agent] = (known.agents[event.agent] ?? 0) + 1;
  } else if (event.type === "iteration_finished") {
    known.open = undefined;
    known.stories = event.stories;
    known.commits += event.commits;
    for (const id of event.passed) known.passing.add(id);
  } else if (event.type === "story_set_back") {
    known.passing.delete(event.story.id);
  } else if (event.type === "failed_over") {
    known.failovers++;
  }
}

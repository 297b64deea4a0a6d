import type { LoopEvent, StoryCount } from "../event/loop_event.ts";
import { readMilestones } from "../session/log/session_log.ts";
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

/** Options for {@linkcode replayLog}. */
export interface ReplayLogOptions {
  /** The folder of the session. */
  dir: string;
  /** Receives what is wrong with the log, in one line. */
  warn: (message: string) => void;
}

/**
 * Brings the registry up to date with the log, which is at most a moment ahead of it. The session's
 * worker must be dead.
 */
export async function replayLog(
  registry: Registry,
  session: Session,
  { dir, warn }: ReplayLogOptions,
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
  const replay = (event: LoopEvent): void => {
    learn(known, event);
    const write = registryWrite(event);
    if (write.kind === "begin" && !rows.has(write.start.iteration)) {
      registry.beginIteration(session.id, write.start);
    } else if (write.kind === "finish") {
      registry.finishIteration(session.id, write.summary, { endedAt: write.endedAt });
    } else if (write.kind === "end") {
      registry.endSession(session.id, write.status, write.reason, write.options);
    }
  };
  const milestones = await readMilestones(dir);
  for await (const { seq, event } of readSessionLog(dir, { onDamage: warn })) {
    // Those of parts of the log that were deleted.
    while (milestones[0] !== undefined && milestones[0].seq < seq) {
      const dropped = milestones.shift();
      if (dropped !== undefined) tryReplay(dropped.event, replay, warn);
    }
    if (milestones[0]?.seq === seq) milestones.shift();
    tryReplay(event, replay, warn);
  }
  return known;
}

/** A whole line can still lack what its type says: it is skipped, as one that is not JSON is. */
function tryReplay(
  event: LoopEvent,
  replay: (event: LoopEvent) => void,
  warn: (message: string) => void,
): void {
  try {
    replay(event);
  } catch (error) {
    // A registry that is locked or full is not the fault of the line.
    const { code, message } = error as { code?: unknown; message?: string };
    const isContent = error instanceof TypeError || error instanceof RangeError ||
      (code === "ERR_SQLITE_ERROR" && /constraint failed|cannot be bound/i.test(message ?? ""));
    if (!isContent) throw error;
    warn(`Cannot use an event of type "${event.type}" in the log: ${message}`);
  }
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
    // Read first: an event that lacks them changes nothing.
    const { passed: [...passed], stories, commits } = event;
    known.open = undefined;
    known.stories = stories;
    known.commits += commits;
    for (const id of passed) known.passing.add(id);
  } else if (event.type === "story_set_back") {
    known.passing.delete(event.story.id);
  } else if (event.type === "failed_over") {
    known.failovers++;
  }
}

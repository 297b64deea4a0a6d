import { PrdError } from "../prd/prd.ts";
import { readPrd } from "../prd/read_prd.ts";
import { appendProgress } from "./append_progress.ts";
import type { FailureEntry, NewProgressEntry } from "./progress_entry.ts";
import type { Task } from "../task.ts";
import type { LoopEvent } from "../../event/loop_event.ts";
import type { Sink } from "../../event/sink.ts";

/** Options for {@linkcode progressSink}. */
export interface ProgressSinkOptions {
  /** The task. */
  task: Task;
  /** The kind of work, for the header of a new file. @default {the PRD's, then "Feature"} */
  type?: string | undefined;
}

/** The sink of progress.txt; it takes events without their number too. */
export interface ProgressSink extends Sink {
  /** Writes the entry of an event, if it has one; await it before the next event. */
  write(event: LoopEvent): Promise<void>;
}

/**
 * Creates a sink that writes failures, failovers and checkpoints to progress.txt, where the next
 * agent reads them.
 *
 * @example Usage
 * ```ts ignore
 * import { createAgents, progressSink, resolveTask, runLoop } from "@ralph/cli";
 *
 * const task = await resolveTask("my-feature");
 * await using progress = progressSink({ task });
 * for await (const event of runLoop({ task, agents: createAgents() })) await progress.write(event);
 * ```
 */
export function progressSink({ task, type }: ProgressSinkOptions): ProgressSink {
  return {
    async write(event) {
      const entry = progressEntry(event);
      if (entry === undefined) return;
      await appendProgress(task.progressFile, entry, {
        now: () => Date.parse(event.time),
        header: { effort: task.name, type: type ?? await typeOf(task) },
        within: task.root === "" ? undefined : task.root,
      });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The kind of work as prd.json has it, `bugfix`, in the form of the header, `Bugfix`. */
async function typeOf(task: Task): Promise<string | undefined> {
  try {
    const type = (await readPrd(task.prdFile)).type?.trim();
    return type ? type.charAt(0).toUpperCase() + type.slice(1) : undefined;
  } catch (error) {
    // A prd.json that an agent broke must not keep its failure out of progress.txt.
    if (error instanceof PrdError) return undefined;
    throw error;
  }
}

/**
 * The entry of progress.txt for an event.
 *
 * @returns The entry; `undefined` for most events.
 */
function progressEntry(event: LoopEvent): NewProgressEntry | undefined {
  switch (event.type) {
    case "iteration_finished":
      return event.outcome === "failed" ? failureEntry(event) : undefined;
    case "failed_over":
      return {
        kind: "failover",
        from: event.from,
        to: event.to,
        story: event.story.id,
        failures: event.failuresInRow,
        reason: event.reason,
      };
    case "loop_finished": {
      const { outcome, iterations, stories, reason } = event.result;
      if (outcome !== "stopped" && outcome !== "checkpointed") return undefined;
      return {
        kind: "checkpoint",
        iteration: iterations,
        maxIterations: event.maxIterations,
        stories,
        agent: event.agent,
        reason,
      };
    }
    default:
      return undefined;
  }
}

function failureEntry(event: Extract<LoopEvent, { type: "iteration_finished" }>): FailureEntry {
  const message = "message" in event.ending ? event.ending.message : event.ending.kind;
  return {
    kind: "failure",
    iteration: event.iteration,
    agent: event.agent,
    story: event.story.id,
    failures: event.failuresInRow,
    error: [message, ...event.stderrTail.filter((line) => line !== message)].join("\n"),
  };
}

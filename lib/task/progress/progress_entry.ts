/** An agent failed; a streak of the same failure is one entry. */
export interface FailureEntry {
  /** Marks it as a failure. */
  kind: "failure";
  /** The iteration, from 1; the last one of a streak. */
  iteration: number;
  /** The agent. */
  agent: string;
  /** The id of the story. */
  story: string;
  /** How often it has failed in a row, including this time. */
  failures: number;
  /** What went wrong: one line, followed by the last lines of the agent's stderr. */
  error: string;
}

/** The loop switched to another agent. */
export interface FailoverEntry {
  /** Marks it as a switch of agents. */
  kind: "failover";
  /** The agent that failed. */
  from: string;
  /** The agent that takes over. */
  to: string;
  /** The id of the story. */
  story: string;
  /** How often the first agent had failed in a row. */
  failures: number;
  /** What went wrong last. */
  reason: string;
}

/** The loop was stopped so that it can continue later. */
export interface CheckpointEntry {
  /** Marks it as a checkpoint. */
  kind: "checkpoint";
  /** The last iteration. */
  iteration: number;
  /** The limit of iterations; absent if there was none. */
  maxIterations?: number | undefined;
  /** Stories that pass, of how many. */
  stories: { done: number; total: number };
  /** The agent. */
  agent: string;
  /** Why it was stopped. */
  reason: string;
}

/** What an agent wrote down about a story. */
export interface StoryEntry {
  /** Marks it as a note on a story. */
  kind: "story";
  /** The id of the story. */
  story: string;
  /** What else the heading says, such as the story's title; absent if nothing. */
  title?: string | undefined;
  /** The text, without the heading and the closing rule. */
  body: string;
}

/** What is known about the code: bullets that agents keep for one another. */
export interface PatternsEntry {
  /** Marks it as Codebase Patterns. */
  kind: "patterns";
  /** The bullets, without their marks; one of several lines keeps its line ends. */
  bullets: string[];
  /** Everything below the heading, verbatim, without surrounding empty lines. */
  body: string;
}

/** Anything else in the file. */
export interface OtherEntry {
  /** Marks it as something else. */
  kind: "other";
  /** Its heading without the marks; empty for text that has none. */
  heading: string;
}

/** One entry of `progress.txt`. */
export type ProgressEntry =
  | FailureEntry
  | FailoverEntry
  | CheckpointEntry
  | StoryEntry
  | PatternsEntry
  | OtherEntry;

/** An entry that can be added to `progress.txt`. */
export type NewProgressEntry = FailureEntry | FailoverEntry | CheckpointEntry | StoryEntry;

/**
 * Counts the iterations recorded in `progress.txt`: one for each note about a story, and one for
 * each failure, including every failure of a streak. Older files have an entry for each failure of
 * a streak; those are not counted twice.
 *
 * @example Usage
 * ```ts
 * import { countIterations } from "./progress_entry.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const failure = { kind: "failure", agent: "a", story: "1", error: "exit 1", iteration: 3 } as const;
 * assertEquals(countIterations([{ ...failure, failures: 3 }]), 3);
 * ```
 *
 * @param entries The entries, in the order of the file.
 */
export function countIterations(entries: readonly ProgressEntry[]): number {
  let count = 0;
  const counted = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind === "story") {
      count++;
      counted.clear();
    }
    if (entry.kind !== "failure") continue;
    const before = counted.get(entry.agent) ?? 0;
    count += entry.failures > before ? entry.failures - before : entry.failures;
    counted.set(entry.agent, entry.failures);
  }
  return count;
}

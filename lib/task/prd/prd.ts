/** One acceptance criterion of a story. */
export interface Criterion {
  /** What must be true. */
  description: string;
  /** Whether the agent has ticked it. Criteria that are plain strings count as not ticked. */
  passes: boolean;
}

/** A decision that a person makes before the stories that depend on it can run. */
export interface Decision {
  /** Where the decision stands. Only `"pending"` blocks a story. */
  status: "pending" | "answered" | "applied";
  /** Short name of the decision, if it has one. */
  slug?: string | undefined;
  /** The file in which the answer is awaited, relative to the task folder, if one is named. */
  inputFile?: string | undefined;
}

/** One user story of a PRD, in normal form. */
export interface Story {
  /** Its id as a string: `US-001`, `setup`, `7`; the 1-based position where the file has none. */
  id: string;
  /** Its title; the description or the id where the file has none. */
  title: string;
  /** What is wanted. Empty where the file has none. */
  description: string;
  /** Its acceptance criteria, in the order of the file. */
  criteria: Criterion[];
  /** Lower runs first; 999 where the file has none. Fractions are allowed. */
  priority: number;
  /** Whether it is done. */
  passes: boolean;
  /** Free text, often markdown. Empty where the file has none. */
  notes: string;
  /** The agent that this story asks for. */
  agent?: string | undefined;
  /** The model that this story asks for, such as `anthropic/claude-sonnet-4`. */
  model?: string | undefined;
  /** The id of its phase. */
  phase?: string | undefined;
  /** The kind of story, such as `decision-gate`. */
  type?: string | undefined;
  /** Ids that must pass first: `blockedBy` and `dependsOn` together, without repetition. */
  dependsOn: string[];
  /** Ids of stories that wait for this one. */
  blocks: string[];
  /** The decision that it waits for, if it is a decision gate. */
  decision?: Decision | undefined;
  /** JSON path of the story in its file, such as `["userStories", 3]`. */
  path: (string | number)[];
}

/** One phase of an investigation. */
export interface Phase {
  /** Its id as a string. */
  id: string;
  /** Its name. */
  name: string;
  /** What happens in it. */
  description: string;
}

/** A PRD (product requirements document) in normal form, from any dialect. */
export interface Prd {
  /** The `schemaVersion` label; the shape of the file does not depend on it. */
  schemaVersion?: string | undefined;
  /** Name of the project. Empty where the file has none. */
  project: string;
  /** What it is about. Empty where the file has none. */
  description: string;
  /** The branch to work on; `null` to stay on the current one. */
  branchName: string | null;
  /** The branch to merge into at the end; `null` for none. */
  mergeTarget: string | null;
  /** Whether to merge the pull request without asking. */
  autoMerge: boolean;
  /** Whether to wait for a person after each story. */
  pauseBetweenStories: boolean;
  /** The kind of work, such as `feature`. */
  type?: string | undefined;
  /** The agent that the whole PRD asks for. */
  agent?: string | undefined;
  /** The model that the whole PRD asks for. */
  model?: string | undefined;
  /** Notes that go into every prompt. */
  notes: string;
  /** Failures in a row before another agent takes over. */
  failoverThreshold?: number | undefined;
  /** Commands that must succeed before a story counts as done: `checks`, or the values of
   * `verificationCommands`. */
  checks: string[];
  /** Phases, if it has any. */
  phases: Phase[];
  /** All stories, in the order of the file. */
  stories: Story[];
}

/** Where in a file a {@linkcode PrdError} is. */
export interface PrdErrorOptions {
  /** The file, as messages name it. */
  file: string;
  /** The line, from 1. */
  line?: number | undefined;
  /** The column, from 1, in UTF-16 code units. */
  column?: number | undefined;
  /** The JSON path, such as `userStories[3].priority`. */
  path?: string | undefined;
  /** What caused it. */
  cause?: unknown | undefined;
}

/** A prd.json that cannot be read, or cannot be changed as asked. */
export class PrdError extends Error {
  /** The file, as the message names it. */
  readonly file: string;
  /** The line, from 1; absent if there is none. */
  readonly line?: number | undefined;
  /** The column, from 1, in UTF-16 code units; absent if there is none. */
  readonly column?: number | undefined;
  /** The JSON path, such as `userStories[3].priority`; absent if there is none. */
  readonly path?: string | undefined;

  /** The message must already include the file's name. */
  constructor(message: string, options: PrdErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "PrdError";
    this.file = options.file;
    if (options.line !== undefined) this.line = options.line;
    if (options.column !== undefined) this.column = options.column;
    if (options.path !== undefined) this.path = options.path;
  }
}

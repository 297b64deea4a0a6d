import type { AgentEnding, Denial, Usage } from "../../event/agent_event.ts";
import type { LoopLimits, StoryCount, StoryRef } from "../../event/loop_event.ts";
import type {
  EndedStatus,
  IterationOutcome,
  LoopOutcome,
  SessionStatus,
} from "../../event/vocabulary.ts";
import type { LegacyRecord } from "./legacy_layout.ts";
import type { ProcessIdentity } from "../../base/process_identity.ts";

/** One run of a task, as recorded in the registry. Times are ISO 8601 in UTC. */
export interface Session {
  /** Its id, a ULID: ids sort by the time of their start. */
  id: string;
  /** The name of the task. */
  task: string;
  /** The task folder, an absolute path. */
  taskDir: string;
  /** The root of the repository, an absolute path; empty for a migrated row without one. */
  root: string;
  /** The branch; `null` on a detached HEAD or if unknown. */
  branch: string | null;
  /** Its status. */
  status: SessionStatus;
  /** Why it ended, in one line; `null` while it runs. */
  endReason: string | null;
  /** The outcome of its loop; `null` while it runs or if the loop did not finish. */
  endOutcome: LoopOutcome | null;
  /** The process that runs it; kept when it has ended. */
  worker: ProcessIdentity | null;
  /** The process of the running agent, which leads its process group. */
  agentProcess: ProcessIdentity | null;
  /** The agent. */
  agent: string;
  /** The conversation of the last agent. */
  agentSessionId: string | null;
  /** The last iteration that began; 0 before the first. */
  iteration: number;
  /** Maximum number of iterations; `null` for no limit. */
  maxIterations: number | null;
  /** The id of the current or last story. */
  currentStory: string | null;
  /** How many stories pass; `null` for a migrated row without this. */
  stories: StoryCount | null;
  /** Its limits. */
  limits: LoopLimits;
  /** How it is reached: `local`, or the value of a migrated row. */
  transport: string;
  /** The port of the OpenCode server that it used. */
  serverPort: number | null;
  /** The socket to connect to, see {@linkcode connectSession}; `null` if it has none. */
  socket: string | null;
  /** The usage of its agents so far. */
  usage: Usage;
  /** When it started. */
  startedAt: string;
  /** When something last happened. */
  updatedAt: string;
  /** When it ended; `null` while it runs. */
  endedAt: string | null;
  /** The original row of an older ralph that it was migrated from; `null` for any other. */
  legacy: LegacyRecord | null;
}

/** What {@linkcode Registry.createSession} needs. */
export interface NewSession {
  /** The name of the task. */
  task: string;
  /** The task folder, an absolute path. */
  taskDir: string;
  /** The root of the repository, an absolute path. */
  root: string;
  /** The branch. @default {null} */
  branch?: string | null | undefined;
  /** The first agent. */
  agent: string;
  /** The process that runs it. @default {null} */
  worker?: ProcessIdentity | null | undefined;
  /** Its limits. @default {{}} */
  limits?: LoopLimits | undefined;
  /** How many stories pass at the start. @default {null} */
  stories?: StoryCount | null | undefined;
  /** How it is reached. @default {"local"} */
  transport?: string | undefined;
  /** The port of the OpenCode server. @default {null} */
  serverPort?: number | null | undefined;
  /** Its id, a ULID. @default {a new one} */
  id?: string | undefined;
}

/** What may change while a session runs; absent fields stay. */
export type SessionPatch = {
  [
    Name in
      | "branch"
      | "worker"
      | "agentProcess"
      | "agent"
      | "agentSessionId"
      | "iteration"
      | "maxIterations"
      | "currentStory"
      | "stories"
      | "limits"
      | "serverPort"
      | "socket"
      | "usage"
      | "updatedAt"
  ]?: Session[Name] | undefined;
};

/** What {@linkcode Registry.beginIteration} needs. */
export interface IterationStart {
  /** Its number, from 1. */
  iteration: number;
  /** The story. */
  story: StoryRef;
  /** The agent. */
  agent: string;
  /** The requested model. */
  model?: string | undefined;
  /** How often this story has been attempted, including this time. @default {1} */
  attempt?: number | undefined;
  /** When it began, ISO 8601 in UTC. @default {now} */
  startedAt?: string | undefined;
}

/** Options for {@linkcode Registry.endSession}. */
export interface EndSessionOptions {
  /** The outcome of the loop; absent if it did not finish. */
  outcome?: LoopOutcome | undefined;
  /** When, ISO 8601 in UTC. @default {now} */
  endedAt?: string | undefined;
}

/** Options for {@linkcode Registry.finishIteration}. */
export interface FinishIterationOptions {
  /** When it ended, ISO 8601 in UTC. @default {now} */
  endedAt?: string | undefined;
}

/** One iteration of a session, as recorded in the registry. Times are ISO 8601 in UTC. */
export interface Iteration {
  /** The id of its session. */
  sessionId: string;
  /** Its number, from 1. */
  iteration: number;
  /** The story. */
  story: StoryRef;
  /** The agent. */
  agent: string;
  /** The requested model; `null` for the agent's default. */
  model: string | null;
  /** How often this story had been attempted, including this time. */
  attempt: number;
  /** The agent's own conversation. */
  agentSessionId: string | null;
  /** The commit before. */
  headBefore: string | null;
  /** The commit after. */
  headAfter: string | null;
  /** Its outcome; `null` while it runs. */
  outcome: IterationOutcome | null;
  /** How the agent ended; `null` while it runs or if its end was not observed. */
  ending: AgentEnding["kind"] | null;
  /** Why the agent failed, in one line. */
  error: string | null;
  /** The last lines of the agent's stderr, if it failed. */
  stderrTail: string[];
  /** Permissions that the agent was refused. */
  denials: Denial[];
  /** Ids of the stories that pass since this iteration. */
  passed: string[];
  /** How many commits were made. */
  commits: number;
  /** Whether anything changed. */
  changed: boolean;
  /** How long it took, in milliseconds; `null` while it runs. */
  durationMs: number | null;
  /** The agent's usage; `null` if it reports none. */
  usage: Usage | null;
  /** When it began. */
  startedAt: string;
  /** When it ended; `null` while it runs. */
  endedAt: string | null;
}

/**
 * The status of a session for the outcome of its loop: a loop that ran into a limit or a decision
 * is `stopped`, one without progress is `failed`.
 *
 * @example Usage
 * ```ts
 * import { endedStatus } from "./session.ts";
 *
 * console.assert(endedStatus("limit") === "stopped");
 * ```
 *
 * @returns The status for {@linkcode Registry.endSession}.
 */
export function endedStatus(outcome: LoopOutcome): EndedStatus {
  switch (outcome) {
    case "completed":
    case "failed":
    case "stopped":
    case "checkpointed":
      return outcome;
    case "stagnated":
      return "failed";
    case "limit":
    case "blocked":
      return "stopped";
  }
}

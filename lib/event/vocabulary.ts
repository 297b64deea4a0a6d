/**
 * How a run of an agent can end.
 *
 * - `ok`: it finished by itself.
 * - `launch`: it died at once without doing anything, or is not installed.
 * - `auth`: it is not signed in, or its key was rejected.
 * - `rate_limit`: a usage limit.
 * - `overloaded`: the model's service is overloaded or unavailable.
 * - `error`: it failed for another reason.
 * - `timeout`: it ran longer than the iteration's limit.
 * - `stalled`: it was silent for too long.
 * - `denied`: it finished, but was refused permissions.
 * - `aborted`: ralph ended it, because a stop was requested.
 */
export const ENDING_KINDS = [
  "ok",
  "launch",
  "auth",
  "rate_limit",
  "overloaded",
  "error",
  "timeout",
  "stalled",
  "denied",
  "aborted",
] as const;

/** How a run of an agent ended, in one word. */
export type EndingKind = typeof ENDING_KINDS[number];

/** The endings that an agent itself can report, in its output or by a pattern of the settings. */
export const REPORTED_ENDINGS = ["auth", "rate_limit", "overloaded", "launch", "error"] as const;

/** An ending that an agent itself can report. */
export type ReportedEnding = typeof REPORTED_ENDINGS[number];

/** The outcomes of an iteration. */
export const ITERATION_OUTCOMES = [
  /** Its story passes now. */
  "passed",
  /** The agent succeeded, but its story is still open. */
  "open",
  /** A check failed, and the story was reopened. */
  "check_failed",
  /** The agent failed. */
  "failed",
  /** A stop, or a limit of the loop, ended it. */
  "aborted",
] as const;

/** The outcome of an iteration. */
export type IterationOutcome = typeof ITERATION_OUTCOMES[number];

/** The outcomes of a loop. */
export const LOOP_OUTCOMES = [
  /** Every story passes and every check succeeds. */
  "completed",
  /** No agent is left, the task's files are broken, git fails, or an internal error. */
  "failed",
  /** Nothing changed for too many iterations. */
  "stagnated",
  /** A limit was reached with stories open. */
  "limit",
  /** The open stories wait for a decision or a dependency. */
  "blocked",
  /** A stop was requested. */
  "stopped",
  /** A checkpoint was requested. */
  "checkpointed",
] as const;

/** The outcome of a loop. */
export type LoopOutcome = typeof LOOP_OUTCOMES[number];

/** The states of a session; all but the first are final. */
export const SESSION_STATUSES = [
  "running",
  "completed",
  "failed",
  "stopped",
  "checkpointed",
] as const;

/** The state of a session. All but `running` are final. */
export type SessionStatus = typeof SESSION_STATUSES[number];

/** The final state of a session. */
export type EndedStatus = Exclude<SessionStatus, "running">;

/** The types of the events of a loop, in the order in which they first occur. */
export const EVENT_TYPES = [
  "loop_started",
  "warning",
  "progress_rotated",
  "iteration_started",
  "agent",
  "check_started",
  "check_finished",
  "story_set_back",
  "iteration_finished",
  "failed_over",
  "waiting",
  "waited",
  "published",
  "loop_finished",
] as const;

/** The type of an event of a loop. */
export type EventType = typeof EVENT_TYPES[number];

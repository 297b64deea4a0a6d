/** Tokens and money that an agent has used so far. */
export interface Usage {
  /** Tokens read that were not cached. */
  inputTokens: number;
  /** Tokens written. */
  outputTokens: number;
  /** Tokens read from the cache. */
  cacheReadTokens: number;
  /** Tokens written to the cache. */
  cacheWriteTokens: number;
  /** Cost in US dollars as the agent estimates it; absent if it reports none. */
  costUsd?: number;
}

/** A permission that the agent asked for and did not get. */
export interface Denial {
  /** The tool, such as `Bash`. */
  tool: string;
  /** What it wanted to do, in one line. */
  detail: string;
}

/**
 * Something that an agent did while it ran. Lines of text longer than 8 KiB are cut.
 */
export type AgentEvent =
  /** It has started a process: `pid` is also its process group. */
  | { kind: "process"; pid: number }
  /** It has reported the id of its conversation. */
  | { kind: "session"; agentSessionId: string; model?: string }
  /** It said something: prose, possibly of several lines. */
  | { kind: "text"; text: string }
  /** It uses a tool; `detail` is one line, such as the command or the file. */
  | { kind: "tool"; tool: string; detail: string }
  /** A tool has answered; `detail` is the first line. */
  | { kind: "tool_result"; failed: boolean; detail: string }
  /** It works through a server, which keeps running when the agent has ended. */
  | { kind: "server"; url: string }
  /** Its usage so far in this run (totals, not differences). */
  | { kind: "usage"; usage: Usage }
  /** It was refused a permission. */
  | { kind: "denial"; denial: Denial }
  /** It reported an error, such as a failed request to its model. */
  | { kind: "error"; message: string }
  /** A line of unstructured output. */
  | { kind: "output"; stream: "stdout" | "stderr"; line: string };

/**
 * How a run of an agent ended. `message` is the reason in one line, for people.
 *
 * - `ok`: it finished by itself.
 * - `launch`: it died at once without doing anything, or is not installed.
 * - `auth`: it is not signed in, or its key was rejected.
 * - `rate_limit`: a usage limit; `retryAt` (ms since the epoch) if the agent says when it ends.
 * - `overloaded`: the model's service is overloaded or unavailable.
 * - `error`: it failed for another reason.
 * - `timeout`: it ran longer than the iteration's limit.
 * - `stalled`: it was silent for too long.
 * - `denied`: it finished, but was refused permissions.
 * - `aborted`: ralph ended it, because a stop was requested.
 */
export type AgentEnding =
  | { kind: "ok" }
  | { kind: "launch"; message: string }
  | { kind: "auth"; message: string }
  | { kind: "rate_limit"; message: string; retryAt?: number }
  | { kind: "overloaded"; message: string; retryAt?: number }
  | { kind: "error"; message: string }
  | { kind: "timeout"; message: string }
  | { kind: "stalled"; message: string }
  | { kind: "denied"; message: string }
  | { kind: "aborted"; message: string };

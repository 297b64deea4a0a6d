import type { EndingKind } from "./vocabulary.ts";

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
  costUsd?: number | undefined;
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
 * How a run of an agent ended, see {@linkcode EndingKind}. `message` is the reason in one line, for
 * people; `retryAt` (milliseconds since the epoch) is when a limit ends, if the agent says so.
 */
export type AgentEnding = {
  [Kind in EndingKind]: Kind extends "ok" ? { kind: Kind }
    : Kind extends "rate_limit" | "overloaded"
      ? { kind: Kind; message: string; retryAt?: number | undefined }
    : { kind: Kind; message: string };
}[EndingKind];

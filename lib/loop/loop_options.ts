import type { Agent } from "../agent/agent.ts";
import type { Task } from "../task/task.ts";
import type { FailoverRules } from "./decide/failover.ts";
import type { LoopControl } from "./loop_control.ts";
import type { LoopLimits } from "../event/loop_event.ts";

/** Options for {@linkcode runLoop}. */
export interface RunLoopOptions {
  /** The task, from `resolveTask`. */
  task: Task;
  /** Every agent that may be used, such as those of `createAgents`. */
  agents: readonly Agent[];
  /** The agent to use, regardless of the task's files. @default {the agent of the task's files} */
  agent?: string | undefined;
  /** The agent to use if nothing asks for one. @default {"claude"} */
  fallbackAgent?: string | undefined;
  /** The agents that may replace each other. @default {["claude", "opencode"]} */
  failover?: readonly string[] | undefined;
  /** Whether no agent may replace the preferred one. @default {false} */
  pin?: boolean | undefined;
  /** The failover rules. @default {DEFAULT_FAILOVER_RULES} */
  failoverRules?: Partial<FailoverRules> | undefined;
  /**
   * Failures in a row before another agent takes over, regardless of the PRD.
   * @default {the PRD's number, then that of the rules}
   */
  failoverThreshold?: number | undefined;
  /** The model for the agent that is asked for. @default {the story's, the PRD's, the agent's own} */
  model?: string | undefined;
  /** The model if neither `model` nor the task's files name one. @default {the agent's own} */
  fallbackModel?: string | undefined;
  /** The limits. @default {none} */
  limits?: LoopLimits | undefined;
  /**
   * Checks that must succeed before a story counts as done, in addition to the PRD's. Those of the
   * PRD are as they are at the start: what an agent makes of them does not count.
   * @default {none}
   */
  checks?: readonly string[] | undefined;
  /** Maximum time for one check, in milliseconds. @default {1_800_000} */
  checkTimeoutMs?: number | undefined;
  /** Check failures of one story before it is skipped. @default {3} */
  maxCheckFailures?: number | undefined;
  /** Whether to reopen a story that passes without a commit. @default {false} */
  requireCommit?: boolean | undefined;
  /** Iterations in a row without a change before the loop ends; 0 for no limit. @default {5} */
  stagnationLimit?: number | undefined;
  /** Lines of progress.txt beyond which it is rotated; 0 for never. @default {300} */
  rotateAt?: number | undefined;
  /** Further folders that must be writable, such as those of the logs. @default {none} */
  folders?: readonly string[] | undefined;
  /** What a new branch starts from. @default {the current branch, unless it is another task's} */
  base?: string | undefined;
  /** Whether the agents may do anything without asking. @default {false} */
  yolo?: boolean | undefined;
  /** The base of the agents' environment. @default {process.env} */
  env?: Record<string, string | undefined> | undefined;
  /** Further variables for every agent and check. @default {none} */
  agentVariables?: Record<string, string> | undefined;
  /** Where agents put private files, such as prompts. @default {the system's temporary folder} */
  scratchDir?: string | undefined;
  /** The user's config folder, which may contain a prompt.md. @default {none} */
  configDir?: string | undefined;
  /** Where the last good text of prd.json is kept. @default {only in memory} */
  goodCopy?: string | undefined;
  /** Sends commands to the loop. @default {a new one} */
  control?: LoopControl | undefined;
  /** Stops the loop, like a stop through `control`. */
  signal?: AbortSignal | undefined;
  /** The time of day, in milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
  /**
   * A clock that never jumps, in milliseconds since any moment: durations and limits use it.
   * @default {performance.now}
   */
  monotonic?: (() => number) | undefined;
  /** A random number from 0 (inclusive) to 1 (exclusive). @default {Math.random} */
  random?: (() => number) | undefined;
}

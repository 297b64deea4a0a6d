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
  /** The agent to use, whatever the task's files ask for. @default {what they ask for} */
  agent?: string;
  /** The agent to use where nobody asks for one. @default {"claude"} */
  fallbackAgent?: string;
  /** The agents that may take over from each other. @default {["claude", "opencode"]} */
  failover?: readonly string[];
  /** Whether no agent may take over from the one that is wanted most. @default {false} */
  pin?: boolean;
  /** The numbers of the failover rules. @default {DEFAULT_FAILOVER_RULES} */
  failoverRules?: Partial<FailoverRules>;
  /**
   * Failures in a row before another agent takes over, whatever the PRD says.
   * @default {the PRD's, then that of the rules}
   */
  failoverThreshold?: number;
  /** The model for the agent that is asked for. @default {the story's, the PRD's, the agent's own} */
  model?: string;
  /** The model where neither `model` nor the task's files name one. @default {the agent's own} */
  fallbackModel?: string;
  /** The limits. @default {none} */
  limits?: LoopLimits;
  /** Checks that must hold before a story counts as done, besides the PRD's. @default {none} */
  checks?: readonly string[];
  /** Time at most for one check, in milliseconds. @default {1_800_000} */
  checkTimeoutMs?: number;
  /** Check failures of one story before it is left alone. @default {3} */
  maxCheckFailures?: number;
  /** Whether a story that passes without a commit is set back. @default {false} */
  requireCommit?: boolean;
  /** Iterations in a row that change nothing before the loop ends; 0 for no such end. @default {5} */
  stagnationLimit?: number;
  /** Lines of progress.txt beyond which it is rotated; 0 for never. @default {300} */
  rotateAt?: number;
  /** Folders that must be writable besides the task's, such as those of the sink. @default {none} */
  folders?: readonly string[];
  /** The branch that a new branch starts from. @default {the current one} */
  base?: string;
  /** Whether the agents may do anything without asking. @default {false} */
  yolo?: boolean;
  /** The environment that the agents' own is made from. @default {process.env} */
  env?: Record<string, string | undefined>;
  /** Variables that every agent and check gets besides. @default {none} */
  agentVariables?: Record<string, string>;
  /** The user's config folder, in which a prompt.md may be. @default {none} */
  configDir?: string;
  /** Where the last good text of prd.json is kept. @default {only in memory} */
  goodCopy?: string;
  /** How commands reach the loop. @default {a new one, which nothing reaches} */
  control?: LoopControl;
  /** Stops the loop: the same as a stop through `control`. */
  signal?: AbortSignal;
  /** The clock, in milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
  /** The dice, from 0 (inclusive) to 1 (exclusive). @default {Math.random} */
  random?: () => number;
}

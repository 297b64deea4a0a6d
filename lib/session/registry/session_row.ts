import type { AgentEnding, Denial, Usage } from "../../event/agent_event.ts";
import type { IterationSummary, LoopLimits } from "../../event/loop_event.ts";
import type { IterationOutcome, LoopOutcome } from "../../event/vocabulary.ts";
import type { LegacyRecord } from "../model/legacy_layout.ts";
import type { ProcessIdentity } from "../../base/process_identity.ts";
import type { Iteration, Session, SessionPatch } from "../model/session.ts";
import type { SessionStatus } from "../../event/vocabulary.ts";

/** A value in the registry. */
export type ColumnValue = string | number | null;

/** A row from `node:sqlite`. */
export type Row = Record<string, unknown>;

const text = (value: unknown): string | null => typeof value === "string" ? value : null;
const number = (value: unknown): number | null => typeof value === "number" ? value : null;
const json = (value: unknown): unknown => typeof value === "string" ? JSON.parse(value) : null;

function processOf(pid: unknown, start: unknown): ProcessIdentity | null {
  return typeof pid === "number" ? { pid, start: text(start) ?? "" } : null;
}

function usageOf(row: Row): Usage {
  const usage: Usage = {
    inputTokens: number(row["input_tokens"]) ?? 0,
    outputTokens: number(row["output_tokens"]) ?? 0,
    cacheReadTokens: number(row["cache_read_tokens"]) ?? 0,
    cacheWriteTokens: number(row["cache_write_tokens"]) ?? 0,
  };
  const cost = number(row["cost_usd"]);
  return cost === null ? usage : { ...usage, costUsd: cost };
}

/**
 * Reads a row of the table `sessions`.
 *
 * @param row The row with all columns.
 */
export function sessionFromRow(row: Row): Session {
  const done = number(row["stories_done"]);
  const total = number(row["stories_total"]);
  return {
    id: String(row["id"]),
    task: String(row["task"]),
    taskDir: String(row["task_dir"]),
    root: String(row["root"]),
    branch: text(row["branch"]),
    status: row["status"] as SessionStatus,
    endReason: text(row["end_reason"]),
    endOutcome: text(row["end_outcome"]) as LoopOutcome | null,
    worker: processOf(row["worker_pid"], row["worker_start"]),
    agentProcess: processOf(row["agent_pid"], row["agent_start"]),
    agent: String(row["agent"]),
    agentSessionId: text(row["agent_session_id"]),
    iteration: Number(row["iteration"]),
    maxIterations: number(row["max_iterations"]),
    currentStory: text(row["current_story"]),
    stories: done === null || total === null ? null : { done, total },
    limits: json(row["limits"]) as LoopLimits,
    transport: String(row["transport"]),
    serverPort: number(row["server_port"]),
    socket: text(row["socket"]),
    usage: usageOf(row),
    startedAt: String(row["started_at"]),
    updatedAt: String(row["updated_at"]),
    endedAt: text(row["ended_at"]),
    legacy: json(row["legacy"]) as LegacyRecord | null,
  };
}

/**
 * Reads a row of the table `iterations`.
 *
 * @param row The row with all columns.
 */
export function iterationFromRow(row: Row): Iteration {
  return {
    sessionId: String(row["session_id"]),
    iteration: Number(row["iteration"]),
    story: { id: String(row["story"]), title: String(row["story_title"]) },
    agent: String(row["agent"]),
    model: text(row["model"]),
    attempt: Number(row["attempt"]),
    agentSessionId: text(row["agent_session_id"]),
    headBefore: text(row["head_before"]),
    headAfter: text(row["head_after"]),
    outcome: text(row["outcome"]) as IterationOutcome | null,
    ending: text(row["ending"]) as AgentEnding["kind"] | null,
    error: text(row["error"]),
    stderrTail: json(row["stderr_tail"]) as string[],
    denials: json(row["denials"]) as Denial[],
    passed: json(row["passed"]) as string[],
    commits: Number(row["commits"]),
    changed: row["changed"] === 1,
    durationMs: number(row["duration_ms"]),
    usage: row["input_tokens"] === null ? null : usageOf(row),
    startedAt: String(row["started_at"]),
    endedAt: text(row["ended_at"]),
  };
}

/**
 * The columns for an agent's usage.
 *
 * @param usage Its usage; `undefined` if it reports none.
 * @returns The columns and their values.
 */
function usageColumns(usage: Usage | undefined): Record<string, ColumnValue> {
  return {
    input_tokens: usage?.inputTokens ?? null,
    output_tokens: usage?.outputTokens ?? null,
    cache_read_tokens: usage?.cacheReadTokens ?? null,
    cache_write_tokens: usage?.cacheWriteTokens ?? null,
    cost_usd: usage?.costUsd ?? null,
  };
}

/**
 * The columns of `sessions` that a patch sets.
 *
 * @returns The columns and their new values, only for fields of the patch.
 */
export function patchColumns(patch: SessionPatch): Record<string, ColumnValue> {
  const columns: Record<string, ColumnValue> = {};
  const set = (name: string, value: ColumnValue | undefined) => {
    if (value !== undefined) columns[name] = value;
  };
  set("branch", patch.branch);
  set("agent", patch.agent);
  set("agent_session_id", patch.agentSessionId);
  set("iteration", patch.iteration);
  set("max_iterations", patch.maxIterations);
  set("current_story", patch.currentStory);
  set("server_port", patch.serverPort);
  set("socket", patch.socket);
  set("updated_at", patch.updatedAt);
  set("limits", patch.limits && JSON.stringify(patch.limits));
  if (patch.worker !== undefined) {
    columns["worker_pid"] = patch.worker?.pid ?? null;
    columns["worker_start"] = patch.worker?.start ?? null;
  }
  if (patch.agentProcess !== undefined) {
    columns["agent_pid"] = patch.agentProcess?.pid ?? null;
    columns["agent_start"] = patch.agentProcess?.start ?? null;
  }
  if (patch.stories !== undefined) {
    columns["stories_done"] = patch.stories?.done ?? null;
    columns["stories_total"] = patch.stories?.total ?? null;
  }
  if (patch.usage) Object.assign(columns, usageColumns(patch.usage));
  return columns;
}

/**
 * The columns of `iterations` for the result of an iteration.
 *
 * @returns The columns and their values, without the end time.
 */
export function summaryColumns(summary: IterationSummary): Record<string, ColumnValue> {
  const { ending } = summary;
  return {
    agent: summary.agent,
    model: summary.model ?? null,
    agent_session_id: summary.agentSessionId ?? null,
    head_before: summary.headBefore,
    head_after: summary.headAfter,
    outcome: summary.outcome,
    ending: ending.kind,
    error: ending.kind === "ok" ? null : ending.message,
    stderr_tail: JSON.stringify(summary.stderrTail),
    denials: JSON.stringify(summary.denials),
    passed: JSON.stringify(summary.passed),
    commits: summary.commits,
    changed: summary.changed ? 1 : 0,
    duration_ms: summary.durationMs,
    ...usageColumns(summary.usage),
  };
}

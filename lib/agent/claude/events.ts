import type { AgentEnding, AgentEvent, Denial, Usage } from "../../event/agent_event.ts";
import type { AgentReport } from "../ending/classify_ending.ts";
import {
  type ClaudeBlock,
  type ClaudeMessage,
  type ClaudeUsage,
  readClaudeMessage,
} from "./messages.ts";
import { cutText } from "../../base/cut_text.ts";
import { toolDetail } from "../tool_detail.ts";
import { sessionEvent } from "../session_event.ts";

/** The state of {@linkcode parseClaudeEvent} for one run. */
export interface ClaudeState {
  /** The folder in which Claude works; paths below it are shown relative to it. */
  cwd: string;
  /**
   * Usage of each message of the current turn; one message comes in several lines, each with its
   * usage.
   */
  usageOfMessage: Map<string, Usage>;
  /** The usage of finished turns; absent in the first. */
  usageOfTurns?: Usage | undefined;
  /** Whether a person interrupted its turn, with nothing after it. */
  interrupted?: boolean | undefined;
  /** The id of its conversation, once known. */
  sessionId?: string | undefined;
  /** Calls of tools that have not been answered. */
  toolUses: Map<string, Denial>;
  /** Requests in a row that were refused because of the key or the sign-in. */
  refusedRequests: number;
  /** Ids of calls whose denial has been reported. */
  denied: Set<string>;
  /** The last error of the service, if nothing came after it. */
  lastError?: { code?: string | undefined; message: string } | undefined;
  /** When the last reached limit resets, in milliseconds since the epoch. */
  limitResetsAt?: number | undefined;
  /** Its report about its end. */
  report?: AgentReport | undefined;
}

/**
 * Creates the state for one run.
 *
 * @param cwd The folder in which Claude works.
 * @returns The state at the start.
 */
export function newClaudeState(cwd: string): ClaudeState {
  return {
    cwd,
    usageOfMessage: new Map(),
    toolUses: new Map(),
    denied: new Set(),
    refusedRequests: 0,
  };
}

/** How Claude Code begins the result of a tool that it was not allowed to use. */
const REFUSED =
  /^(?:Claude requested permissions? |This (?:Bash )?command (?:requires approval|contains multiple operations\. The following parts? require)|Permission to use \S+ (?:with command .* )?has been denied|The user doesn't want to proceed)/;

/**
 * Turns one line of `claude --output-format stream-json` into events, and updates the state.
 *
 * Unknown types give no events; a line that is not a JSON object is an `output` event.
 *
 * @example Usage
 * ```ts
 * import { newClaudeState, parseClaudeEvent } from "./events.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const line = '{"type":"system","subtype":"init","session_id":"b58c","model":"opus"}';
 * const events = parseClaudeEvent(line, newClaudeState("/app"));
 * assertEquals(events, [{ kind: "session", agentSessionId: "b58c", model: "opus" }]);
 * ```
 *
 * @param state The state from the previous lines; changed in place.
 * @returns The events, in order.
 */
export function parseClaudeEvent(line: string, state: ClaudeState): AgentEvent[] {
  if (line.trim() === "") return [];
  const message = readClaudeMessage(line);
  if (message === undefined) return [{ kind: "output", stream: "stdout", line: cutText(line) }];
  if (message === "ignored") return [];
  switch (message.type) {
    case "system":
      return systemEvents(message, state);
    case "assistant":
      return assistantEvents(message, state);
    case "user":
      state.interrupted = message.message.content.some((block) =>
        block?.type === "text" && block.text.startsWith("[Request interrupted by user")
      );
      return message.message.content.flatMap((block) => resultEvents(block, state));
    case "rate_limit_event": {
      const { status, resetsAt } = message.rate_limit_info;
      if (status === "rejected" && resetsAt !== undefined) state.limitResetsAt = resetsAt * 1000;
      return [];
    }
    case "result":
      state.report = claudeReport(message, state);
      return [...deniedEvents(message, state), ...usageOfResult(message, state)];
  }
}

const NOTHING: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
};

type Message<T extends ClaudeMessage["type"]> = Extract<ClaudeMessage, { type: T }>;

function systemEvents(message: Message<"system">, state: ClaudeState): AgentEvent[] {
  if (message.subtype === "init" && message.session_id !== undefined) {
    const { session_id: agentSessionId, model } = message;
    // Repeated at the beginning of each turn.
    if (agentSessionId === state.sessionId) return [];
    state.sessionId = agentSessionId;
    delete state.report;
    return [sessionEvent(agentSessionId, model)];
  }
  if (message.subtype === "api_retry") {
    const { error_status: status, error = "unknown", attempt, max_retries: max } = message;
    const words = `${status === undefined ? "" : `${status} `}${error.replaceAll("_", " ")}`;
    state.refusedRequests = ENDING_OF_CODE[error] === "auth" ? state.refusedRequests + 1 : 0;
    return [{ kind: "error", message: `Request failed: ${words} (retry ${attempt} of ${max})` }];
  }
  return [];
}

function assistantEvents({ message, error }: Message<"assistant">, state: ClaudeState) {
  const events: AgentEvent[] = [];
  state.interrupted = false;
  // Claude Code reports a failed request as a synthetic assistant message.
  const isSynthetic = error !== undefined || message.model === "<synthetic>";
  for (const block of message.content) {
    if (block?.type === "text" && block.text.trim() !== "") {
      if (isSynthetic) {
        state.lastError = { code: error, message: block.text };
        events.push({ kind: "error", message: cutText(block.text) });
      } else {
        delete state.lastError;
        events.push({ kind: "text", text: cutText(block.text) });
      }
    } else if (block?.type === "tool_use") {
      delete state.lastError;
      const detail = cutText(toolDetail(block.input, state.cwd));
      state.toolUses.set(block.id, { tool: block.name, detail });
      events.push({ kind: "tool", tool: block.name, detail });
    }
  }
  if (!isSynthetic) state.refusedRequests = 0;
  if (!isSynthetic && message.usage && message.id !== undefined) {
    state.usageOfMessage.set(message.id, toUsage(message.usage));
    events.push({ kind: "usage", usage: sum(state.usageOfMessage.values(), state.usageOfTurns) });
  }
  return events;
}

function resultEvents(block: ClaudeBlock | undefined, state: ClaudeState): AgentEvent[] {
  if (block?.type !== "tool_result") return [];
  const words = textOf(block.content);
  const failed = block.is_error === true;
  const detail = cutText(words.split("\n").find((line) => line.trim() !== "") ?? "");
  const events: AgentEvent[] = [{ kind: "tool_result", failed, detail }];
  const call = state.toolUses.get(block.tool_use_id);
  if (failed && call && REFUSED.test(words)) {
    state.denied.add(block.tool_use_id);
    events.push({ kind: "denial", denial: call });
  }
  state.toolUses.delete(block.tool_use_id);
  return events;
}

function deniedEvents(message: Message<"result">, state: ClaudeState): AgentEvent[] {
  return message.permission_denials
    .filter(({ tool_use_id: id }) => id === undefined || !state.denied.has(id))
    .map(({ tool_name: tool, tool_input: input }) => {
      const detail = cutText(toolDetail(input, state.cwd));
      return { kind: "denial", denial: { tool, detail } };
    });
}

/** The tokens of a result are those of its turn, its cost is that of the whole process. */
function usageOfResult({ usage, total_cost_usd: cost }: Message<"result">, state: ClaudeState) {
  if (!usage) return [];
  const total = sum([toUsage(usage)], state.usageOfTurns);
  state.usageOfTurns = total;
  if (cost !== undefined) total.costUsd = cost;
  state.usageOfMessage.clear();
  const event: AgentEvent = { kind: "usage", usage: state.usageOfTurns };
  return [event];
}

function toUsage(usage: ClaudeUsage): Usage {
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    cacheReadTokens: usage.cache_read_input_tokens,
    cacheWriteTokens: usage.cache_creation_input_tokens,
  };
}

function sum(usages: Iterable<Usage>, before: Usage = NOTHING): Usage {
  const total = { ...before };
  for (const usage of usages) {
    total.inputTokens += usage.inputTokens;
    total.outputTokens += usage.outputTokens;
    total.cacheReadTokens += usage.cacheReadTokens;
    total.cacheWriteTokens += usage.cacheWriteTokens;
  }
  return total;
}

/** The content of a tool's result: a string, or blocks, some of which are text. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.flatMap((part: { text?: unknown } | null) =>
    typeof part?.text === "string" ? [part.text] : []
  ).join("\n");
}

type Ending = NonNullable<AgentReport["ending"]>;

/**
 * Claude Code 2.1's error codes of a failed request. `unknown` and `invalid_request` are too
 * general: status and message decide.
 */
const ENDING_OF_CODE: Record<string, Ending> = {
  authentication_failed: "auth",
  oauth_org_not_allowed: "auth",
  // No credit is left: like a rejected key, waiting does not help.
  billing_error: "auth",
  rate_limit: "rate_limit",
  overloaded: "overloaded",
  server_error: "overloaded",
  // A retry would ask for the same model again.
  model_not_found: "launch",
};

/**
 * Makes the report of a run from Claude Code's `result` and the last error.
 *
 * A result without `is_error` directly after an error of the service is a failure: some versions
 * report a reached limit as a success.
 *
 * @param result The `result` message.
 * @param state The state from the previous lines.
 */
export function claudeReport(
  result: Extract<ClaudeMessage, { type: "result" }>,
  state: Pick<ClaudeState, "lastError" | "limitResetsAt">,
): AgentReport {
  const { lastError, limitResetsAt } = state;
  const failed = result.is_error || lastError?.code !== undefined;
  const words = result.result ?? result.errors?.join("; ") ?? lastError?.message ?? "";
  // A limit of turns or of cost has no message, only a subtype.
  const message = words.trim() ||
    `Claude Code ended with ${(result.subtype ?? "an error").replaceAll("_", " ")}`;
  if (!failed) return { failed, message: words };
  const ending = ENDING_OF_CODE[lastError?.code ?? ""] ?? endingOfStatus(result.api_error_status);
  return {
    failed,
    message: message.split("\n")[0] ?? message,
    ending,
    retryAt: ending === "rate_limit" ? limitResetsAt : undefined,
  };
}

/** Claude Code asks ten times, for three minutes, with a key that is refused. */
const MAX_REFUSED_REQUESTS = 3;

/**
 * The ending of a turn in which Claude Code retries what cannot succeed.
 *
 * @returns Nothing while it may succeed.
 */
export function claudeHopeless({ refusedRequests }: ClaudeState): AgentEnding | undefined {
  if (refusedRequests < MAX_REFUSED_REQUESTS) return undefined;
  return { kind: "auth", message: `Authentication failed ${refusedRequests} times in a row` };
}

function endingOfStatus(status: number | undefined): Ending | undefined {
  if (status === undefined) return;
  if (status === 401 || status === 403) return "auth";
  if (status === 404) return "launch";
  if (status === 429) return "rate_limit";
  if (status >= 500) return "overloaded";
}

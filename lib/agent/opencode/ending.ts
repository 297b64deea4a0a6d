import type { ServerError, ServerSessionState } from "./server/event.ts";
import type { AgentEnding, Denial } from "../../event/agent_event.ts";
import { type AgentReport, classifyEnding, type EndingFacts } from "../ending/classify_ending.ts";
import { parseResetTime } from "../ending/parse_reset_time.ts";

/** A run on a server has no process. */
const NO_PROCESS: EndingFacts = {
  exitCode: null,
  signal: null,
  stderrTail: [],
  outputTail: [],
  sawOutput: true,
  durationMs: 0,
  denials: [],
};

/**
 * How a run ended, given that its session reported an error. The name and status of the error
 * decide; its message only if they do not.
 *
 * @param now The time now, in milliseconds since the epoch.
 */
export function endingOfServerError(error: ServerError, now: number): AgentEnding {
  const { statusCode, responseHeaders } = error.data ?? {};
  const [line = ""] = (error.data?.message ?? "").split("\n");
  const words = line.trim() || error.name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ");
  const message = statusCode === undefined ? words : `${words} (status ${statusCode})`;
  const ending = endingOfName(error.name, words) ?? endingOfStatus(statusCode);
  const seconds = Number(responseHeaders?.["retry-after"] ?? Number.NaN);
  const report: AgentReport = {
    failed: true,
    message,
    ending,
    retryAt: Number.isFinite(seconds) ? now + seconds * 1_000 : undefined,
  };
  return classifyEnding(NO_PROCESS, { report, now });
}

/**
 * The ending of a run that finished.
 *
 * @returns `ok`, or `denied`.
 */
export function endingOfDenials(denials: Denial[]): AgentEnding {
  return classifyEnding({ ...NO_PROCESS, denials }, { succeeded: true });
}

function endingOfName(name: string, words: string): AgentReport["ending"] {
  if (name === "ProviderAuthError") return "auth";
  // A retry would ask for the same model or agent again.
  if (/^(?:ProviderModelNotFoundError: )?(?:Model|Agent|Provider) not found/i.test(words)) {
    return "launch";
  }
  if (name === "MessageOutputLengthError" || name === "ContextOverflowError") return "error";
}

function endingOfStatus(status: number | undefined): AgentReport["ending"] {
  if (status === undefined) return;
  if (status === 401 || status === 403) return "auth";
  if (status === 404) return "launch";
  if (status === 429) return "rate_limit";
  if (status >= 500) return "overloaded";
}

/** How often OpenCode itself may retry before the run counts as failed: after 2 s, 4 s and 8 s. */
const MAX_RETRIES = 3;
/** If OpenCode waits longer than this, in milliseconds, the run is ended. */
const LONG_WAIT_MS = 30_000;

/**
 * Whether to end a session that waits to retry its model. OpenCode retries forever; another agent
 * could work meanwhile.
 *
 * @param now The time now, in milliseconds since the epoch.
 * @returns The ending to end it with; `undefined` to wait.
 */
export function endingOfRetry(
  retry: Extract<ServerSessionState, { type: "retry" }>,
  now: number,
): AgentEnding | undefined {
  const { attempt, message, next } = retry;
  const isLong = next - now > LONG_WAIT_MS;
  if (attempt <= MAX_RETRIES && !isLong) return undefined;
  const ending = classifyEnding(NO_PROCESS, { report: { failed: true, message }, now });
  // OpenCode only retries what waiting can fix, so there is no other kind.
  const kind = ending.kind === "rate_limit" ? "rate_limit" : "overloaded";
  // A short wait is OpenCode's own backoff, and says nothing about a limit.
  const retryAt = isLong ? next : parseResetTime(message, now);
  return retryAt === undefined ? { kind, message } : { kind, message, retryAt };
}

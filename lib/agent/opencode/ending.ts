import type { ServerError, ServerSessionState } from "./server/event.ts";
import type { AgentEnding, Denial } from "../../event/agent_event.ts";
import { type AgentReport, classifyEnding, type EndingFacts } from "../ending/classify_ending.ts";
import { parseResetTime } from "../ending/parse_reset_time.ts";

/** A run in a server has no process of its own. */
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
 * Says how a run ended whose session reported an error: by the name and the status of the error
 * first, by its words only where these do not tell.
 *
 * @param error The error.
 * @param now The time now, in milliseconds since the epoch.
 * @returns The ending.
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
    ...(ending && { ending }),
    ...(Number.isFinite(seconds) && { retryAt: now + seconds * 1_000 }),
  };
  return classifyEnding(NO_PROCESS, { report, now });
}

/**
 * Says how a run ended that came to its end.
 *
 * @param denials What it was refused.
 * @returns `ok`, or `denied`.
 */
export function endingOfDenials(denials: Denial[]): AgentEnding {
  return classifyEnding({ ...NO_PROCESS, denials }, { succeeded: true });
}

function endingOfName(name: string, words: string): AgentReport["ending"] {
  if (name === "ProviderAuthError") return "auth";
  // Another try asks for the same model or agent again.
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

/** Tries of OpenCode itself before the run counts as failed: 2 s, 4 s and 8 s apart. */
const MAX_RETRIES = 3;
/** A wait of OpenCode that is not worth sitting out, in milliseconds. */
const LONG_WAIT_MS = 30_000;

/**
 * Says whether a session that waits to ask its model again is worth waiting for. OpenCode tries
 * for ever; another agent could work meanwhile.
 *
 * @param retry What the session says.
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
  // Only what can heal by waiting is tried again, so there is no other kind.
  const kind = ending.kind === "rate_limit" ? "rate_limit" : "overloaded";
  // A short wait is OpenCode's own choice, and says nothing about a limit.
  const retryAt = isLong ? next : parseResetTime(message, now);
  return retryAt === undefined ? { kind, message } : { kind, message, retryAt };
}

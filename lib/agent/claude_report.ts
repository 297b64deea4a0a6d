import type { AgentReport } from "./classify_ending.ts";
import type { ClaudeMessage } from "./claude_message.ts";
import type { ClaudeState } from "./parse_claude_event.ts";

type Ending = NonNullable<AgentReport["ending"]>;

/**
 * The codes that Claude Code 2.1 gives a failed request. `unknown` and `invalid_request`
 * say nothing about what to do, and are left to status and words.
 */
const ENDING_OF_CODE: Record<string, Ending> = {
  authentication_failed: "auth",
  oauth_org_not_allowed: "auth",
  // No credit is left: like a refused key, it does not heal by waiting.
  billing_error: "auth",
  rate_limit: "rate_limit",
  overloaded: "overloaded",
  server_error: "overloaded",
  // Another try asks for the same model again.
  model_not_found: "launch",
};

/**
 * Makes the report of a run from Claude Code's `result` and the error that came last.
 *
 * A result without `is_error` that follows directly upon an error of the service is a failure:
 * some versions report a reached limit as a success.
 *
 * @param result The `result` message.
 * @param state What is remembered of the lines before.
 * @returns The report.
 */
export function claudeReport(
  result: Extract<ClaudeMessage, { type: "result" }>,
  state: Pick<ClaudeState, "lastError" | "limitResetsAt">,
): AgentReport {
  const { lastError, limitResetsAt } = state;
  const failed = result.is_error || lastError?.code !== undefined;
  const words = result.result ?? result.errors?.join("; ") ?? lastError?.message ?? "";
  // For a limit of turns or of cost there are no words, only the subtype.
  const message = words.trim() ||
    `Claude Code ended with ${(result.subtype ?? "an error").replaceAll("_", " ")}`;
  if (!failed) return { failed, message: words };
  const ending = ENDING_OF_CODE[lastError?.code ?? ""] ?? endingOfStatus(result.api_error_status);
  return {
    failed,
    message: message.split("\n")[0] ?? message,
    ...(ending && { ending }),
    ...(ending === "rate_limit" && limitResetsAt !== undefined && { retryAt: limitResetsAt }),
  };
}

function endingOfStatus(status: number | undefined): Ending | undefined {
  if (status === undefined) return;
  if (status === 401 || status === 403) return "auth";
  if (status === 404) return "launch";
  if (status === 429) return "rate_limit";
  if (status >= 500) return "overloaded";
}

import { firstError } from "../../base/error_code.ts";
import { PreflightError } from "../../loop/start/preflight.ts";
import { AgentNotReadyError } from "../../loop/start/start_loop.ts";
import { RpcConnectionError } from "../../rpc/client/rpc_channel.ts";
import { InvalidBranchNameError } from "../../git/branch_name.ts";
import { PrdError } from "../../task/prd/prd.ts";
import { PrdMarkdownError } from "../../task/markdown/parse_prd_markdown.ts";
import { TaskNotFoundError } from "../../task/resolve_task.ts";
import { InvalidTaskNameError } from "../../task/task_name.ts";
import { sanitizeLines, sanitizeText } from "../../ui/text/sanitize_text.ts";
import { WorkerStartError } from "../../worker/start_worker.ts";
import { SettingsError } from "../run/settings.ts";
import { UsageError } from "./usage.ts";

/** How an error is reported to the user and the shell. */
export interface ErrorDescription {
  /** The exit code. */
  exitCode: number;
  /** `error: ...`, details, and `hint: ...` if there is a way out. */
  lines: string[];
}

/** Options for {@linkcode describeError}. */
export interface DescribeErrorOptions {
  /** Whether to add the stack. @default {false} */
  debug?: boolean;
}

/** The exit code of each class of error; all others exit with 1. */
// deno-lint-ignore no-explicit-any -- what the constructors take does not matter here
const EXIT_CODES: [new (...args: any[]) => Error, number][] = [
  [UsageError, 2],
  [SettingsError, 2],
  [TaskNotFoundError, 2],
  [InvalidTaskNameError, 2],
  [InvalidBranchNameError, 2],
  [PrdMarkdownError, 1],
  [PrdError, 1],
  [AgentNotReadyError, 5],
  [RpcConnectionError, 5],
  [PreflightError, 5],
];

/**
 * Turns an error into words and an exit code: the only place that does.
 *
 * @returns What to print on stderr, and the exit code.
 */
export function describeError(
  thrown: unknown,
  options: DescribeErrorOptions = {},
): ErrorDescription {
  const error = firstError(thrown);
  // The worker has already printed the complete message.
  if (error instanceof WorkerStartError) {
    return { exitCode: error.exitCode, lines: [sanitizeLines(error.message).join("\n")] };
  }
  const message = error instanceof Error ? error.message : String(error);
  const lines = [`error: ${sanitizeText(message)}`];
  const hint = hintOf(error);
  if (error instanceof AgentNotReadyError) {
    for (const { agent, reason } of error.agents) lines.push(`  ${agent}  ${reason}`);
  }
  for (const [i, each] of (hint?.split("\n") ?? []).entries()) {
    lines.push(`${i === 0 ? "hint:" : "     "} ${sanitizeText(each)}`);
  }
  if (options.debug && error instanceof Error) lines.push(error.stack ?? "");
  const known = EXIT_CODES.find(([errorClass]) => error instanceof errorClass);
  return { exitCode: known?.[1] ?? ownExitCode(error) ?? 1, lines };
}

/** The exit code that an error carries, if its class allows several. */
function ownExitCode(error: unknown): number | undefined {
  const { exitCode } = (error ?? {}) as { exitCode?: unknown };
  return typeof exitCode === "number" ? exitCode : undefined;
}

function hintOf(error: unknown): string | undefined {
  if (error instanceof AgentNotReadyError) {
    return error.agents.map((each) => each.hint).find((hint) => hint !== undefined);
  }
  const { hint } = error as { hint?: unknown };
  return typeof hint === "string" && hint !== "" ? hint : undefined;
}

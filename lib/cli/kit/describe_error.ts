import { firstError } from "../../base/error_code.ts";
import { PreflightError } from "../../loop/start/preflight.ts";
import { AgentNotReadyError } from "../../loop/start/start_loop.ts";
import { RpcConnectionError } from "../../rpc/client/rpc_channel.ts";
import { GitError } from "../../git/run_git.ts";
import { InvalidBranchNameError } from "../../git/branch_name.ts";
import { PrdError } from "../../task/prd/prd.ts";
import { PrdMarkdownError } from "../../task/markdown/parse_prd_markdown.ts";
import { TaskNotFoundError } from "../../task/resolve_task.ts";
import { InvalidTaskNameError } from "../../task/task_name.ts";
import { sanitizeLines, sanitizeText } from "../../ui/text/sanitize_text.ts";
import { WorkerStartError } from "../../worker/start_worker.ts";
import { SettingsError } from "../run/settings.ts";
import { NotTrustedError } from "../trust/not_trusted_error.ts";
import { UsageError } from "./usage.ts";

/** What a person, a script and the shell are told about an error. */
export interface ErrorDescription {
  /** What went wrong. */
  error: string;
  /** What can be done about it. */
  hint?: string | undefined;
  /** What belongs to it, a line each. */
  details: string[];
  /** The exit code. */
  exitCode: number;
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
  [NotTrustedError, 5],
  // Git's own exit code, such as 128, means nothing to the caller of ralph.
  [GitError, 1],
];

/** Turns an error into words and an exit code: the one place where that is done. */
export function describeError(thrown: unknown): ErrorDescription {
  const error = firstError(thrown);
  if (error instanceof WorkerStartError) return readDescription(error);
  const message = error instanceof Error ? error.message : String(error);
  const details = error instanceof AgentNotReadyError
    ? error.agents.map(({ agent, reason }) => sanitizeText(`${agent}  ${reason}`))
    : error instanceof NotTrustedError
    ? error.details.map(sanitizeText)
    : [];
  const known = EXIT_CODES.find(([errorClass]) => error instanceof errorClass);
  const hint = hintOf(error);
  return {
    error: sanitizeText(message),
    hint: hint === undefined ? undefined : sanitizeLines(hint).join("\n"),
    details,
    exitCode: known?.[1] ?? ownExitCode(error) ?? 1,
  };
}

/** An error that can mean one of several exit codes says which. */
function ownExitCode(error: unknown): number | undefined {
  const { exitCode } = (error ?? {}) as { exitCode?: unknown };
  return typeof exitCode === "number" ? exitCode : undefined;
}

/** The lines that go to stderr: `error: ...`, details, and `hint: ...` if something can be done. */
export function errorLines({ error, details, hint }: ErrorDescription): string[] {
  const hints = hint?.split("\n") ?? [];
  return [
    `error: ${error}`,
    ...details.map((detail) => `  ${detail}`),
    ...hints.map((line, i) => `${i === 0 ? "hint:" : "     "} ${line}`),
  ];
}

/** The other way around: what a worker that could not start its loop has printed. */
function readDescription({ message, exitCode }: WorkerStartError): ErrorDescription {
  const lines = sanitizeLines(message);
  const start = lines.findIndex((line) => line.startsWith("error: "));
  // Without it the worker died of something else, and all that it said may matter.
  if (start === -1) return { error: "The worker ended", details: lines, exitCode };
  const end = lines.findIndex((line, i) => i > start && line.startsWith("hint: "));
  const hint = end === -1 ? undefined : lines.slice(end);
  const details = [...lines.slice(start + 1, end === -1 ? lines.length : end)];
  return {
    error: lines[start]?.slice("error: ".length) ?? "",
    hint: hint?.map((line) => line.slice("hint: ".length)).join("\n"),
    details: [...lines.slice(0, start), ...details].map((line) => line.replace(/^ {2}/, "")),
    exitCode,
  };
}

function hintOf(error: unknown): string | undefined {
  if (error instanceof AgentNotReadyError) {
    return error.agents.map((each) => each.hint).find((hint) => hint !== undefined);
  }
  const { hint } = (error ?? {}) as { hint?: unknown };
  return typeof hint === "string" && hint !== "" ? hint : undefined;
}

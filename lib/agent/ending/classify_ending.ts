import type { ReportedEnding } from "../../event/vocabulary.ts";
import type { AgentEnding, Denial } from "../../event/agent_event.ts";
import { parseResetTime } from "./parse_reset_time.ts";

/** What an agent reported about its end in structured form. */
export interface AgentReport {
  /** Whether it reports a failure. */
  failed: boolean;
  /** Its message; empty if it has none. */
  message: string;
  /** What went wrong, if the agent reports it in a machine-readable form. */
  ending?: ReportedEnding | undefined;
  /** When a limit ends, in milliseconds since the epoch. */
  retryAt?: number | undefined;
}

/** What is known about an agent's process that has ended. */
export interface EndingFacts {
  /** Its exit code; `null` if a signal ended it. */
  exitCode: number | null;
  /** The signal that ended it; `null` if none did. */
  signal: string | null;
  /** The last lines of its stderr. */
  stderrTail: string[];
  /** The last lines of its stdout. */
  outputTail: string[];
  /** Whether it wrote anything to stdout. */
  sawOutput: boolean;
  /** How long it ran, in milliseconds. */
  durationMs: number;
  /** Permissions that it was refused. */
  denials: Denial[];
}

/** Options for {@linkcode classifyEnding}. */
export interface ClassifyEndingOptions {
  /** What the agent reported about its end; absent if it has no structured report. */
  report?: AgentReport | undefined;
  /** Whether the run counts as a success. @default {exit code 0 and no failed report} */
  succeeded?: boolean | undefined;
  /** Why it failed, if exit code and stderr do not show it. */
  failure?: string | undefined;
  /** Whether an earlier run of the agent was a success, so that it can start. @default {false} */
  hasWorked?: boolean | undefined;
  /** Patterns that are tried before the built-in ones. @default {[]} */
  patterns?: readonly EndingPattern[] | undefined;
  /** The time now, in milliseconds since the epoch. @default {Date.now()} */
  now?: number | undefined;
  /** The time zone for times in a message. @default {the zone of this machine} */
  timeZone?: string | undefined;
}

/** A program that fails faster than this without output has not even begun. */
const LAUNCH_MS = 2000;
const TELLING =
  /error|fatal|panic|cannot|can't|could not|failed|denied|unknown|invalid|unexpected|not found|no such|limit|exception/i;

/**
 * Determines how an agent ended, from its exit code, its stderr and its structured report; never
 * from its prose.
 *
 * - It succeeded: `ok`, or `denied` if it was refused permissions.
 * - It failed: what its report says, then the first pattern that its report or its stderr
 *   matches, then `launch` if it died within two seconds without a word on either stream and has
 *   never worked before, then `error`.
 * - Patterns with `source: "output"`, which only the config has, apply to any run.
 *
 * @example Usage
 * ```ts
 * import { classifyEnding } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const ending = classifyEnding({
 *   exitCode: 1,
 *   signal: null,
 *   stderrTail: ["error: unknown option '--output-format'"],
 *   outputTail: [],
 *   sawOutput: false,
 *   durationMs: 80,
 *   denials: [],
 * });
 * assertEquals(ending, {
 *   kind: "error",
 *   message: "Exit code 1: error: unknown option '--output-format'",
 * });
 * ```
 *
 * @param facts What is known about the process.
 */
export function classifyEnding(
  facts: EndingFacts,
  options: ClassifyEndingOptions = {},
): AgentEnding {
  const { report, patterns = [], now = Date.now() } = options;
  const { succeeded = facts.exitCode === 0 && report?.failed !== true } = options;

  const output = facts.outputTail.join("\n");
  const told = patterns.find((it) => it.source === "output" && it.regex.test(output));
  if (told) return describe(told.ending, matchingLine(facts.outputTail, told.regex));
  if (succeeded) return facts.denials.length > 0 ? denied(facts.denials) : { kind: "ok" };

  if (report?.failed) {
    const kind = report.ending ?? match([report.message], patterns)?.ending ?? "error";
    return describe(kind, report.message || exitWords(facts), report.retryAt);
  }
  const words = causeOf(facts, options.failure);
  const found = match(facts.stderrTail, patterns);
  if (found) return describe(found.ending, `${exitWords(facts)}: ${found.line}`);
  const silent = !facts.sawOutput && facts.stderrTail.length === 0;
  const atOnce = silent && facts.durationMs < LAUNCH_MS && facts.exitCode !== 0 &&
    facts.exitCode !== null && options.hasWorked !== true;
  return { kind: atOnce ? "launch" : "error", message: words };

  function describe(kind: EndingPattern["ending"], message: string, at?: number): AgentEnding {
    switch (kind) {
      case "rate_limit":
      case "overloaded": {
        const texts = [message, ...facts.stderrTail];
        const retryAt = at ?? texts.map((it) => parseResetTime(it, now, options.timeZone))
          .find((it) => it !== undefined);
        return retryAt === undefined ? { kind, message } : { kind, message, retryAt };
      }
      case "launch":
      case "auth":
      case "error":
        return { kind, message };
    }
  }
}

function denied(denials: Denial[]): AgentEnding {
  const [first] = denials;
  const more = denials.length > 1 ? ` and ${denials.length - 1} more` : "";
  return { kind: "denied", message: `Permission refused: ${first?.tool} ${first?.detail}${more}` };
}

function match(lines: string[], patterns: readonly EndingPattern[]) {
  const text = lines.join("\n");
  for (const { ending, regex, source } of [...patterns, ...ENDING_PATTERNS]) {
    if (source === "output" || !regex.test(text)) continue;
    return { ending, line: matchingLine(lines, regex) };
  }
}

/** The last line that matches, as a program usually reports its reason last. */
function matchingLine(lines: string[], regex: RegExp): string {
  return lines.findLast((line) => regex.test(line))?.trim() ?? lines.at(-1)?.trim() ?? "";
}

function exitWords(facts: EndingFacts): string {
  return facts.signal === null ? `Exit code ${facts.exitCode}` : `Ended by ${facts.signal}`;
}

function causeOf(facts: EndingFacts, failure?: string): string {
  const lines = facts.stderrTail.map((line) => line.trim()).filter(Boolean);
  const cause = lines.find((line) => TELLING.test(line)) ?? lines[0];
  if (failure !== undefined) return cause === undefined ? failure : `${failure}: ${cause}`;
  const last = cause ?? facts.outputTail.findLast((line) => line.trim() !== "")?.trim();
  return last === undefined
    ? `${exitWords(facts)} without a word on stderr`
    : `${exitWords(facts)}: ${last}`;
}

/** A regular expression on an agent's output that recognizes how it ended. */
export interface EndingPattern {
  /** The ending that it stands for. */
  ending: ReportedEnding;
  /** What to look for, ignoring case. */
  regex: RegExp;
  /**
   * Where to look: `error` is stderr and the error of a structured result, only if the run failed;
   * `output` is the last 20 lines of stdout of any run, even a successful one.
   * @default {"error"}
   */
  source?: "error" | "output" | undefined;
}

/**
 * Common error messages of services and programs. Only matched on error output: an agent may well
 * use such words in its summary.
 */
export const ENDING_PATTERNS: readonly EndingPattern[] = [
  {
    ending: "auth",
    regex:
      /invalid (?:api[- ]key|x-api-key|bearer token)|authentication[_ ](?:failed|error)|failed to authenticate|unauthori[sz]ed|\b401\b|not (?:logged|signed) in|please (?:log|sign) in|please run \/login|set an auth method|oauth token has expired|credit balance is too low|insufficient_quota/i,
  },
  {
    ending: "rate_limit",
    regex:
      /rate.?limit|usage limit|limit reached|(?:hit|reached|exceeded) your .{0,40}limit|quota (?:exceeded|exhausted)|exceeded your .{0,30}quota|exhausted your .{0,30}quota|too many requests|resource_exhausted|\b429\b/i,
  },
  {
    ending: "overloaded",
    regex:
      /overloaded|service unavailable|temporarily unavailable|bad gateway|gateway timeout|internal server error|\b(?:500|502|503|504|529)\b.{0,40}(?:error|unavailable|overloaded|gateway)|(?:status|error|http)[ :]{1,2}(?:500|502|503|504|529)\b/i,
  },
];

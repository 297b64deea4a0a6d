import { stripVTControlCharacters } from "node:util";
import { localTime } from "../../base/local_time.ts";
import type { NewProgressEntry } from "./progress_entry.ts";

/** Maximum lines of an error: its first line, and the last ones of the rest. */
const MOST_ERROR_LINES = 21;
/** Maximum characters of a line. */
const LONGEST_LINE = 500;

/**
 * Formats an entry for `progress.txt`. Further lines of an error become bullets, so that none of
 * them can be mistaken for a heading or the end of the entry.
 *
 * @example Usage
 * ```ts
 * import { formatProgressEntry } from "./format_progress_entry.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const text = formatProgressEntry(
 *   { kind: "failure", iteration: 1, agent: "claude", story: "US-001", failures: 1, error: "exit 1" },
 *   new Date(2026, 0, 23, 12, 16),
 * );
 * assertEquals(text.split("\n")[0], "## 2026-01-23 12:16 - FAILURE (Iteration 1)");
 * ```
 *
 * @returns The text, from its first line to the line end after the closing rule.
 */
export function formatProgressEntry(entry: NewProgressEntry, time: Date): string {
  return [...linesOf(entry, localTime(time)), "---", ""].join("\n");
}

/**
 * Prepares an error for `progress.txt`: removes colours, control characters, empty lines and
 * surrounding spaces, and limits its length.
 *
 * @param error The error, of one or more lines.
 * @returns Its lines; at least one.
 */
export function errorLines(error: string): [string, ...string[]] {
  const [first = "unknown", ...rest] = stripVTControlCharacters(error)
    .split(/[\r\n]+/)
    .map((line) => line.replace(/\p{Cc}+/gu, " ").trim().slice(0, LONGEST_LINE))
    .filter((line) => line !== "");
  return [first, ...rest.slice(1 - MOST_ERROR_LINES)];
}

function linesOf(entry: NewProgressEntry, time: string): string[] {
  switch (entry.kind) {
    case "failure": {
      const [error, ...more] = errorLines(entry.error);
      return [
        `## ${time} - FAILURE (Iteration ${entry.iteration})`,
        `- **Agent:** ${entry.agent}`,
        `- **Story:** ${entry.story}`,
        `- **Consecutive failures:** ${entry.failures}`,
        `- **Error:** ${error}`,
        ...more.map((line) => `  - ${line}`),
      ];
    }
    case "failover":
      return [
        `## ${time} - FAILOVER`,
        `- **From agent:** ${entry.from}`,
        `- **To agent:** ${entry.to}`,
        `- **Story:** ${entry.story}`,
        `- **Consecutive failures before failover:** ${entry.failures}`,
        `- **Reason:** ${errorLines(entry.reason)[0]}`,
      ];
    case "checkpoint": {
      const { iteration, maxIterations = "unlimited", stories, agent } = entry;
      return [
        "---",
        `CHECKPOINT at ${time}`,
        `Iteration: ${iteration}/${maxIterations} | Stories: ${stories.done}/${stories.total} | Agent: ${agent}`,
        `Reason: ${errorLines(entry.reason)[0]}`,
      ];
    }
    case "story": {
      const title = entry.title === undefined ? "" : `: ${errorLines(entry.title)[0]}`;
      return [`## ${time} - ${entry.story}${title}`, ...entry.body.trim().split("\n")];
    }
  }
}

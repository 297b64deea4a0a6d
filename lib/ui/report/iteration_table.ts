import type { Iteration } from "../../session/model/session.ts";
import { formatCount, formatSpending } from "../text/numbers.ts";
import { formatDuration } from "../text/times.ts";
import { sanitizeLines, sanitizeText } from "../text/sanitize_text.ts";
import { renderTable } from "../text/table.ts";

/** Options for {@linkcode iterationTable}. */
export interface IterationTableOptions {
  /** The present, in milliseconds since the epoch, to time a running iteration. */
  now: number;
  /** The width of the terminal; longer lines of the table are cut. @default {no limit} */
  width?: number | undefined;
}

const NONE = "—";
const SHA_LENGTH = 7;

/**
 * Formats the iterations of a session, and below the table what went wrong in them.
 *
 * @example Usage
 * ```ts
 * import { openRegistry } from "@ralph/cli";
 * import { iterationTable } from "./iteration_table.ts";
 *
 * using registry = openRegistry({ path: ":memory:" });
 * for (const { id } of registry.findSessions()) {
 *   console.log(iterationTable(registry.listIterations(id), { now: Date.now() }).join("\n"));
 * }
 * ```
 *
 * @param iterations The iterations, in order.
 * @param options The present and the width.
 * @returns The lines; none if there are no iterations.
 */
export function iterationTable(
  iterations: readonly Iteration[],
  options: IterationTableOptions,
): string[] {
  if (iterations.length === 0) return [];
  const { now, width } = options;
  const rows = iterations.map((each) => [
    String(each.iteration),
    each.story.id,
    each.agent,
    outcomeOf(each),
    commitsOf(each),
    formatDuration(durationOf(each, now), { compact: true }),
    each.usage === null ? NONE : formatSpending(each.usage) || NONE,
  ]);
  const table = renderTable(rows, {
    columns: [
      { header: "#", align: "right" },
      { header: "story" },
      { header: "agent" },
      { header: "outcome" },
      { header: "commits" },
      { header: "time", align: "right" },
      { header: "spent" },
    ],
    width,
  });
  return [...table, ...iterations.flatMap(troubleOf)];
}

function durationOf({ durationMs, startedAt, endedAt }: Iteration, now: number): number {
  return durationMs ?? (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt);
}

function outcomeOf({ outcome }: Iteration): string {
  return (outcome ?? "running").replaceAll("_", " ");
}

function commitsOf({ commits, headBefore, headAfter }: Iteration): string {
  if (commits === 0) return NONE;
  if (headAfter === null) return formatCount(commits, "commit");
  const to = headAfter.slice(0, SHA_LENGTH);
  return headBefore === null ? to : `${headBefore.slice(0, SHA_LENGTH)}..${to}`;
}

function troubleOf({ iteration, story, error, stderrTail, denials }: Iteration): string[] {
  if (error === null && denials.length === 0) return [];
  return [
    "",
    sanitizeText(`#${iteration} ${story.id}: ${error ?? "permissions were refused"}`),
    ...stderrTail.flatMap(sanitizeLines).map((line) => `    ${line}`),
    ...denials.map(({ tool, detail }) => `    denied: ${sanitizeText(`${tool} ${detail}`)}`),
  ];
}

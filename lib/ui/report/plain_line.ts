import type { AgentEvent } from "../../event/agent_event.ts";
import type { LoopEvent } from "../../event/loop_event.ts";
import { formatDuration } from "../text/times.ts";
import { countTokens } from "../text/numbers.ts";
import { NO_CHECKS } from "../text/no_checks.ts";
import { sanitizeLines, sanitizeText } from "../text/sanitize_text.ts";

/** Options for {@linkcode plainLines}. */
export interface PlainLinesOptions {
  /** The id of the session, shown in its first line. @default {none} */
  session?: string | undefined;
}

const TAIL = 5;

/**
 * What happened, for people and programs that read a log: no colour, no cursor movement, each line
 * with its time, and texts as JSON strings.
 *
 * Leaves out what agents say and do, except for errors and refused permissions.
 *
 * @example Usage
 * ```ts
 * import { plainLines } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const lines = plainLines({
 *   type: "iteration_started",
 *   time: "2026-11-20T18:02:11.123Z",
 *   iteration: 1,
 *   story: { id: "US-001", title: "Fix attach status corruption" },
 *   agent: "claude",
 *   head: null,
 *   attempt: 1,
 * });
 * assertEquals(lines, [
 *   '2026-11-20T18:02:11Z iteration 1 US-001 "Fix attach status corruption" agent=claude',
 * ]);
 * ```
 *
 * @returns The lines without line ends; none for events that need no line.
 */
export function plainLines(event: LoopEvent, options: PlainLinesOptions = {}): string[] {
  const time = timeOf(event.time);
  return wordsOf(event, options).map((words) => [time, ...words].filter(Boolean).join(" "));
}

type Words = (string | undefined)[];

function wordsOf(event: LoopEvent, options: PlainLinesOptions): Words[] {
  switch (event.type) {
    case "loop_started":
      return [[
        word(event.task),
        "started",
        pair("session", options.session),
        pair("agent", event.agent),
        pair("stories", `${event.stories.done}/${event.stories.total}`),
        pair("branch", event.branch),
        pair("base", event.base),
        event.checks === 0 ? quote(NO_CHECKS) : undefined,
      ]];
    case "warning":
      return [["warning", quote(event.message)]];
    case "published":
      return [[
        "published",
        pair("branch", event.branch),
        pair("into", event.mergeTarget),
        event.pushed ? "pushed" : "not pushed",
        event.merged ? "merged" : undefined,
        pair("pr", event.pullRequest),
        event.problem === undefined ? undefined : quote(event.problem),
      ]];
    case "progress_rotated":
      return [["progress rotated", pair("file", event.file), pair("iterations", event.iterations)]];
    case "iteration_started":
      return [[
        ...iteration(event),
        word(event.story.id),
        quote(event.story.title),
        pair("agent", event.agent),
        pair("model", event.model),
        event.attempt > 1 ? pair("attempt", event.attempt) : undefined,
      ]];
    case "agent":
      return agentWords(event.event).map((words) => [...iteration(event), ...words]);
    case "check_started":
      return [];
    case "check_finished":
      return [
        [
          ...iteration(event),
          "check",
          quote(event.command),
          event.ok ? "passed" : "failed",
          formatDuration(event.durationMs, { compact: true }),
        ],
        ...(event.ok ? [] : tail(event, "output", event.outputTail)),
      ];
    case "story_set_back":
      return [[...iteration(event), word(event.story.id), "reopened", quote(event.reason)]];
    case "iteration_finished":
      return finishedWords(event);
    case "failed_over":
      return [[
        ...iteration(event),
        word(event.story.id),
        "failed over",
        pair("from", event.from),
        pair("to", event.to),
        pair("failures", event.failuresInRow),
        quote(event.reason),
      ]];
    case "waiting":
      return [[
        "waiting for",
        word(event.agent),
        pair("until", timeOf(event.until)),
        quote(event.reason),
      ]];
    case "waited":
      return [[event.cancelled ? "wait cancelled" : "waited"]];
    case "loop_finished": {
      const { result } = event;
      return [
        [
          "finished",
          result.outcome,
          formatDuration(result.durationMs, { compact: true }),
          pair("stories", `${result.stories.done}/${result.stories.total}`),
          pair("iterations", result.iterations),
          pair("commits", result.commits),
          cost(result.usage.costUsd),
          pair("tokens", countTokens(result.usage) || undefined),
          quote(result.reason),
        ],
        ...result.details.flatMap(sanitizeLines).map((line) => ["detail", quote(line)]),
      ];
    }
  }
}

function finishedWords(event: Extract<LoopEvent, { type: "iteration_finished" }>): Words[] {
  const { ending, usage, story } = event;
  const others = event.passed.filter((id) => id !== story.id);
  const failed = ending.kind !== "ok";
  return [
    [
      ...iteration(event),
      word(story.id),
      event.outcome,
      formatDuration(event.durationMs, { compact: true }),
      failed ? pair("ending", ending.kind) : undefined,
      failed && event.failuresInRow > 1 ? pair("failures", event.failuresInRow) : undefined,
      pair("commits", event.commits),
      others.length > 0 ? pair("also_passed", others.join(",")) : undefined,
      event.denials.length > 0 ? pair("denials", event.denials.length) : undefined,
      cost(usage?.costUsd),
      pair("tokens", usage === undefined ? undefined : countTokens(usage)),
      failed ? quote(ending.message) : undefined,
    ],
    ...(failed ? tail(event, "stderr", event.stderrTail) : []),
  ];
}

function agentWords(event: AgentEvent): Words[] {
  if (event.kind === "error") return [["agent error", quote(event.message)]];
  if (event.kind === "denial") {
    return [["denied", word(event.denial.tool), quote(event.denial.detail)]];
  }
  return [];
}

function iteration(event: { iteration: number }): Words {
  return ["iteration", String(event.iteration)];
}

function tail(event: { iteration: number }, name: string, lines: readonly string[]): Words[] {
  return lines.flatMap(sanitizeLines).slice(-TAIL)
    .map((line) => [...iteration(event), name, quote(line)]);
}

function pair(key: string, value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : `${key}=${word(String(value))}`;
}

function cost(usd: number | undefined): string | undefined {
  return usd === undefined ? undefined : `cost=${usd.toFixed(2)}`;
}

function quote(text: string): string {
  return JSON.stringify(sanitizeText(text).trim());
}

/** Names stay bare as long as they read as a single word. */
function word(text: string): string {
  const clean = sanitizeText(text);
  return /^[^\s"=]+$/.test(clean) ? clean : JSON.stringify(clean);
}

function timeOf(time: string | number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime())
    ? word(String(time))
    : date.toISOString().replace(/\.\d+Z$/, "Z");
}

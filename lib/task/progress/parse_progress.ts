import type { ProgressEntry } from "./progress_entry.ts";

/** The beginning of `progress.txt`. */
export interface ProgressHeader {
  /** The task. */
  effort?: string | undefined;
  /** The kind of work. */
  type?: string | undefined;
  /** When the work started, as written in the file. */
  started?: string | undefined;
  /** Number of the previous, rotated file, and when it was made. */
  rotation?: { number: number; time?: string | undefined } | undefined;
  /** The lines of the header verbatim, without the rule that ends it. */
  lines: string[];
}

/** Where an entry is in its file. */
export interface ProgressPosition {
  /** When it was written, as in the file; absent if it has no time. */
  time?: string | undefined;
  /** Its first line, from 1. */
  firstLine: number;
  /** Its last line: the closing rule if it has one. */
  lastLine: number;
  /** Its text verbatim, without the final line end. */
  raw: string;
}

/** An entry and where it is in the file. */
export type ParsedProgressEntry = ProgressEntry & ProgressPosition;

/** The contents of a `progress.txt`. */
export interface ProgressLog {
  /** Its header. */
  header: ProgressHeader;
  /** Its entries, in the order of the file. */
  entries: ParsedProgressEntry[];
  /** The bullets of all its Codebase Patterns, without their marks. */
  patterns: string[];
  /** All its Codebase Patterns verbatim, without the heading; empty if it has none. */
  patternsText: string;
}

/**
 * Reads a `progress.txt` written by ralph, an agent or a person. Unknown text becomes an entry of
 * the kind `other`, so that nothing in the file is lost.
 *
 * @example Usage
 * ```ts
 * import { parseProgress } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const log = parseProgress("# Ralph Progress Log\nEffort: x\n---\n\n## 2026-01-17 - US-014\n- Done\n---\n");
 * assertEquals(log.header.effort, "x");
 * assertEquals(log.entries[0]?.kind, "story");
 * ```
 *
 * @param text The text of the file.
 * @returns Its header, entries and patterns.
 */
export function parseProgress(text: string): ProgressLog {
  const lines = text.split("\n");
  const plain = lines.map((line) => line.trimEnd());
  const headerEnd = endOfHeader(plain);
  const entries: ParsedProgressEntry[] = [];
  let at = headerEnd + (isRule(plain[headerEnd]) && !isCheckpoint(plain, headerEnd) ? 1 : 0);
  while (at < lines.length) {
    if (plain[at] === "" || (isRule(plain[at]) && !isCheckpoint(plain, at))) {
      at++;
      continue;
    }
    const end = endOfEntry(plain, at);
    let last = end;
    while (plain[last] === "") last--;
    entries.push({
      // Keeps spaces at line ends, which are line breaks in markdown.
      ...parseEntryBody(lines.slice(at, last + 1).map((line) => line.replace(/\r$/, ""))),
      firstLine: at + 1,
      lastLine: last + 1,
      raw: lines.slice(at, last + 1).join("\n").replace(/\r$/, ""),
    });
    at = end + 1;
  }
  const patterns = entries.filter((entry) => entry.kind === "patterns");
  return {
    header: parseHeader(plain.slice(0, headerEnd)),
    entries,
    patterns: patterns.flatMap((entry) => entry.bullets),
    patternsText: patterns.map((entry) => entry.body).filter((body) => body !== "").join("\n"),
  };
}

function endOfHeader(lines: string[]): number {
  const end = lines.findIndex((line) => isRule(line) || isHeading(line));
  return end === -1 ? lines.length : end;
}

/** The index of the last line of the entry that begins at `start`. */
function endOfEntry(lines: string[], start: number): number {
  // A checkpoint begins with a rule.
  const from = isCheckpoint(lines, start) ? start + 2 : start + 1;
  for (let at = from; at < lines.length; at++) {
    if (isHeading(lines[at]) || isCheckpoint(lines, at)) return at - 1;
    if (isRule(lines[at])) return at;
  }
  return lines.length - 1;
}

function isRule(line: string | undefined): boolean {
  return line !== undefined && /^-{3,}$/.test(line);
}

function isHeading(line: string | undefined): boolean {
  return line?.startsWith("## ") ?? false;
}

function isCheckpoint(lines: string[], at: number): boolean {
  return isRule(lines[at]) && (lines[at + 1]?.startsWith("CHECKPOINT at ") ?? false);
}

function parseHeader(lines: string[]): ProgressHeader {
  const header: ProgressHeader = { lines };
  for (const line of lines) {
    const [, key = "", value = ""] = /^(\w+):\s*(.*)$/.exec(line) ?? [];
    if (key === "Effort") header.effort = value;
    if (key === "Type") header.type = value;
    if (key === "Started") header.started = value;
    if (key !== "Rotation") continue;
    const [, number, time] = /^(\d+)(?: \(rotated at (.+)\))?/.exec(value) ?? [];
    if (number === undefined) continue;
    header.rotation = { number: Number(number), time };
  }
  return header;
}

/**
 * Parses the lines of one entry of `progress.txt`.
 *
 * @param lines The lines, from the heading (or the rule above `CHECKPOINT`) to the closing rule.
 * @returns The entry, and its time as written if it has one.
 */
function parseEntryBody(lines: string[]): ProgressEntry & { time?: string | undefined } {
  const [first = "", second = ""] = lines;
  if (!first.startsWith("## ")) {
    return checkpointOf(lines, /^CHECKPOINT at (.+)$/.exec(second.trimEnd())?.[1]) ??
      { kind: "other", heading: "" };
  }
  const heading = first.slice(3).trim();
  const body = lines.slice(1, lines.length - (/^-{3,}\s*$/.test(lines.at(-1) ?? "") ? 1 : 0));
  if (/^codebase patterns\b/i.test(heading)) {
    return { kind: "patterns", bullets: bulletsOf(body), body: trimEmptyLines(body).join("\n") };
  }
  const [, time, rest] = /^(.+?) [-–—] (.+)$/.exec(heading) ?? [];
  return failureOf(body, rest, time) ?? failoverOf(body, rest, time) ?? storyOf(body, heading) ??
    { kind: "other", heading };
}

type Timed<Kind extends ProgressEntry["kind"]> =
  | (Extract<ProgressEntry, { kind: Kind }> & { time?: string | undefined })
  | undefined;

function failureOf(body: string[], rest = "", time = ""): Timed<"failure"> {
  const iteration = /^FAILURE \(Iteration (\d+)\)$/.exec(rest)?.[1];
  if (iteration === undefined) return undefined;
  const more = body.slice(body.findIndex((line) => line.startsWith("- **Error:**")) + 1);
  return {
    kind: "failure",
    time,
    iteration: Number(iteration),
    agent: fieldOf(body, "Agent"),
    story: fieldOf(body, "Story"),
    failures: Number(fieldOf(body, "Consecutive failures")) || 1,
    error: [
      fieldOf(body, "Error"),
      ...more.filter((line) => /^\s+\S/.test(line)).map((line) => line.replace(/^\s+(- )?/, "")),
    ].join("\n"),
  };
}

function failoverOf(body: string[], rest = "", time = ""): Timed<"failover"> {
  if (rest !== "FAILOVER") return undefined;
  return {
    kind: "failover",
    time,
    from: fieldOf(body, "From agent"),
    to: fieldOf(body, "To agent"),
    story: fieldOf(body, "Story"),
    failures: Number(fieldOf(body, "Consecutive failures before failover")) || 0,
    reason: fieldOf(body, "Reason"),
  };
}

function checkpointOf(lines: string[], time: string | undefined): Timed<"checkpoint"> {
  if (time === undefined) return undefined;
  const text = lines.join("\n");
  const [, iteration, most] = /^Iteration: (\d+)(?:\/(\d+))?/m.exec(text) ?? [];
  const [, done, total] = /\bStories: (\d+)\/(\d+)/.exec(text) ?? [];
  return {
    kind: "checkpoint",
    time,
    iteration: Number(iteration ?? 0),
    maxIterations: most === undefined ? undefined : Number(most),
    stories: { done: Number(done ?? 0), total: Number(total ?? 0) },
    agent: /\bAgent: (.+)$/m.exec(text)?.[1] ?? "",
    reason: /^Reason: (.*)$/m.exec(text)?.[1] ?? "",
  };
}

/** An id alone, as `US-001`, `US-010-DECIDE` or `BUG-7.1`. */
const ID = /^(?:Story )?\[?[A-Z]{1,10}-\d+[\w.-]*\]?(?=$|[\s:,])/;

function storyOf(body: string[], heading: string): Timed<"story"> {
  const [, left = "", right = ""] = /^(.+?) [-–—] (.+)$/.exec(heading) ?? [];
  // Agents write dates in many forms; all of them contain the year.
  const dated = /\b\d{4}\b/.test(left);
  if (!dated && !ID.test(right) && !ID.test(heading)) return undefined;
  const named = dated || ID.test(right) ? right : heading;
  const [, id = named, title = ""] = /^(?:Story )?\[?([^\s:,\]]+)\]?[\s:,–—-]*(.*)$/.exec(named) ??
    [];
  return {
    kind: "story",
    time: dated ? left.replace(/^\[(.*)\]$/, "$1") : undefined,
    story: id,
    title: title === "" ? undefined : title,
    body: trimEmptyLines(body).join("\n"),
  };
}

function fieldOf(lines: string[], key: string): string {
  const start = `- **${key}:**`;
  return lines.find((line) => line.startsWith(start))?.slice(start.length).trim() ?? "";
}

/** Bullets at the margin; the indented and plain lines below one belong to it. */
function bulletsOf(lines: string[]): string[] {
  const bullets: string[] = [];
  for (const line of lines) {
    const bullet = /^[-*] (.*)$/.exec(line)?.[1];
    if (bullet !== undefined) bullets.push(bullet);
    else if (bullets.length > 0) bullets.push(`${bullets.pop()}\n${line}`);
  }
  return bullets.map((bullet) => bullet.trimEnd());
}

function trimEmptyLines(lines: string[]): string[] {
  const start = lines.findIndex((line) => line.trim() !== "");
  const end = lines.findLastIndex((line) => line.trim() !== "");
  return start === -1 ? [] : lines.slice(start, end + 1);
}

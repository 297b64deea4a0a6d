import type { ProgressEntry } from "./progress_entry.ts";

/**
 * Reads the lines of one entry of `progress.txt`: what kind it is and what it says.
 *
 * @param lines The lines, from the heading (or the rule above `CHECKPOINT`) to the closing rule.
 * @returns The entry, and its time as it is written where it has one.
 */
export function parseEntryBody(lines: string[]): ProgressEntry & { time?: string } {
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
  | (Extract<ProgressEntry, { kind: Kind }> & { time?: string })
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
    ...(most !== undefined && { maxIterations: Number(most) }),
    stories: { done: Number(done ?? 0), total: Number(total ?? 0) },
    agent: /\bAgent: (.+)$/m.exec(text)?.[1] ?? "",
    reason: /^Reason: (.*)$/m.exec(text)?.[1] ?? "",
  };
}

/** An id alone, as `US-001`, `US-010-DECIDE` or `BUG-7.1`. */
const ID = /^(?:Story )?\[?[A-Z]{1,10}-\d+[\w.-]*\]?(?=$|[\s:,])/;

function storyOf(body: string[], heading: string): Timed<"story"> {
  const [, left = "", right = ""] = /^(.+?) [-–—] (.+)$/.exec(heading) ?? [];
  // Agents write dates in many forms; they have the year in common.
  const dated = /\b\d{4}\b/.test(left);
  if (!dated && !ID.test(right) && !ID.test(heading)) return undefined;
  const named = dated || ID.test(right) ? right : heading;
  const [, id = named, title = ""] = /^(?:Story )?\[?([^\s:,\]]+)\]?[\s:,–—-]*(.*)$/.exec(named) ??
    [];
  return {
    kind: "story",
    ...(dated && { time: left.replace(/^\[(.*)\]$/, "$1") }),
    story: id,
    ...(title !== "" && { title }),
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

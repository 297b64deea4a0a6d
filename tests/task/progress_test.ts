import {
  assertEquals,
  assertGreater,
  assertMatch,
  assertNotMatch,
  assertStringIncludes,
} from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { appendFile, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { appendProgress, createProgress } from "../../lib/task/progress/append_progress.ts";
import {
  countIterations,
  type FailureEntry,
  type NewProgressEntry,
} from "../../lib/task/progress/progress_entry.ts";
import { formatProgressEntry } from "../../lib/task/progress/format_progress_entry.ts";
import { type ParsedProgressEntry, parseProgress } from "../../lib/task/progress/parse_progress.ts";
import { progressSink } from "../../lib/task/progress/progress_sink.ts";
import { rotateProgress } from "../../lib/task/progress/rotate_progress.ts";
import { taskRepo } from "../kit/scripted_agent.ts";
import { tempDir } from "../kit/testing.ts";

const seedFile = new URL("../../../shared/seeds/progress-log.txt", import.meta.url);
const noSeed = !existsSync(seedFile);
const withSeed = noSeed ? " (skipped: the seed log is not here)" : "";
const seed = noSeed ? "" : readFileSync(seedFile, "utf8");

const header = { effort: "my-feature", type: "Feature" };
const time = new Date(2026, 0, 23, 12, 16);
const now = () => time.getTime();
const failure: FailureEntry = {
  kind: "failure",
  iteration: 1,
  agent: "claude",
  story: "US-001",
  failures: 1,
  error: "Exit code 1",
};
const story: NewProgressEntry = { kind: "story", story: "US-001", body: "- Done" };

function isNew(entry: ParsedProgressEntry): entry is ParsedProgressEntry & NewProgressEntry {
  return entry.kind !== "patterns" && entry.kind !== "other";
}

Deno.test({
  name: `parseProgress() reads every entry of a real log${withSeed}`,
  ignore: noSeed,
  fn() {
    const log = parseProgress(seed);
    assertEquals([log.header.effort, log.header.started], ["remote-loop-execution", "2026-01-23"]);
    assertEquals(log.header.type, "Bug Investigation (Feasibility Study)");
    const counts: Record<string, number> = {};
    for (const { kind } of log.entries) counts[kind] = (counts[kind] ?? 0) + 1;
    assertEquals(counts, { failure: 16, failover: 12, checkpoint: 2, patterns: 1, story: 1 });
    assertEquals(log.patterns.length, 7);
    assertMatch(log.patterns[0] ?? "", /^RPC server uses asyncio/);
    assertEquals(countIterations(log.entries), 17);
    const lines = seed.split("\n");
    for (const { firstLine, lastLine, raw } of log.entries) {
      assertEquals(lines.slice(firstLine - 1, lastLine).join("\n"), raw);
    }
  },
});

Deno.test({
  name: `formatProgressEntry() reproduces the bytes of a real log${withSeed}`,
  ignore: noSeed,
  fn() {
    for (const entry of parseProgress(seed).entries) {
      if (isNew(entry)) {
        const written = new Date(`${entry.time}:00`);
        assertEquals(formatProgressEntry(entry, written), entry.raw + "\n");
      }
    }
  },
});

Deno.test("formatProgressEntry() keeps stderr inside the entry, and it parses again", () => {
  const error = "exit 2\r\n\x1b[31merror:\x1b[0m bad option\n\n---\n## 2026-01-01 - US-9\n- last";
  const text = formatProgressEntry({ ...failure, error }, time);
  const { entries } = parseProgress(`# Log\n---\n\n${text}`);
  assertEquals(entries.length, 1);
  const [entry] = entries;
  assertEquals(
    entry?.kind === "failure" && entry.error,
    "exit 2\nerror: bad option\n---\n## 2026-01-01 - US-9\n- last",
  );
});

Deno.test("formatProgressEntry() bounds an error to its first and last lines", () => {
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index} ${"x".repeat(2_000)}`);
  const text = formatProgressEntry({ ...failure, error: lines.join("\n") }, time);
  assertEquals(text.split("\n").length, 27);
  assertStringIncludes(text, "- **Error:** line 0 ");
  assertStringIncludes(text, "  - line 499 ");
  assertGreater(12_000, text.length);
});

Deno.test("formatProgressEntry() writes a checkpoint of a loop without a limit", () => {
  const entry = {
    kind: "checkpoint",
    iteration: 3,
    stories: { done: 1, total: 7 },
    agent: "claude",
    reason: "asked for",
  } as const;
  const text = formatProgressEntry(entry, time);
  assertStringIncludes(text, "\nIteration: 3/unlimited | Stories: 1/7 | Agent: claude\n");
  const [parsed] = parseProgress(`# Log\n---\n\n${text}`).entries;
  assertEquals({ ...parsed }, {
    ...entry,
    maxIterations: undefined,
    time: "2026-01-23 12:16",
    firstLine: 4,
    lastLine: 8,
    raw: text.trimEnd(),
  });
});

Deno.test("parseProgress() reads the headings that agents really write", () => {
  const read = (heading: string) => {
    const [entry] = parseProgress(`# Log\n---\n\n## ${heading}\n- x\n`).entries;
    return entry?.kind === "story" ? [entry.time, entry.story, entry.title] : entry?.kind;
  };
  assertEquals(read("2026-01-23 13:08 - US-001"), ["2026-01-23 13:08", "US-001", undefined]);
  assertEquals(read("2026-01-23 - US-001: A: b"), ["2026-01-23", "US-001", "A: b"]);
  assertEquals(read("2026-01-26 - US-011 Completed"), ["2026-01-26", "US-011", "Completed"]);
  assertEquals(read("Fri Jan 16 2026 - US-001"), ["Fri Jan 16 2026", "US-001", undefined]);
  assertEquals(read("[2026-01-23] – [setup]"), ["2026-01-23", "setup", undefined]);
  assertEquals(read("2026-01-23 - US-1: port 8080 - ok"), ["2026-01-23", "US-1", "port 8080 - ok"]);
  assertEquals(read("US-107A: Title"), [undefined, "US-107A", "Title"]);
  assertEquals(read("Prior Progress"), "other");
});

Deno.test("parseProgress() copes with entries without rules, CRLF and stray text", () => {
  const text = [
    "# Ralph Progress Log",
    "Started: Fri Jan 16 10:00:00 UTC 2026",
    "---",
    "loose words",
    "",
    "## 2026-01-17 - US-002",
    "- newest",
    "",
    "## 2026-01-16 - US-001",
    "- older",
    "---",
    "CHECKPOINT at 2026-01-16 12:00",
    "Iteration: 1/50 | Stories: 0/7 | Agent: claude",
    "Reason: signal",
  ].join("\r\n");
  const log = parseProgress(text);
  assertEquals(log.header.started, "Fri Jan 16 10:00:00 UTC 2026");
  assertEquals(log.entries.map((entry) => entry.kind), ["other", "story", "story", "checkpoint"]);
});

Deno.test("parseProgress() reads a file without header, and an empty one", () => {
  const bare = parseProgress("## Codebase Patterns\n- a\n\n## 2026-01-16 - US-001\n- b");
  assertEquals([bare.header.lines, bare.patterns, bare.entries.length], [[], ["a"], 2]);
  assertEquals(parseProgress("").entries, []);
});

Deno.test("parseProgress() keeps patterns of several lines and several sections", () => {
  const first = "- one  \n  two\n\n  ```sh\n  x\n  ```\n- three";
  const text =
    `# L\n---\n\n## Codebase Patterns\n${first}\n\n## 2026-01-16 - US-001\n- b\n---\n\n` +
    `## Codebase Patterns\n* four\n---\n`;
  const log = parseProgress(text);
  assertEquals(log.patterns, ["one  \n  two\n\n  ```sh\n  x\n  ```", "three", "four"]);
  assertEquals(log.patternsText, `${first}\n* four`);
});

Deno.test("createProgress() writes the header once", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "progress.txt");
  assertEquals(await createProgress(file, { header, now }), true);
  assertEquals(await createProgress(file, { header, now }), false);
  assertEquals(
    await readFile(file, "utf8"),
    "# Ralph Progress Log\nEffort: my-feature\nType: Feature\nStarted: 2026-01-23\n---\n",
  );
});

Deno.test("appendProgress() creates the file, with an empty line before each entry", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "progress.txt");
  await appendProgress(file, story, { header, now });
  await appendFile(file, "\n## 2026-01-24 - US-002\n- no line end");
  await appendProgress(file, failure, { header, now });
  const text = await readFile(file, "utf8");
  assertStringIncludes(text, "---\n\n## 2026-01-23 12:16 - US-001\n- Done\n---\n\n## 2026-01-24");
  assertStringIncludes(text, "- no line end\n\n## 2026-01-23 12:16 - FAILURE (Iteration 1)\n");
});

Deno.test("appendProgress() keeps a streak of the same failure in one entry", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "progress.txt");
  await appendProgress(file, story, { header, now });
  const before = await readFile(file);
  for (let count = 1; count <= 12; count++) {
    const error = `Exit code 1\nrequest ${count * 17} failed`;
    const entry = { ...failure, iteration: count, failures: count, error };
    await appendProgress(file, entry, { header, now: () => now() + count * 60_000 });
  }
  const text = await readFile(file, "utf8");
  assertEquals(text.startsWith(before.toString()), true);
  const { entries } = parseProgress(text);
  assertEquals(entries.map((entry) => entry.kind), ["story", "failure"]);
  assertMatch(text, /## 2026-01-23 12:28 - FAILURE \(Iteration 12\)/);
  assertStringIncludes(text, "- **Consecutive failures:** 12\n");
  assertEquals(await readdir(dir.path), ["progress.txt"]);
});

Deno.test("appendProgress() adds an entry for a different failure, or one that is no longer the last", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "progress.txt");
  const entries: NewProgressEntry[] = [
    failure,
    { ...failure, error: "Exit code 2" },
    { ...failure, error: "Exit code 2", agent: "opencode" },
    { ...failure, error: "Exit code 2", agent: "opencode", story: "US-002" },
    story,
    { ...failure, error: "Exit code 2", agent: "opencode", story: "US-002" },
  ];
  for (const entry of entries) await appendProgress(file, entry, { header, now });
  assertEquals(parseProgress(await readFile(file, "utf8")).entries.length, entries.length);
});

Deno.test("appendProgress() leaves bytes that are not UTF-8 as they are", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "progress.txt");
  const bytes = new Uint8Array([35, 32, 255, 254, 10, 45, 45, 45, 10]);
  await writeFile(file, bytes);
  await appendProgress(file, failure, { header, now });
  await appendProgress(file, { ...failure, failures: 2 }, { header, now });
  assertEquals(new Uint8Array(await readFile(file)).slice(0, bytes.length), bytes);
  assertEquals((await readFile(file, "utf8")).match(/FAILURE/g)?.length, 1);
});

Deno.test("appendProgress() loses nothing that an agent appends at the same time", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "progress.txt");
  await appendProgress(file, failure, { header, now });
  const notes = Array.from({ length: 100 }, (_, index) => `note ${index};`);
  const agent = async () => {
    for (const note of notes) await appendFile(file, `\n## 2026-01-23 - US-001\n- ${note}\n---\n`);
  };
  const loop = async () => {
    for (let count = 2; count <= 100; count++) {
      await appendProgress(file, { ...failure, failures: count }, { header, now });
    }
  };
  await Promise.all([agent(), loop()]);
  const text = await readFile(file, "utf8");
  assertEquals(notes.filter((note) => !text.includes(note)), []);
});

async function longLog(file: string, options: { notes: number; patterns: number }) {
  await createProgress(file, { header, now });
  const bullets = Array.from({ length: options.patterns }, (_, index) => `- p${index}  \n  more`);
  if (bullets.length > 0) await appendFile(file, `\n## Codebase Patterns\n${bullets.join("\n")}\n`);
  for (let index = 0; index < options.notes; index++) {
    await appendFile(file, `\n## 2026-01-23 - US-00${index}\n- Done\n---\n`);
  }
  return bullets.join("\n");
}

Deno.test("rotateProgress() keeps the patterns and says where the rest is", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "progress.txt");
  const patterns = await longLog(file, { notes: 7, patterns: 2 });
  await appendProgress(file, { ...failure, failures: 3 }, { header, now });
  const before = await readFile(file, "utf8");
  const rotation = await rotateProgress(file, { threshold: 20, now });
  assertEquals(rotation, { file: join(dir.path, "progress-1.txt"), iterations: 10 });
  assertEquals(await readFile(join(dir.path, "progress-1.txt"), "utf8"), before);
  assertEquals(
    await readFile(file, "utf8"),
    `# Ralph Progress Log
Effort: my-feature
Type: Feature
Started: 2026-01-23
Rotation: 1 (rotated at 2026-01-23 12:16)
---

## Codebase Patterns
${patterns}

## Prior Progress
- progress-1.txt holds 10 iterations
---
`,
  );
  assertEquals(await rotateProgress(file, { threshold: 20, now }), undefined);
  assertEquals((await readdir(dir.path)).sort(), ["progress-1.txt", "progress.txt"]);
});

Deno.test("rotateProgress() numbers upwards and replaces the note of the last rotation", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "progress.txt");
  for (const number of [1, 2, 3]) {
    await longLog(file, { notes: 10, patterns: 0 });
    const rotation = await rotateProgress(file, { threshold: 20, now });
    assertEquals(rotation?.file, join(dir.path, `progress-${number}.txt`));
    assertEquals(rotation?.iterations, 10);
  }
  const text = await readFile(file, "utf8");
  assertEquals(text.match(/Rotation:/g)?.length, 1);
  assertEquals(text.match(/## Prior Progress/g)?.length, 1);
  assertStringIncludes(
    text,
    "- progress-3.txt holds 10 iterations\n- Older: progress-1.txt to progress-2.txt\n",
  );
  assertEquals(parseProgress(text).header.rotation, { number: 3, time: "2026-01-23 12:16" });
});

Deno.test("rotateProgress() does not change a file that is short, long only by its patterns, or missing", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "progress.txt");
  assertEquals(await rotateProgress(file), undefined);
  await longLog(file, { notes: 1, patterns: 30 });
  assertEquals(await rotateProgress(file, { threshold: 20 }), undefined);
  assertEquals(await rotateProgress(file), undefined);
  assertEquals(await readdir(dir.path), ["progress.txt"]);
});

Deno.test("rotateProgress() rotates above the threshold, not at it", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "progress.txt");
  await longLog(file, { notes: 10, patterns: 0 });
  assertEquals(await rotateProgress(file, { threshold: 0 }), undefined);
  assertEquals(await rotateProgress(file, { threshold: 45 }), undefined);
  assertEquals((await rotateProgress(file, { threshold: 44 }))?.iterations, 10);
});

Deno.test("rotateProgress() repeats a rotation that a crash interrupted", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "progress.txt");
  await longLog(file, { notes: 10, patterns: 1 });
  const leftover = join(dir.path, "progress-1.txt");
  // The second name was given and the new file was not put in place; the agent went on.
  await writeFile(leftover, (await readFile(file)).subarray(0, 100));
  const rotation = await rotateProgress(file, { threshold: 20, now });
  assertEquals(rotation, { file: leftover, iterations: 10 });
  assertMatch(await readFile(leftover, "utf8"), /US-009/);
  assertNotMatch(await readFile(file, "utf8"), /US-009/);
});

Deno.test("rotateProgress() keeps what an agent writes through a file it has open", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "progress.txt");
  await longLog(file, { notes: 10, patterns: 0 });
  const { ino } = await stat(file);
  const rotation = await rotateProgress(file, { threshold: 20, now });
  assertEquals((await stat(rotation?.file ?? "")).ino, ino);
});

Deno.test("countIterations() counts a streak once, however it was written", () => {
  const failures = (...counts: number[]) =>
    counts.map((count) => ({ ...failure, failures: count }));
  assertEquals(countIterations([]), 0);
  assertEquals(countIterations(failures(1, 2, 3)), 3);
  assertEquals(countIterations(failures(3)), 3);
  assertEquals(countIterations(failures(3, 4)), 4);
  assertEquals(countIterations(failures(2, 1, 2)), 4);
  assertEquals(
    countIterations([...failures(2), { kind: "story", story: "1", body: "" }, ...failures(3)]),
    6,
  );
});

Deno.test("progressSink() gives a new file the type of the PRD", async () => {
  const event: LoopEvent = {
    time: "2026-11-20T18:02:11.000Z",
    type: "failed_over",
    iteration: 2,
    story: { id: "US-001", title: "Story" },
    from: "claude",
    to: "opencode",
    failuresInRow: 3,
    reason: "boom",
  };
  for (const [type, shown] of [["bugfix", "Bugfix"], [undefined, "Feature"]]) {
    await using repo = await taskRepo([{ id: "US-001" }], { type });
    await using progress = progressSink({ task: repo.task });
    await progress.write(event);
    assertStringIncludes(await readFile(repo.task.progressFile, "utf8"), `\nType: ${shown}\n`);
  }
  await using broken = await taskRepo([{ id: "US-001" }], { type: "bugfix" });
  await writeFile(broken.task.prdFile, "{");
  await using progress = progressSink({ task: broken.task });
  await progress.write(event);
  assertStringIncludes(await readFile(broken.task.progressFile, "utf8"), "\nType: Feature\n");
});

import { assert, assertEquals, assertMatch } from "@std/assert";
import { plainLines } from "../../lib/ui/report/plain_line.ts";
import {
  agentEvent,
  event,
  iterationFinished,
  iterationStarted,
  loopResult,
  started,
  story,
} from "../kit/ui_events.ts";

const T = "2026-11-20T18:02:12Z";

Deno.test("plainLines() reports a successful run", () => {
  assertEquals([
    ...plainLines(started(), { session: "01JD" }),
    ...plainLines(iterationStarted(0, 1)),
    ...plainLines(agentEvent(1, 1, { kind: "text", text: "hello" })),
    ...plainLines(agentEvent(1, 1, { kind: "tool", tool: "Bash", detail: "ls" })),
    ...plainLines(event(1, { type: "check_started", iteration: 1, command: "deno task ok" })),
    ...plainLines(event(1, {
      type: "check_finished",
      iteration: 1,
      command: "deno task ok",
      ok: true,
      durationMs: 12_000,
      outputTail: [],
    })),
    ...plainLines(iterationFinished(400, 1)),
    ...plainLines(event(401, { type: "loop_finished", result: loopResult(), agent: "claude" })),
  ], [
    "2026-11-20T18:02:11Z my-feature started session=01JD agent=claude stories=0/11 branch=ralph/my-feature",
    '2026-11-20T18:02:11Z iteration 1 US-001 "Fix attach status corruption" agent=claude',
    '2026-11-20T18:02:12Z iteration 1 check "deno task ok" passed 12s',
    "2026-11-20T18:08:51Z iteration 1 US-001 passed 6m40s commits=1 cost=0.25 tokens=1245",
    '2026-11-20T18:08:52Z finished completed 2h31m stories=11/11 iterations=14 commits=14 cost=6.80 tokens=470100 "every story passes"',
  ]);
});

Deno.test("plainLines() names the base of a branch in the first line", () => {
  const start = started();
  assert(start.type === "loop_started");
  assertMatch(plainLines({ ...start, base: "main" })[0] ?? "", / branch=\S+ base=main$/);
});

Deno.test("plainLines() reports failures with their reasons", () => {
  assertEquals([
    ...plainLines(event(1, { type: "warning", message: "prd.json is broken" })),
    ...plainLines(event(1, { type: "progress_rotated", file: "progress-1.txt", iterations: 9 })),
    ...plainLines(event(1, {
      type: "iteration_started",
      iteration: 2,
      story: { id: "two words", title: 'Say "hi"\nthere' },
      agent: "claude",
      model: "opus",
      head: null,
      attempt: 3,
    })),
    ...plainLines(agentEvent(1, 2, { kind: "error", message: "overloaded" })),
    ...plainLines(
      agentEvent(1, 2, { kind: "denial", denial: { tool: "Bash", detail: "rm -rf x" } }),
    ),
    ...plainLines(event(1, {
      type: "check_finished",
      iteration: 2,
      command: "deno task ok",
      ok: false,
      durationMs: 3000,
      outputTail: ["1", "2", "3", "4", "5", "\x1b[31m6\x1b[0m", ""],
    })),
    ...plainLines(event(1, {
      type: "story_set_back",
      iteration: 2,
      story: story(1),
      reason: "check fails",
    })),
    ...plainLines(iterationFinished(1, 2, {
      outcome: "failed",
      ending: { kind: "launch", message: "exit 1" },
      stderrTail: ["unknown option"],
      denials: [{ tool: "Bash", detail: "x" }],
      commits: 0,
      passed: ["US-009"],
      usage: { inputTokens: 1, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 },
      failuresInRow: 2,
    })),
    ...plainLines(event(1, {
      type: "failed_over",
      iteration: 2,
      story: story(1),
      from: "claude",
      to: "opencode",
      failuresInRow: 2,
      reason: "exit 1",
    })),
    ...plainLines(event(1, {
      type: "waiting",
      agent: "claude",
      reason: "usage limit",
      until: Date.UTC(2026, 10, 20, 20),
    })),
    ...plainLines(event(1, { type: "waited", cancelled: false })),
    ...plainLines(event(1, { type: "waited", cancelled: true })),
  ], [
    `${T} warning "prd.json is broken"`,
    `${T} progress rotated file=progress-1.txt iterations=9`,
    `${T} iteration 2 "two words" "Say \\"hi\\" there" agent=claude model=opus attempt=3`,
    `${T} iteration 2 agent error "overloaded"`,
    `${T} iteration 2 denied Bash "rm -rf x"`,
    `${T} iteration 2 check "deno task ok" failed 3s`,
    ...["2", "3", "4", "5", "6"].map((line) => `${T} iteration 2 output "${line}"`),
    `${T} iteration 2 US-001 reopened "check fails"`,
    `${T} iteration 2 US-002 failed 6m40s ending=launch failures=2 commits=0 also_passed=US-009 denials=1 tokens=3 "exit 1"`,
    `${T} iteration 2 stderr "unknown option"`,
    `${T} iteration 2 US-001 failed over from=claude to=opencode failures=2 "exit 1"`,
    `${T} waiting for claude until=2026-11-20T20:00:00Z "usage limit"`,
    `${T} waited`,
    `${T} wait cancelled`,
  ]);
});

Deno.test("plainLines() gives the failure of each agent at the end", () => {
  const result = loopResult({
    outcome: "failed",
    reason: "no agent is left",
    details: ["claude: exit 1", "opencode: not installed"],
    usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
  });
  const lines = plainLines(event(1, { type: "loop_finished", result, agent: "claude" }));
  assertEquals(lines, [
    `${T} finished failed 2h31m stories=11/11 iterations=14 commits=14 "no agent is left"`,
    `${T} detail "claude: exit 1"`,
    `${T} detail "opencode: not installed"`,
  ]);
});

Deno.test("plainLines() keeps every name and text on its line", () => {
  const evil = "x\n2026-11-20T18:02:12Z forged\x1b[2J\u2028\u202e";
  const lines = [
    ...plainLines({ time: evil, type: "warning", message: evil }),
    ...plainLines(event(1, {
      type: "iteration_started",
      iteration: 1,
      story: { id: evil, title: evil },
      agent: evil,
      head: null,
      attempt: 1,
    })),
  ];
  assertEquals(lines.length, 2);
  // deno-lint-ignore no-control-regex
  for (const line of lines) assert(!/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]/.test(line), line);
});

Deno.test("plainLines() says at the start that nothing but the agents' marks counts", () => {
  const [line = ""] = plainLines(started(0));
  assert(line.endsWith(` "no checks: the agents' own marks only"`), line);
  assert(!plainLines(started(1)).join().includes("no checks"));
});

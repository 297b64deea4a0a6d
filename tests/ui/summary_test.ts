import { assert, assertEquals } from "@std/assert";
import { displayWidth } from "../../lib/ui/text/display_width.ts";
import { renderSummary } from "../../lib/ui/report/summary.ts";
import { id, loopResult, story } from "../kit/ui_events.ts";

Deno.test("renderSummary() reports what a completed run has done", () => {
  assertEquals(
    renderSummary(loopResult(), {
      task: "my-feature",
      checks: [{ command: "deno task ok", ok: true }],
      next: "ralph tasks",
    }),
    [
      "Completed my-feature: 11 of 11 stories in 14 iterations, 2h 31m, $6.80 est.",
      "  branch   ralph/my-feature, 14 commits, 61 files changed",
      "  agents   claude 9, opencode 5 (1 failover)",
      "  checks   deno task ok: passed",
      "  tokens   412k in, 58.1k out, 9.3M from the cache",
      "  next     ralph tasks",
    ],
  );
});

Deno.test("renderSummary() uses the singular for one", () => {
  const { branch: _, ...result } = loopResult({
    iterations: 1,
    stories: { done: 1, total: 1 },
    commits: 1,
    filesChanged: 1,
    agents: { claude: 1 },
    failovers: 0,
    durationMs: 4000,
    usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
  });
  assertEquals(renderSummary(result, { task: "t" }), [
    "Completed t: 1 of 1 story in 1 iteration, 4s",
    "  branch   detached HEAD, 1 commit, 1 file changed",
    "  agents   claude 1",
  ]);
});

Deno.test("renderSummary() names the first five open stories, and what each waits for", () => {
  const open = [4, 5, 6, 7, 8, 9, 10, 11].map((n) => ({
    ...story(n),
    reason: n === 4
      ? '3 attempts: check "deno task ok" fails'
      : n === 5
      ? ""
      : `needs ${id(n - 1)}`,
  }));
  assertEquals(
    renderSummary(
      loopResult({
        outcome: "limit",
        reason: "iteration limit (50) reached",
        stories: { done: 3, total: 11 },
        open,
      }),
      { task: "my-feature", next: "ralph run my-feature -i 20", exitCode: 3 },
    ),
    [
      "Stopped my-feature: iteration limit (50) reached",
      "  done     3 of 11 stories in 14 iterations, 2h 31m, $6.80 est.",
      '  open     US-004 (3 attempts: check "deno task ok" fails), US-005,',
      "           US-006 (needs US-005), US-007 (needs US-006), US-008 (needs US-007),",
      "           and 3 more",
      "  branch   ralph/my-feature, 14 commits, 61 files changed",
      "  agents   claude 9, opencode 5 (1 failover)",
      "  tokens   412k in, 58.1k out, 9.3M from the cache",
      "  next     ralph run my-feature -i 20",
      "exit code 3",
    ],
  );
});

Deno.test("renderSummary() gives the failure of each agent", () => {
  const lines = renderSummary(
    loopResult({
      outcome: "failed",
      reason: "no agent is left",
      details: ["claude: exit 1: unknown option", "opencode: not installed"],
      agents: {},
      failovers: 0,
      stories: { done: 0, total: 11 },
    }),
    { task: "my-feature", exitCode: 1 },
  );
  assertEquals(lines.slice(0, 4), [
    "Failed my-feature: no agent is left",
    "  claude: exit 1: unknown option",
    "  opencode: not installed",
    "  done     0 of 11 stories in 14 iterations, 2h 31m, $6.80 est.",
  ]);
  assertEquals(lines.at(-1), "exit code 1");
  assert(!lines.some((line) => line.includes("agents")));
});

Deno.test("renderSummary() has a heading for every outcome", () => {
  const words = {
    completed: "Completed",
    failed: "Failed",
    stagnated: "Gave up on",
    limit: "Stopped",
    blocked: "Blocked",
    stopped: "Stopped",
    checkpointed: "Checkpointed",
  } as const;
  for (const [outcome, word] of Object.entries(words)) {
    const result = loopResult({ outcome: outcome as keyof typeof words });
    assert(renderSummary(result, { task: "t" })[0]?.startsWith(`${word} t: `), outcome);
  }
});

Deno.test("renderSummary() wraps between items, and colours only the heading", () => {
  const open = [1, 2, 3].map((n) => ({ ...story(n), reason: "not tried" }));
  const lines = renderSummary(loopResult({ outcome: "stopped", reason: "x\x1b[2J", open }), {
    task: "t",
    color: true,
    columns: 40,
  });
  assertEquals(lines[0], "\x1b[33mStopped t\x1b[39m: x");
  for (const line of lines.slice(1)) assert(displayWidth(line) <= 48, line);
  assertEquals(lines.filter((line) => line.includes("US-00")).length, 3);
});

Deno.test("renderSummary() says that nothing but the agents' marks counted", () => {
  const words = "  checks   no checks: the agents' own marks only";
  assert(renderSummary(loopResult({ checks: 0 }), { task: "t" }).includes(words));
  assert(!renderSummary(loopResult({ checks: 1 }), { task: "t" }).includes(words));
  assert(!renderSummary(loopResult(), { task: "t" }).includes(words));
});

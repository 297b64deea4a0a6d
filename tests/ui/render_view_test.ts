import { assert, assertEquals, assertMatch } from "@std/assert";
import { stripVTControlCharacters } from "node:util";
import type { AgentEvent } from "../../lib/event/agent_event.ts";
import type { LoopEvent, LoopEventBody } from "../../lib/event/loop_event.ts";
import { displayWidth } from "../../lib/ui/text/display_width.ts";
import { reduceView } from "../../lib/ui/live/reduce_view.ts";
import { renderView } from "../../lib/ui/live/render_view.ts";
import { initialView, type ViewState } from "../../lib/ui/live/view_state.ts";
import {
  event,
  iterationFinished,
  iterationStarted,
  loopResult,
  MID,
  midRun,
  START,
  started,
  viewOf,
} from "../kit/ui_events.ts";

const keys = [{ key: "Ctrl-C", label: "stop" }];

function frame(state: ViewState, columns: number, rows: number): string[] {
  return renderView(state, { columns, rows, now: MID, keys, timeZone: "UTC" });
}

const WIDE_FRAME = [
  "██████████████░░░░░░░░░░░░░░░░░░  5 of 11 stories",
  "",
  "✔ US-001  Fix attach status corruption           claude     6m 40s   1f2a91c",
  "✔ US-002  Fix status display for dead servers    claude     6m 40s   2f2a91c",
  "✔ US-003  Read the port from the configuration   claude     6m 40s   3f2a91c",
  "✔ US-004  Start the server on demand             claude     6m 40s   4f2a91c",
  "✔ US-005  Health check with a time limit         claude     6m 40s   5f2a91c",
  "▸ US-006  Pass directory parameter to server     opencode   2m 31s   running",
  "  │ Read lib/opencode/client.ts",
  "  │ $ deno test tests/client_test.ts",
  "  │ ok | 14 passed | 0 failed (1s)",
  "· US-007  Update attach for global server        needs US-006",
  "· US-008  Remove the per-task servers            needs US-007",
  "· US-009  Migrate old sessions                   open",
  "· US-010  Document the server                    open",
  "· US-011  Clean up stale sockets                 open",
  "",
  "Failed over from claude to opencode 9m ago: usage limit, resets 20:00",
  "Ctrl-C stop",
];

Deno.test("renderView() draws everything at 80x24", () => {
  assertEquals(frame(viewOf(midRun()), 80, 24), [
    "my-feature  ralph/my-feature            iteration 6 of 50   31m 12s   $1.24 est.",
    ...WIDE_FRAME,
  ]);
});

Deno.test("renderView() names the base of a branch where there is room", () => {
  const view = { ...viewOf(midRun()), base: "main" };
  assertEquals(
    frame(view, 80, 24)[0],
    "my-feature  ralph/my-feature from main  iteration 6 of 50   31m 12s   $1.24 est.",
  );
  assertEquals(
    frame(view, 78, 24)[0],
    "my-feature  ralph/my-feature          iteration 6 of 50   31m 12s   $1.24 est.",
  );
});

Deno.test("renderView() does not stretch over 120x40", () => {
  assertEquals(frame(viewOf(midRun()), 120, 40), [
    "my-feature  ralph/my-feature                                iteration 6 of 50   31m 12s   $1.24 est.",
    ...WIDE_FRAME,
  ]);
});

Deno.test("renderView() shows what matters at 40x10", () => {
  assertEquals(frame(viewOf(midRun()), 40, 10), [
    "my-feature   6/50   31m 12s   $1.24 est.",
    "██████████░░░░░░░░░░░░░  5 of 11 stories",
    "… 5 passed",
    "▸ US-006  Pass directory…   2m 31s",
    "  │ $ deno test tests/client_test.ts",
    "  │ ok | 14 passed | 0 failed (1s)",
    "· US-007  Update attach f…  needs US-006",
    "… 4 open",
    "Failed over from claude to opencode 9m…",
    "Ctrl-C stop",
  ]);
});

Deno.test("renderView() shows the running story on three lines, and the task on one", () => {
  const state = viewOf(midRun());
  assertEquals(frame(state, 80, 3).at(-1)?.slice(0, 20), "▸ US-006  Pass direc");
  assertEquals(frame(state, 80, 1).length, 1);
  assertEquals(frame(state, 80, 0), []);
});

Deno.test("renderView() counts a wait down, and drops the reason before the time", () => {
  const until = MID + 2_467_000;
  const state = viewOf([
    ...midRun(),
    event(1800, { type: "waiting", agent: "claude", reason: "usage limit", until }),
  ]);
  assertEquals(
    frame(state, 80, 24).at(-2),
    "Waiting for claude until 19:14 (usage limit), 41m 07s",
  );
  assertEquals(frame(state, 40, 10).at(-2), "Waiting for claude until 19:14, 41m 07s");
  assertEquals(frame(state, 40, 2).at(-1), "Waiting for claude until 19:14, 41m 07s");
});

Deno.test("renderView() draws the end without a clock", () => {
  const result = loopResult({
    outcome: "blocked",
    stories: { done: 1, total: 3 },
    iterations: 2,
    open: [
      { id: "2", title: "Second", reason: "2 attempts: check fails" },
      { id: "3", title: "日本語のタイトル", reason: "waits for a decision" },
    ],
  });
  const state = viewOf([
    event(0, {
      type: "loop_started",
      task: "t",
      taskDir: "/t",
      root: "/",
      agent: "claude",
      limits: {},
      stories: { done: 1, total: 3 },
      verifies: false,
      list: [
        { id: "1", title: "First", passes: true, dependsOn: [] },
        { id: "2", title: "Second", passes: false, dependsOn: [] },
        { id: "3", title: "日本語のタイトル", passes: false, dependsOn: ["2"] },
      ],
    }),
    event(1, {
      type: "iteration_started",
      iteration: 1,
      story: { id: "2", title: "Second" },
      agent: "claude",
      head: null,
      attempt: 1,
    }),
    iterationFinished(40, 1, {
      story: { id: "2", title: "Second" },
      outcome: "open",
      durationMs: 4000,
      stories: { done: 1, total: 3 },
    }),
    event(60, { type: "loop_finished", result, agent: "claude" }),
  ]);
  assertEquals(renderView(state, { columns: 72, rows: 24, now: MID }), [
    "t                                      iteration 2   2h 31m   $6.80 est.",
    "██████████░░░░░░░░░░░░░░░░░░░░░░  1 of 3 stories",
    "",
    "✔ 1  First              passed",
    "· 2  Second             claude   4s   2 attempts: check fails",
    "· 3  日本語のタイトル   waits for a decision",
  ]);
});

Deno.test("renderView() shows tokens if no agent reports a cost", () => {
  const usage = { inputTokens: 12_000, outputTokens: 345, cacheReadTokens: 0, cacheWriteTokens: 0 };
  const state = viewOf([
    started(),
    iterationStarted(0, 1),
    event(1, { type: "agent", iteration: 1, event: { kind: "usage", usage } }),
  ]);
  assertMatch(frame(state, 80, 24)[0] ?? "", / 12\.3k tokens$/);
});

Deno.test("renderView() says the same with and without colour", () => {
  const state = viewOf(midRun());
  for (const [columns, rows] of [[80, 24], [40, 10], [23, 7]] as const) {
    const colored = renderView(state, {
      columns,
      rows,
      now: MID,
      keys,
      color: true,
      timeZone: "UTC",
    });
    assertEquals(colored.map(stripVTControlCharacters), frame(state, columns, rows));
    assert(colored.join("").includes("\x1b[32m"));
  }
});

const TEXTS = [
  "plain words",
  "日本語テスト",
  "👩‍💻🚀❤️",
  "\x1b[31mred\x1b[0m\x1b]0;title\x07",
  "a\nb\r\nc\td",
  "e\u0301".repeat(30),
  "\u202eevil\u2066",
  "\x9b2J\x9d0;x\x9c",
  "x".repeat(300),
  "",
  "\ud83d",
  "\0\b\x7f",
];

/** A reproducible source of random numbers below `limit`. */
function randomSource(seed: number): (limit: number) => number {
  return (limit) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 4294967296 * limit);
  };
}

function randomEvent(random: (limit: number) => number): LoopEvent {
  const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T;
  const text = (): string => pick(TEXTS) + pick(TEXTS);
  const ids = ["US-001", "setup", "日本", "x".repeat(40), "\x1b[2J"];
  const story = () => ({ id: pick(ids), title: text() });
  const iteration = random(100);
  const agents: AgentEvent[] = [
    { kind: "text", text: text() },
    { kind: "tool", tool: text(), detail: text() },
    { kind: "tool_result", failed: random(2) === 0, detail: text() },
    { kind: "denial", denial: { tool: text(), detail: text() } },
    { kind: "output", stream: "stdout", line: text() },
    { kind: "error", message: text() },
  ];
  const bodies: LoopEventBody[] = [
    {
      type: "loop_started",
      task: text(),
      taskDir: "/t",
      root: "/",
      branch: text(),
      agent: text(),
      limits: random(2) === 0 ? {} : { iterations: random(1e6) },
      stories: { done: random(9), total: random(9) },
      verifies: false,
      list: ids.slice(random(5)).map((id) => ({
        id,
        title: text(),
        passes: random(2) === 0,
        dependsOn: [pick(ids), text()],
      })),
    },
    { type: "warning", message: text() },
    {
      type: "iteration_started",
      iteration,
      story: story(),
      agent: text(),
      head: null,
      attempt: random(9),
    },
    ...agents.map((did): LoopEventBody => ({ type: "agent", iteration, event: did })),
    { type: "check_started", iteration, command: text() },
    {
      type: "check_finished",
      iteration,
      command: text(),
      ok: random(2) === 0,
      durationMs: random(1e9),
      outputTail: [text()],
    },
    { type: "story_set_back", iteration, story: story(), reason: text() },
    iterationFinished(0, iteration, {
      story: story(),
      outcome: pick(["passed", "open", "failed"]),
      ending: { kind: "error", message: text() },
      agent: text(),
      headAfter: text(),
      commits: random(3),
      durationMs: random(1e10),
      passed: [pick(ids)],
    }),
    {
      type: "failed_over",
      iteration,
      story: story(),
      from: text(),
      to: text(),
      failuresInRow: 1,
      reason: text(),
    },
    { type: "waiting", agent: text(), reason: text(), until: START + random(1e9) },
    { type: "waited", cancelled: false },
    {
      type: "loop_finished",
      result: loopResult({ open: [{ ...story(), reason: text() }] }),
      agent: text(),
    },
  ];
  return { ...pick(bodies), time: new Date(START + random(1e9)).toISOString() };
}

Deno.test("renderView() always stays inside the terminal", () => {
  // deno-lint-ignore no-control-regex
  const control = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
  for (let seed = 1; seed <= 40; seed++) {
    const random = randomSource(seed);
    let state = initialView();
    for (let step = 0; step < 50; step++) {
      state = reduceView(state, randomEvent(random));
      const columns = 1 + random(130);
      const rows = random(45);
      const now = START + random(1e9);
      const lines = renderView(state, { columns, rows, now, keys, color: random(2) === 0 });
      const where = `seed ${seed}, step ${step}, ${columns}x${rows}`;
      assert(lines.length <= rows, where);
      for (const line of lines) {
        // Only our own colours may be left.
        // deno-lint-ignore no-control-regex
        const text = line.replace(/\x1b\[(?:1|2|22|31|32|33|36|39)m/g, "");
        assert(!control.test(text), `${where}: ${JSON.stringify(line)}`);
        assert(displayWidth(text) <= columns, `${where}: ${JSON.stringify(line)}`);
        assertEquals(text, text.trimEnd(), where);
      }
    }
  }
});

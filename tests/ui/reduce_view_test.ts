import { assert, assertEquals } from "@std/assert";
import { reduceView } from "../../lib/ui/live/reduce_view.ts";
import { initialView, MAX_CHECKS, MAX_LINES, MAX_NOTICES } from "../../lib/ui/live/view_state.ts";
import {
  agentEvent,
  event,
  iterationFinished,
  iterationStarted,
  loopResult,
  midRun,
  START,
  started,
  story,
  viewOf,
} from "../kit/ui_events.ts";

Deno.test("reduceView() lists the stories, and which of them wait for others", () => {
  const state = viewOf([started()]);
  assertEquals(state.task, "my-feature");
  assertEquals(state.branch, "ralph/my-feature");
  assertEquals(state.startedAt, START);
  assertEquals(state.maxIterations, 50);
  assertEquals(state.list.map((one) => one.state).filter((one) => one === "blocked").length, 2);
  assertEquals(state.list[6]?.state, "blocked");
});

Deno.test("reduceView() follows a story from open over running to passed", () => {
  const running = viewOf([started(), iterationStarted(10, 1)]);
  assertEquals(running.list[0]?.state, "running");
  assertEquals(running.list[0]?.startedAt, START + 10_000);
  assertEquals(running.iteration, 1);
  const state = reduceView(running, iterationFinished(410, 1));
  assertEquals(state.current, undefined);
  assertEquals(state.stories, { done: 1, total: 11 });
  assertEquals({ ...state.list[0] }, {
    ...story(1),
    state: "passed",
    dependsOn: [],
    agent: "claude",
    durationMs: 400_000,
    commits: 1,
    head: "1f2a91c".padEnd(40, "0"),
    attempts: 1,
  });
});

Deno.test("reduceView() frees the stories that waited for one that passes", () => {
  const state = viewOf([...midRun(), iterationFinished(1900, 6)]);
  assertEquals(state.list.slice(5, 8).map((one) => one.state), ["passed", "open", "blocked"]);
});

Deno.test("reduceView() marks other stories that an iteration made pass", () => {
  const state = viewOf([
    started(),
    iterationStarted(0, 1),
    iterationFinished(9, 1, { passed: ["US-001", "US-004"] }),
  ]);
  assertEquals(state.list[3]?.state, "passed");
});

Deno.test("reduceView() adds up the attempts on a story", () => {
  const failed = { outcome: "open", commits: 0, headAfter: null } as const;
  const state = viewOf([
    started(),
    iterationStarted(0, 1),
    iterationFinished(400, 1, failed),
    iterationStarted(400, 1),
    iterationFinished(800, 1, { commits: 2 }),
  ]);
  assertEquals(state.list[0]?.durationMs, 800_000);
  assertEquals(state.list[0]?.commits, 2);
  assertEquals(state.usage.outputTokens, 400);
});

Deno.test("reduceView() opens a story that was reopened by a check", () => {
  const back = event(500, {
    type: "story_set_back",
    iteration: 1,
    story: story(1),
    reason: 'check "deno task ok" fails',
  });
  const before = viewOf([
    started(),
    iterationStarted(0, 1),
    back,
    iterationFinished(501, 1, { outcome: "check_failed", stories: { done: 0, total: 11 } }),
  ]);
  assertEquals(before.list[0]?.state, "open");
  assertEquals(before.notices.map(({ what }) => what), ["US-001 was reopened"]);
  const after = viewOf([started(), iterationStarted(0, 1), iterationFinished(400, 1), back]);
  assertEquals(after.list[0]?.state, "open");
});

Deno.test("reduceView() adds a story that did not exist at the start", () => {
  const state = viewOf([
    started(),
    event(1, {
      type: "iteration_started",
      iteration: 1,
      story: { id: "US-099", title: "Spawned" },
      agent: "claude",
      head: null,
      attempt: 1,
    }),
  ]);
  assertEquals(state.list.at(-1)?.id, "US-099");
  assertEquals(state.list.at(-1)?.state, "running");
});

Deno.test("reduceView() says what the agent does in sanitized lines", () => {
  const state = viewOf([
    started(),
    iterationStarted(0, 1),
    agentEvent(1, 1, { kind: "text", text: "First\n\n\x1b[31msecond\x1b[0m" }),
    agentEvent(1, 1, { kind: "tool", tool: "Bash", detail: "deno test" }),
    agentEvent(1, 1, { kind: "tool", tool: "edit", detail: "mod.ts" }),
    agentEvent(1, 1, { kind: "tool_result", failed: true, detail: "no such file" }),
    agentEvent(1, 1, { kind: "tool_result", failed: false, detail: "" }),
    agentEvent(1, 1, { kind: "denial", denial: { tool: "Bash", detail: "rm -rf x" } }),
    agentEvent(1, 1, { kind: "error", message: "overloaded" }),
    agentEvent(1, 1, { kind: "output", stream: "stderr", line: "warn" }),
    agentEvent(1, 1, { kind: "process", pid: 1 }),
    event(2, { type: "check_started", iteration: 1, command: "deno task ok" }),
  ]);
  assertEquals(state.current?.lines, [
    "First",
    "second",
    "$ deno test",
    "Edit mod.ts",
    "failed: no such file",
    "denied: $ rm -rf x",
    "error: overloaded",
    "warn",
    "$ deno task ok",
  ]);
  assertEquals(state.current?.check, "deno task ok");
});

Deno.test("reduceView() shows a failure until a story passes, and a failover for longer", () => {
  const failed = iterationFinished(10, 1, {
    outcome: "failed",
    ending: { kind: "error", message: "exit 1" },
  });
  const state = viewOf([started(), iterationStarted(0, 1), failed]);
  assertEquals(state.notices, [
    { kind: "failure", what: "Iteration 1 failed", why: "exit 1", at: START + 10_000 },
  ]);
  const later = viewOf([...midRun(), failed, iterationStarted(20, 2), iterationFinished(30, 2)]);
  assertEquals(later.notices.map(({ kind }) => kind), ["failover"]);
});

Deno.test("reduceView() waits until it has waited, or an iteration starts", () => {
  const waiting = event(1, { type: "waiting", agent: "claude", reason: "usage limit", until: 99 });
  const state = viewOf([started(), waiting]);
  assertEquals(state.waiting, { agent: "claude", reason: "usage limit", until: 99 });
  const waited = event(2, { type: "waited", cancelled: false });
  assertEquals(reduceView(state, waited).waiting, undefined);
  assertEquals(reduceView(state, iterationStarted(2, 1)).waiting, undefined);
});

Deno.test("reduceView() ends with the reasons of the open stories", () => {
  const result = loopResult({
    outcome: "stopped",
    stories: { done: 5, total: 11 },
    open: [{ ...story(6), reason: "1 attempt" }],
  });
  const state = viewOf([
    ...midRun(),
    event(1900, { type: "loop_finished", result, agent: "opencode" }),
  ]);
  assertEquals(state.result, result);
  assertEquals(state.list[5]?.state, "open");
  assertEquals(state.list[5]?.reason, "1 attempt");
  assertEquals(state.usage, result.usage);
});

Deno.test("reduceView() leaves the given state as it is", () => {
  let state = initialView();
  for (const one of midRun()) {
    const copy = structuredClone(state);
    const next = reduceView(state, one);
    assertEquals(state, copy);
    state = next;
  }
});

Deno.test("reduceView() does not grow with the number of events", () => {
  let state = viewOf([started(), iterationStarted(0, 1)]);
  const big = "x".repeat(100_000);
  for (let i = 0; i < 2000; i++) {
    state = reduceView(state, agentEvent(i, 1, { kind: "text", text: `${big}\n${i}` }));
    state = reduceView(state, event(i, { type: "warning", message: `warning ${i}` }));
    state = reduceView(
      state,
      event(i, {
        type: "check_finished",
        iteration: 1,
        command: `check ${i}`,
        ok: true,
        durationMs: 1,
        outputTail: [],
      }),
    );
  }
  assertEquals(state.current?.lines.length, MAX_LINES);
  assertEquals(state.notices.length, MAX_NOTICES);
  assertEquals(state.checks.length, MAX_CHECKS);
  assertEquals(state.checks.at(-1), { command: "check 1999", ok: true });
  assert(JSON.stringify(state).length < 50_000);
});

Deno.test("reduceView() notices that nothing but the agents' marks counts", () => {
  const notices = (checks: number) =>
    viewOf([started(checks)]).notices.map(({ kind, why }) => [kind, why]);
  assertEquals(notices(0), [["warning", "no checks: the agents' own marks only"]]);
  assertEquals(notices(1), []);
});

import { assert, assertEquals } from "@std/assert";
import { afterReading, staysBroken } from "../../lib/loop/decide/after_reading.ts";
import { afterWait } from "../../lib/loop/decide/after_wait.ts";
import {
  decideAfterChecks,
  decideHalt,
  decideStep,
  type Moment,
} from "../../lib/loop/decide/decide_step.ts";
import { type AgentState, DEFAULT_FAILOVER_RULES } from "../../lib/loop/decide/failover.ts";
import type { RunLoopOptions } from "../../lib/loop/loop_options.ts";
import { initialState, type LoopState } from "../../lib/loop/loop_state.ts";
import { parsePrd } from "../../lib/task/prd/parse_prd.ts";
import type { Prd } from "../../lib/task/prd/prd.ts";

const NOW: Moment = { now: 1_000, elapsedMs: 0, request: undefined };
const READY: AgentState = { kind: "ready", failures: 0, notBefore: 0, reason: "" };
const TASK = { name: "t", root: "/r", dir: "/r/t", prdFile: "/p", progressFile: "/q" };

function prd(...stories: Record<string, unknown>[]): Prd {
  return parsePrd(JSON.stringify(stories));
}

function stateOf(more: Partial<LoopState> = {}): LoopState {
  const state = initialState({
    prd: prd({ id: "A" }),
    failover: new Map([["one", READY], ["two", READY]]),
    snapshot: { head: "h", branch: "main", dirty: new Map() },
  });
  return { ...state, ...more };
}

function contextOf(options: Partial<RunLoopOptions> = {}) {
  const task = { ...TASK } as RunLoopOptions["task"];
  return {
    options: { task, agents: [], fallbackAgent: "one", failover: ["one", "two"], ...options },
    rules: { ...DEFAULT_FAILOVER_RULES, maxCheckFailures: 3, stagnationLimit: 2 },
  };
}

Deno.test("decideStep() runs the next story with the agent that is wanted most", () => {
  const step = decideStep(contextOf({ model: "big" }), stateOf(), NOW);
  assert(step.kind === "run");
  assertEquals([step.work.story.id, step.work.agent, step.work.model], ["A", "one", "big"]);
  assertEquals(step.failover, undefined);
});

Deno.test("decideStep() fails over from an agent that cools down after a failure", () => {
  const cooling: AgentState = {
    kind: "cooling",
    failures: 3,
    until: 9_000,
    reason: "boom",
    healsByWaiting: false,
    rounds: 1,
  };
  const step = decideStep(
    contextOf(),
    stateOf({
      failover: new Map<string, AgentState>([["one", cooling], ["two", READY]]),
      last: { agent: "one", failed: true, failures: 3, reason: "boom" },
      iterations: 3,
    }),
    NOW,
  );
  assert(step.kind === "run");
  const { from, to, iteration, failuresInRow } = step.failover ?? {};
  assertEquals([from, to, iteration, failuresInRow], ["one", "two", 4, 3]);
});

Deno.test("decideStep() asks first whether an agent can run that has come into play", () => {
  const state = stateOf({ prd: prd({ id: "A", agent: "new" }) });
  assertEquals(decideStep(contextOf(), state, NOW), { kind: "probe", agents: ["new"] });
});

Deno.test("decideStep() waits for the agent that is ready next", () => {
  const failover = new Map([["one", { ...READY, failures: 1, notBefore: 5_000, reason: "boom" }]]);
  const step = decideStep(contextOf({ failover: ["one"] }), stateOf({ failover }), NOW);
  assertEquals(step, { kind: "wait", agent: "one", until: 5_000, reason: "boom" });
});

Deno.test("decideStep() ends at a limit only while there is something left to do", () => {
  const context = contextOf({ limits: { iterations: 2 } });
  const open = decideStep(context, stateOf({ iterations: 2 }), NOW);
  assert(open.kind === "end");
  assertEquals([open.end.outcome, open.end.reason], ["limit", "iteration limit (2) reached"]);
  const done = stateOf({ iterations: 2, prd: prd({ id: "A", passes: true }) });
  const step = decideStep(context, done, NOW);
  assert(step.kind === "end" && step.end.outcome === "completed");
});

Deno.test("decideStep() has the checks run before every story passing counts", () => {
  const passing = prd({ id: "A", passes: true });
  const context = contextOf({ checks: ["make"] });
  assertEquals(decideStep(context, stateOf({ prd: passing }), NOW), { kind: "check" });
  const held = decideStep(context, stateOf({ prd: passing, checksHold: true }), NOW);
  assert(held.kind === "end" && held.end.outcome === "completed");
  const gone = stateOf({ prd: passing, checksHold: true, vanished: new Set(["B"]) });
  const step = decideStep(context, gone, NOW);
  assert(step.kind === "end" && step.end.outcome === "failed");
});

Deno.test("decideHalt() obeys a stop always, and a checkpoint while stories are open", () => {
  const checkpoint = { request: { kind: "checkpoint", reason: "lunch" } } as const;
  const stop = { request: { kind: "stop", reason: "SIGTERM" } } as const;
  const done = stateOf({ prd: prd({ id: "A", passes: true }) });
  assertEquals(decideHalt(contextOf(), stateOf(), checkpoint)?.outcome, "checkpointed");
  assertEquals(decideHalt(contextOf(), done, checkpoint), undefined);
  assertEquals(decideHalt(contextOf(), done, stop), { outcome: "stopped", reason: "SIGTERM" });
  assertEquals(decideHalt(contextOf(), stateOf(), { request: undefined }), undefined);
  const idle = stateOf({ unchanged: 2 });
  assertEquals(decideHalt(contextOf(), idle, { request: undefined })?.outcome, "stagnated");
});

Deno.test("decideAfterChecks() tells a failed check from one that ran out of time", () => {
  const context = contextOf({ limits: { timeMs: 3_000 } });
  const failed = { kind: "failed", reason: "make fails", outputTail: ["red"] } as const;
  const interrupted = { kind: "interrupted", reason: "make was ended" } as const;
  assertEquals(decideAfterChecks(context, { kind: "held" }, NOW), undefined);
  assertEquals(decideAfterChecks(context, failed, NOW), {
    outcome: "failed",
    reason: "every story passes, and make fails",
    details: ["red"],
  });
  assertEquals(decideAfterChecks(context, interrupted, NOW), {
    outcome: "limit",
    reason: "time limit (3 s) reached",
    details: ["make was ended"],
  });
  const stop = { ...NOW, request: { kind: "stop", reason: "SIGTERM" } } as const;
  assertEquals(decideAfterChecks(context, interrupted, stop), undefined);
});

Deno.test("afterReading() keeps the last good PRD, warns once an iteration, and gives up", () => {
  let known: LoopState = stateOf();
  const broken = { prd: known.prd, problem: "not JSON" };
  const warnings: (string | undefined)[] = [];
  for (const iterations of [0, 0, 1, 2, 3]) {
    const read = afterReading(known, { ...broken, iterations });
    known = { ...known, ...read.known };
    warnings.push(read.warning);
    assertEquals(staysBroken(known, iterations) === undefined, iterations < 3);
  }
  assertEquals(warnings.map((each) => each !== undefined), [true, false, true, true, true]);
  const repaired = afterReading(known, {
    prd: prd({ id: "A" }),
    problem: undefined,
    iterations: 3,
  });
  assertEquals(repaired.known.broken, undefined);
});

Deno.test("afterReading() remembers open stories that vanish until they are back", () => {
  const both = stateOf({ prd: prd({ id: "A" }, { id: "B" }, { id: "C", passes: true }) });
  const gone = afterReading(both, { prd: prd({ id: "A" }), problem: undefined, iterations: 1 });
  assertEquals([...gone.known.vanished], ["B"]);
  assertEquals(gone.warning, "Open stories have vanished from prd.json: B");
  const back = afterReading(gone.known, { prd: both.prd, problem: undefined, iterations: 2 });
  assertEquals([...back.known.vanished], []);
});

Deno.test("afterWait() lets an agent run at once only if a person says so", () => {
  const waiting: AgentState = { ...READY, failures: 1, notBefore: 5_000, reason: "boom" };
  const state = stateOf({ failover: new Map([["one", waiting]]) });
  const { snapshot } = state;
  assertEquals(afterWait(state, { agent: "one", retried: false, snapshot }), state);
  const retried = afterWait(state, { agent: "one", retried: true, snapshot });
  assertEquals(retried.failover.get("one"), { ...waiting, notBefore: 0 });
  assertEquals(state.failover.get("one"), waiting);
});

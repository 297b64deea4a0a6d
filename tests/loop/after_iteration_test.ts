import { assert, assertEquals } from "@std/assert";
import type { AgentResult } from "../../lib/agent/agent.ts";
import type { AgentEnding } from "../../lib/event/agent_event.ts";
import type { GitSnapshot } from "../../lib/git/git_snapshot.ts";
import {
  afterAgent,
  afterIteration,
  beginIteration,
} from "../../lib/loop/decide/after_iteration.ts";
import { type AgentState, DEFAULT_FAILOVER_RULES } from "../../lib/loop/decide/failover.ts";
import {
  type IterationFacts,
  judgeIteration,
  type Verdict,
} from "../../lib/loop/decide/iteration_facts.ts";
import { initialState, type LoopState } from "../../lib/loop/loop_state.ts";
import { parsePrd } from "../../lib/task/prd/parse_prd.ts";
import type { Prd, Story } from "../../lib/task/prd/prd.ts";

const RULES = { ...DEFAULT_FAILOVER_RULES, maxCheckFailures: 2 };
const READY: AgentState = { kind: "ready", failures: 0, notBefore: 0, reason: "" };
const FAILED: Verdict = { kind: "failed", reason: "it fails", outputTail: ["line"] };

function prdOf(...passing: string[]): Prd {
  const stories = ["A", "B", "C"].map((id) => ({ id, passes: passing.includes(id) }));
  return parsePrd(JSON.stringify(stories));
}

function storyOf(id: string): Story {
  const story = prdOf().stories.find((each) => each.id === id);
  assert(story !== undefined);
  return story;
}

function snapshot(head: string): GitSnapshot {
  return { head, branch: "main", dirty: new Map([["a.txt", head]]) };
}

function begin(): LoopState {
  const failover = new Map([["one", READY], ["two", READY]]);
  return initialState({ prd: prdOf(), failover, snapshot: snapshot("h0") });
}

function resultOf(ending: AgentEnding, more: Partial<AgentResult> = {}): AgentResult {
  return {
    ending,
    exitCode: 0,
    signal: null,
    durationMs: 1,
    denials: [],
    stderrTail: [],
    ...more,
  };
}

function factsOf(more: Partial<IterationFacts> = {}): IterationFacts {
  return {
    work: { story: storyOf("A"), agent: "one", model: undefined },
    result: resultOf({ kind: "ok" }),
    known: { prd: prdOf(), broken: undefined, vanished: new Set() },
    before: snapshot("h0"),
    after: snapshot("h0"),
    settled: snapshot("h0"),
    commits: 0,
    marked: [],
    verdict: { kind: "unverified" },
    reopened: [],
    endedAt: 1_000,
    durationMs: 5,
    random: 0,
    ...more,
  };
}

Deno.test("beginIteration() counts the iteration, the attempt and the agent", () => {
  const { work } = factsOf();
  const twice = beginIteration(beginIteration(begin(), work), work);
  assertEquals(twice.iterations, 2);
  assertEquals([...twice.attempts], [["A", 2]]);
  assertEquals([...twice.agentCounts], [["one", 2]]);
});

Deno.test("afterAgent() adds up what agents use, and nothing where they do not say", () => {
  const usage = { inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheWriteTokens: 4 };
  const once = afterAgent(begin(), resultOf({ kind: "ok" }, { usage }));
  const twice = afterAgent(once, resultOf({ kind: "ok" }, { usage: { ...usage, costUsd: 1 } }));
  assertEquals(twice.usage.outputTokens, 4);
  assertEquals(twice.usage.costUsd, 1);
  assertEquals(afterAgent(twice, resultOf({ kind: "ok" })), twice);
});

Deno.test("afterIteration() forgets why a story was open once it passes", () => {
  const state: LoopState = { ...begin(), reasons: new Map([["A", "it fails"], ["B", "it waits"]]) };
  const held: Partial<IterationFacts> = { marked: ["A"], verdict: { kind: "held" } };
  const after = afterIteration(state, factsOf(held), RULES);
  assertEquals([...after.reasons], [["B", "it waits"]]);
  assertEquals([after.passedSince, after.checksHold, after.unchanged], [true, true, 0]);
});

Deno.test("afterIteration() tells the next agent why a check failed, and excludes after too many", () => {
  const failed = factsOf({ marked: ["A", "B"], reopened: ["A", "B"], verdict: FAILED });
  const once = afterIteration({ ...begin(), checksHold: true }, failed, RULES);
  assertEquals(once.reasons.get("B"), "it fails\nline");
  assertEquals(once.excluded.size, 0);
  assertEquals([once.passedSince, once.checksHold], [false, false]);
  const twice = afterIteration(once, failed, RULES);
  assertEquals(twice.excluded.get("A"), "reopened 2 times: it fails");
});

Deno.test("afterIteration() counts no check failure where a check was interrupted", () => {
  const verdict: Verdict = { kind: "interrupted", reason: "it was stopped" };
  const facts = factsOf({ marked: ["A"], reopened: ["A"], verdict });
  const after = afterIteration({ ...begin(), checksHold: true }, facts, RULES);
  assertEquals(after.checkFailures.size, 0);
  assertEquals(after.reasons.get("A"), "it was stopped");
  assertEquals(after.checksHold, false);
  assertEquals(judgeIteration(facts).outcome, "aborted");
});

Deno.test("afterIteration() counts iterations without a change only of agents that ended well", () => {
  const idle = factsOf();
  const failing = factsOf({ result: resultOf({ kind: "error", message: "boom" }) });
  const changing = factsOf({ after: snapshot("h1") });
  const counts: number[] = [];
  let state = begin();
  for (const facts of [idle, failing, idle, changing, idle]) {
    state = afterIteration(state, facts, RULES);
    counts.push(state.unchanged);
  }
  assertEquals(counts, [1, 1, 2, 0, 1]);
});

Deno.test("afterIteration() forgives a failure after the story was done, but not a limit", () => {
  const done = { marked: ["A"], verdict: { kind: "held" } } as const;
  const error = factsOf({ ...done, result: resultOf({ kind: "error", message: "boom" }) });
  const limit = factsOf({ ...done, result: resultOf({ kind: "rate_limit", message: "full" }) });
  assertEquals(afterIteration(begin(), error, RULES).last?.failed, false);
  const after = afterIteration(begin(), limit, RULES);
  assertEquals(after.last, { agent: "one", failed: true, failures: 1, reason: "full" });
  assertEquals(after.failover.get("one")?.kind, "cooling");
});

Deno.test("afterIteration() has the checks run again after a change that they did not see", () => {
  const state: LoopState = { ...begin(), checksHold: true };
  const holds = (facts: IterationFacts) => afterIteration(state, facts, RULES).checksHold;
  assertEquals(holds(factsOf()), true);
  assertEquals(holds(factsOf({ after: snapshot("h1") })), false);
  assertEquals(holds(factsOf({ marked: ["A"], after: snapshot("h1") })), false);
});

Deno.test("afterIteration() leaves a note for the attempt after one that was cut short", () => {
  for (const kind of ["timeout", "stalled", "denied"] as const) {
    const facts = factsOf({ result: resultOf({ kind, message: "why" }) });
    assert(afterIteration(begin(), facts, RULES).reasons.get("A")?.includes("why"));
  }
  const facts = factsOf({ result: resultOf({ kind: "error", message: "why" }) });
  assertEquals(afterIteration(begin(), facts, RULES).reasons.size, 0);
});

/** Random numbers that are the same in every run, from 0 (inclusive) to 1 (exclusive). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

function randomFacts(roll: () => number): IterationFacts {
  const pick = <T>(...all: [T, ...T[]]): T => all[Math.floor(roll() * all.length)] ?? all[0];
  const ids = ["A", "B", "C"].filter(() => roll() < 0.4);
  const message = "why";
  const verdict = pick<Verdict>(
    { kind: "unverified" },
    { kind: "held" },
    FAILED,
    { kind: "interrupted", reason: "stopped" },
  );
  const refuted = verdict.kind === "failed" || verdict.kind === "interrupted";
  return factsOf({
    work: { story: storyOf(pick("A", "B", "C")), agent: pick("one", "two"), model: undefined },
    result: resultOf(pick<AgentEnding>(
      { kind: "ok" },
      { kind: "error", message },
      { kind: "timeout", message },
      { kind: "rate_limit", message },
      { kind: "aborted", message },
    )),
    known: { prd: prdOf(...(refuted ? [] : ids)), broken: undefined, vanished: new Set() },
    after: snapshot(pick("h0", "h1")),
    marked: ids,
    verdict,
    reopened: refuted ? ids : [],
    endedAt: Math.floor(roll() * 1e6),
    random: roll(),
  });
}

/** Makes every object of a value, and the contents of its maps and sets, read-only. */
function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  if (value instanceof Map || value instanceof Set) {
    for (const change of ["set", "add", "delete", "clear"]) {
      Object.defineProperty(value, change, {
        value: () => {
          throw new Error(`${change}() of a collection that must not change`);
        },
      });
    }
    for (const each of value.values()) deepFreeze(each);
  }
  Object.freeze(value);
  for (const each of Object.values(value)) deepFreeze(each);
}

Deno.test("afterIteration() never changes a state or facts, whatever they are", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const roll = dice(seed);
    let state = begin();
    for (let iteration = 0; iteration < 10; iteration++) {
      const facts = randomFacts(roll);
      deepFreeze(state);
      deepFreeze(facts);
      const before = structuredClone(state.excluded);
      const begun = beginIteration(state, facts.work);
      deepFreeze(begun);
      const next = afterIteration(afterAgent(begun, facts.result), facts, RULES);
      assertEquals(state.excluded, before);
      // What always holds, whatever happens.
      assertEquals(next.iterations, state.iterations + 1);
      assert([...next.excluded.keys()].every((id) => (next.checkFailures.get(id) ?? 0) >= 2));
      assert(!next.checksHold || facts.verdict.kind === "held" || state.checksHold);
      const { passed } = judgeIteration(facts);
      assert(next.passedSince === (state.passedSince || passed.length > 0));
      assert(passed.every((id) => !facts.reopened.includes(id)));
      state = next;
    }
  }
});

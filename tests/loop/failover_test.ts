import { assert, assertEquals } from "@std/assert";
import type { AgentEnding } from "../../lib/event/agent_event.ts";
import {
  afterEnding,
  type AgentState,
  DEFAULT_FAILOVER_RULES,
  type FailoverState,
  selectAgent,
} from "../../lib/loop/decide/failover.ts";

const rules = DEFAULT_FAILOVER_RULES;
const READY: AgentState = { kind: "ready", failures: 0, notBefore: 0, reason: "" };
const error: AgentEnding = { kind: "error", message: "boom" };

function states(...names: string[]): FailoverState {
  return new Map(names.map((name) => [name, READY]));
}

function after(state: FailoverState, agent: string, ending: AgentEnding, now = 0): FailoverState {
  return afterEnding(state, agent, ending, { now, rules, random: 0.5 });
}

Deno.test("afterEnding() takes an agent out at once for launch, auth and rate_limit", () => {
  for (const kind of ["launch", "auth", "rate_limit"] as const) {
    const state = after(states("a", "b"), "a", { kind, message: "no" });
    assertEquals(selectAgent(state, ["a", "b"], 0), { kind: "run", agent: "b" });
  }
});

Deno.test("afterEnding() retries an error with a wait that doubles, and switches at the third", () => {
  let state = states("a", "b");
  const waits: number[] = [];
  for (let failures = 1; failures < 3; failures++) {
    state = after(state, "a", error);
    const selection = selectAgent(state, ["a", "b"], 0);
    assert(selection.kind === "wait" && selection.agent === "a");
    waits.push(selection.until);
  }
  assertEquals(waits, [3_750, 7_500]);
  state = after(state, "a", error);
  assertEquals(selectAgent(state, ["a", "b"], 0), { kind: "run", agent: "b" });
});

Deno.test("afterEnding() forgets failures after a success", () => {
  let state = after(after(states("a"), "a", error), "a", error);
  state = after(state, "a", { kind: "ok" });
  assertEquals(state.get("a"), READY);
});

Deno.test("afterEnding() tries an agent again after its cool-down, once, and doubles the next", () => {
  let state = states("a", "b");
  for (let i = 0; i < 3; i++) state = after(state, "a", error);
  const { coolDownMs } = rules;
  assertEquals(selectAgent(state, ["a", "b"], coolDownMs), { kind: "run", agent: "a" });
  state = after(state, "a", error, coolDownMs);
  assertEquals(selectAgent(state, ["a", "b"], coolDownMs * 2), { kind: "run", agent: "b" });
  assertEquals(selectAgent(state, ["a", "b"], coolDownMs * 3), { kind: "run", agent: "a" });
});

Deno.test("selectAgent() waits for a limit to reset when no other agent is left", () => {
  let state = after(states("a", "b"), "a", { kind: "rate_limit", message: "l", retryAt: 9_000 });
  state = after(state, "b", { kind: "launch", message: "not there" });
  assertEquals(selectAgent(state, ["a", "b"], 5), {
    kind: "wait",
    agent: "a",
    until: 9_000,
    reason: "l",
  });
  assertEquals(selectAgent(state, ["a", "b"], 9_000), { kind: "run", agent: "a" });
});

Deno.test("afterEnding() calls ever less often after a limit that is always reported as over", () => {
  let state = states("a");
  let now = 0;
  const waits: number[] = [];
  for (let i = 0; i < 10; i++) {
    state = after(state, "a", { kind: "rate_limit", message: "l", retryAt: now - 60_000 }, now);
    const selection = selectAgent(state, ["a"], now);
    assert(selection.kind === "wait");
    waits.push(selection.until - now);
    now = selection.until;
  }
  assertEquals(waits.slice(0, 4), [1_000, 3_750, 7_500, 15_000]);
  assertEquals(waits.at(-1), 225_000);
});

Deno.test("selectAgent() says why no agent is left", () => {
  let state = after(states("a", "b"), "a", { kind: "launch", message: "exit 1 at once" });
  state = new Map(state).set("b", { kind: "out", reason: "not installed" });
  assertEquals(selectAgent(state, ["a", "b"], 0), {
    kind: "none",
    reasons: [{ agent: "a", reason: "exit 1 at once" }, { agent: "b", reason: "not installed" }],
  });
});

Deno.test("selectAgent() never selects an agent that is out, over random endings", () => {
  const kinds = ["ok", "launch", "auth", "rate_limit", "overloaded", "error", "stalled"] as const;
  let seed = 42;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let round = 0; round < 200; round++) {
    const candidates = ["a", "b", "c"];
    let state: FailoverState = new Map(states("a", "b")).set("c", { kind: "out", reason: "gone" });
    let now = 0;
    for (let turn = 0; turn < 50; turn++) {
      const selection = selectAgent(state, candidates, now);
      if (selection.kind === "none") break;
      if (selection.kind === "wait") {
        assert(selection.until > now);
        now = selection.until;
        continue;
      }
      const its = state.get(selection.agent);
      assert(its !== undefined && its.kind !== "out");
      assert(its.kind === "ready" ? its.notBefore <= now : its.until <= now);
      const kind = kinds[Math.floor(random() * kinds.length)] ?? "ok";
      const ending: AgentEnding = kind === "ok" ? { kind } : { kind, message: kind };
      state = afterEnding(state, selection.agent, ending, { now, rules, random: random() });
      now += Math.floor(random() * 100_000);
      const next = selectAgent(state, candidates, now);
      if (kind === "launch" || kind === "auth") {
        assert(next.kind !== "run" || next.agent !== selection.agent);
      }
    }
  }
});

Deno.test("afterEnding() lets no cool-down grow beyond two hours", () => {
  let state = states("a");
  let now = 0;
  const minutes: number[] = [];
  for (let round = 0; round < 12; round++) {
    state = after(state, "a", { kind: "auth", message: "no" }, now);
    const its = state.get("a");
    assert(its?.kind === "cooling");
    minutes.push((its.until - now) / 60_000);
    now = its.until;
  }
  assertEquals(minutes, [10, 20, 40, 80, ...Array(8).fill(120)]);
});

Deno.test("selectAgent() waits for the limit that resets first, in whatever order they are wanted", () => {
  const resets = { a: 9_000, b: 5_000, c: 7_000 };
  let state = states("a", "b", "c");
  for (const [name, retryAt] of Object.entries(resets)) {
    state = after(state, name, { kind: "rate_limit", message: `limit of ${name}`, retryAt });
  }
  for (const order of ["abc", "acb", "bac", "bca", "cab", "cba"]) {
    assertEquals(selectAgent(state, [...order], 10), {
      kind: "wait",
      agent: "b",
      until: 5_000,
      reason: "limit of b",
    });
  }
});

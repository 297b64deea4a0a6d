import { assert, assertEquals } from "@std/assert";
import type { Agent } from "../../lib/agent/agent.ts";
import type { AgentEnding } from "../../lib/event/agent_event.ts";
import { inProcessRun } from "../../lib/agent/process/in_process_run.ts";
import {
  afterEnding,
  type AgentState,
  DEFAULT_FAILOVER_RULES,
  type FailoverRules,
  type FailoverState,
  selectAgent,
} from "../../lib/loop/decide/failover.ts";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { runLoop } from "../../lib/loop/run_loop.ts";
import { taskRepo } from "../kit/scripted_agent.ts";

/** One turn of the machine: how the selected agent ends, and how long that takes. */
interface Step {
  kind: AgentEnding["kind"];
  elapsedMs: number;
  jitter: number;
  /** When a limit is said to end, counted from the agent's end. */
  retryMs?: number;
  /** The agents of the story of this turn, the preferred one first. */
  candidates: string[];
}

/** A case of the property: everything that is random about it. */
interface Case {
  rules: FailoverRules;
  /** Agents that are not installed. */
  out: string[];
  steps: Step[];
}

type Random = () => number;

const NAMES = ["a", "b", "c", "d"];
const KINDS = [
  ...["ok", "launch", "auth", "rate_limit", "overloaded", "error"],
  ...["timeout", "stalled", "denied", "aborted"],
] as AgentEnding["kind"][];
/** Endings after which an immediate retry is useless. */
const HOPELESS = new Set<AgentEnding["kind"]>(["launch", "auth", "rate_limit"]);

/** A random number generator with a seed (mulberry32: even close seeds differ at once). */
function dice(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6D2B79F5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T;
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return items.map((item) => ({ item, at: random() })).sort((x, y) => x.at - y.at)
    .map(({ item }) => item);
}

function randomCase(random: Random, length: number): Case {
  const names = NAMES.slice(0, 1 + Math.floor(random() * NAMES.length));
  // Some cases are all failures of a few kinds, as a real night is.
  const kinds = random() < 0.5 ? KINDS : shuffled(random, KINDS).slice(0, 2);
  const order = shuffled(random, names);
  const moody = random() < 0.3;
  return {
    rules: {
      threshold: 1 + Math.floor(random() * 4),
      coolDownMs: pick(random, [0, 1_000, 600_000]),
      backoffBaseMs: pick(random, [0, 1, 5_000]),
      backoffMaxMs: pick(random, [0, 10_000, 300_000]),
    },
    out: names.filter(() => random() < 0.15),
    steps: Array.from({ length }, () => ({
      kind: pick(random, kinds),
      elapsedMs: Math.floor(random() * pick(random, [1, 5_000, 1_000_000])),
      jitter: random(),
      ...(random() < 0.5 ? { retryMs: pick(random, [-60_000, 0, 500, 3_600_000]) } : {}),
      candidates: moody
        ? shuffled(random, names).slice(0, 1 + Math.floor(random() * names.length))
        : order,
    })),
  };
}

function endingOf({ kind, retryMs }: Step, now: number): AgentEnding {
  if (kind === "ok") return { kind };
  if (retryMs === undefined || (kind !== "rate_limit" && kind !== "overloaded")) {
    return { kind, message: kind };
  }
  return { kind, message: kind, retryAt: now + retryMs };
}

/** The state of an agent, tracked independently of the machine. */
interface Model {
  failures: number;
  /** It failed over, and has not succeeded since. */
  onProbation: boolean;
}

function learn(model: Model, kind: AgentEnding["kind"], threshold: number): void {
  if (kind === "aborted") return;
  if (kind === "ok") {
    model.failures = 0;
    model.onProbation = false;
    return;
  }
  model.failures++;
  model.onProbation ||= HOPELESS.has(kind) || model.failures >= threshold;
}

/** Drives the machine through a case, and asserts the invariants after each turn. */
function check({ rules, out, steps }: Case): void {
  const ready: AgentState = { kind: "ready", failures: 0, notBefore: 0, reason: "" };
  let state: FailoverState = new Map(NAMES.map((name) => [
    name,
    out.includes(name) ? { kind: "out", reason: "not installed" } as const : ready,
  ]));
  const models = new Map(NAMES.map((name) => [name, { failures: 0, onProbation: false }]));
  let now = 1_000_000;
  let runsAtOnce = 0;
  for (const step of steps) {
    const { candidates } = step;
    const selection = selectAgent(state, candidates, now);
    if (selection.kind === "none") {
      assertEquals(selection.reasons.map(({ agent }) => agent), candidates, "each says why");
      for (const name of candidates) {
        const its = state.get(name);
        assert(its?.kind === "out" || (its?.kind === "cooling" && !its.healsByWaiting));
      }
      // Another story, with other agents, may still be run, and a person may start it again.
      now += step.elapsedMs;
      runsAtOnce = 0;
      continue;
    }
    assert(candidates.includes(selection.agent), "only who is asked for");
    const its = state.get(selection.agent);
    assert(its !== undefined && its.kind !== "out", "what is out is never started");
    const free = its.kind === "ready" ? its.notBefore : its.until;
    if (selection.kind === "wait") {
      assert(selection.until > now, "a wait is for the future");
      assertEquals(selection.until, free);
      now = selection.until;
      runsAtOnce = 0;
      continue;
    }
    assert(free <= now, "who is left alone is not started");
    assert(++runsAtOnce <= 10_000, "no end without a wait");
    now += step.elapsedMs;
    const before = JSON.stringify([...state]);
    const ending = endingOf(step, now);
    const next = afterEnding(state, selection.agent, ending, { now, rules, random: step.jitter });
    assertEquals(JSON.stringify([...state]), before, "what was given is not changed");
    for (const name of NAMES) {
      if (name !== selection.agent) assertEquals(next.get(name), state.get(name));
    }
    state = next;
    const model = models.get(selection.agent) as Model;
    learn(model, step.kind, rules.threshold);
    const after = state.get(selection.agent);
    assert(after !== undefined && after.kind !== "out");
    assertEquals(after.failures, model.failures, "failures in a row");
    assertEquals(after.kind === "cooling", model.onProbation, "who has failed over");
    if (after.kind === "cooling" && step.kind !== "aborted") {
      const again = selectAgent(state, candidates, now);
      if (rules.coolDownMs > 0 || step.kind === "rate_limit") {
        assert(again.kind !== "run" || again.agent !== selection.agent, "a switch takes effect");
      }
    }
  }
}

/** Removes steps as long as the case still fails, so that the printed case is short. */
function shrink(failing: Case): Case {
  let { steps } = failing;
  for (let size = steps.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= steps.length;) {
      const shorter = steps.toSpliced(at, size);
      if (fails({ ...failing, steps: shorter })) steps = shorter;
      else at += size;
    }
  }
  return { ...failing, steps };
}

function fails(each: Case): boolean {
  try {
    check(each);
    return false;
  } catch {
    return true;
  }
}

Deno.test("selectAgent() and afterEnding() keep their invariants over 5,000 random nights", () => {
  for (let seed = 1; seed <= 5_000; seed++) {
    const each = randomCase(dice(seed), 60);
    try {
      check(each);
    } catch (error) {
      const least = shrink(each);
      throw new Error(`Seed ${seed} fails; at its shortest: ${JSON.stringify(least)}`, {
        cause: error,
      });
    }
  }
});

Deno.test("afterEnding() never makes more than a few calls a minute of an agent that always fails", () => {
  const rules = DEFAULT_FAILOVER_RULES;
  for (const kind of KINDS.filter((each) => each !== "ok" && each !== "aborted")) {
    for (const retryMs of [undefined, -60_000, 0, 500]) {
      const random = dice(7);
      let state: FailoverState = new Map([
        ["a", { kind: "ready", failures: 0, notBefore: 0, reason: "" }],
      ]);
      let now = 0;
      let calls = 0;
      const night = 12 * 3_600_000;
      while (now < night) {
        const selection = selectAgent(state, ["a"], now);
        if (selection.kind === "none") break;
        if (selection.kind === "wait") {
          now = selection.until;
          continue;
        }
        calls++;
        const step = { kind, ...(retryMs === undefined ? {} : { retryMs }) } as Step;
        state = afterEnding(state, "a", endingOf(step, now), { now, rules, random: random() });
      }
      // Twelve hours at the longest pause, which is at least half of five minutes, and the first tries.
      assert(calls <= 12 * 60 / 2.5 + 10, `${kind}, ${retryMs}: ${calls} calls in twelve hours`);
    }
  }
});

/** An in-process agent that ends as the next step says, and takes its time on the test's clock. */
function fakeAgent(name: string, nextEnding: (name: string) => AgentEnding): Agent {
  return {
    name,
    probe: () => Promise.resolve({ available: true }),
    start: () => {
      const run = inProcessRun(async function* () {
        yield { kind: "text", text: "working" };
      });
      const ending = nextEnding(name);
      return {
        events: run.events,
        result: run.result.then((result) => ({ ...result, ending })),
        send: run.send.bind(run),
        [Symbol.asyncDispose]: () => run[Symbol.asyncDispose](),
      };
    },
  };
}

/** Runs a whole loop through a case, asserts its events, and returns how often it switched. */
async function checkLoop(
  { rules, out, steps }: Case,
  task: Awaited<ReturnType<typeof taskRepo>>["task"],
): Promise<number> {
  const names = steps[0]?.candidates ?? [];
  const started: string[] = [];
  let now = Date.parse("2026-11-20T18:00:00Z");
  let turn = 0;
  const agents = names.map((name): Agent => {
    if (out.includes(name)) {
      return {
        ...fakeAgent(name, () => assert(false, `${name} is out, and was started`) as never),
        probe: () => Promise.resolve({ available: false, reason: "not installed" }),
      };
    }
    return fakeAgent(name, (each) => {
      started.push(each);
      const step = steps[turn++ % steps.length] as Step;
      now += step.elapsedMs;
      return endingOf(step, now);
    });
  });
  const events: LoopEvent[] = [];
  const loop = runLoop({
    task,
    agents,
    fallbackAgent: names[0] ?? "",
    failover: names,
    failoverRules: rules,
    limits: { iterations: steps.length },
    stagnationLimit: 0,
    env: {},
    now: () => now,
    random: dice(1),
  });
  for await (const event of loop) {
    events.push(event);
    if (event.type !== "waiting") continue;
    assert(event.until > now, "a wait is for the future");
    now = event.until;
  }
  return assertStory(events, { rules, started });
}

function assertStory(
  events: readonly LoopEvent[],
  { rules, started }: { rules: FailoverRules; started: readonly string[] },
): number {
  const models = new Map(NAMES.map((name) => [name, { failures: 0, onProbation: false }]));
  let last: { agent: string; switches: boolean; failures: number; reason: string } | undefined;
  let switches = 0;
  let announced: Extract<LoopEvent, { type: "failed_over" }> | undefined;
  for (const event of events) {
    if (event.type === "failed_over") {
      assertEquals(announced, undefined, "one record for one switch");
      announced = event;
      switches++;
    } else if (event.type === "iteration_started") {
      const expected = last?.switches === true && last.agent !== event.agent;
      assertEquals(announced !== undefined, expected, "a record for each switch, and for it alone");
      if (announced !== undefined) {
        assertEquals([announced.from, announced.to], [last?.agent, event.agent]);
        assertEquals(announced.iteration, event.iteration, "it takes effect in this iteration");
        assertEquals([announced.failuresInRow, announced.reason], [last?.failures, last?.reason]);
      }
      announced = undefined;
    } else if (event.type === "iteration_finished") {
      const { agent, ending } = event;
      const model = models.get(agent) as Model;
      learn(model, ending.kind, rules.threshold);
      assertEquals(event.failuresInRow, model.failures);
      const failed = ending.kind !== "ok" && ending.kind !== "aborted";
      const reason = "message" in ending ? ending.message : "";
      last = { agent, switches: failed && model.onProbation, failures: model.failures, reason };
    }
  }
  assertEquals(announced, undefined, "nothing is announced that does not happen");
  const end = events.at(-1);
  assert(end?.type === "loop_finished");
  assertEquals(end.result.failovers, switches);
  const counts: Record<string, number> = {};
  for (const name of started) counts[name] = (counts[name] ?? 0) + 1;
  assertEquals(end.result.agents, counts);
  assert(["limit", "failed"].includes(end.result.outcome), end.result.outcome);
  if (end.result.outcome === "failed") assertEquals(end.result.reason, "no agent is left");
  return switches;
}

Deno.test("runLoop() writes exactly one FAILOVER for each switch, over random nights", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  let rounds = 0;
  let switches = 0;
  for (let seed = 1; rounds < 40; seed++) {
    const each = randomCase(dice(seed), 15);
    const names = each.steps[0]?.candidates ?? [];
    // A loop that no agent can begin is another test's.
    if (names.every((name) => each.out.includes(name))) continue;
    rounds++;
    try {
      switches += await checkLoop(each, repo.task);
    } catch (error) {
      throw new Error(`Seed ${seed} fails: ${JSON.stringify(each)}`, { cause: error });
    }
  }
  assert(switches > 50, `only ${switches} switches in all`);
});

import { assertEquals } from "@std/assert";
import type { Usage } from "../../lib/event/agent_event.ts";
import { nextRunEnd, reachedLimit, reachedUsageLimit } from "../../lib/loop/decide/limits.ts";

const usage = (more: Partial<Usage>): Usage => ({
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  ...more,
});

Deno.test("reachedUsageLimit() ends at exactly the cost that was allowed", () => {
  const at = (costUsd: number) => reachedUsageLimit(usage({ costUsd }), { costUsd: 2 });
  assertEquals(at(1.99), undefined);
  assertEquals(at(2), "cost limit ($2, estimated) reached");
  assertEquals(at(2.5), "cost limit ($2, estimated) reached");
  assertEquals(reachedUsageLimit(usage({}), { costUsd: 2 }), undefined);
});

Deno.test("reachedUsageLimit() ends at exactly the tokens that were allowed", () => {
  const at = (outputTokens: number) => reachedUsageLimit(usage({ outputTokens }), { tokens: 100 });
  assertEquals(at(99), undefined);
  assertEquals(at(100), "token limit (100) reached");
  assertEquals(reachedUsageLimit(usage({ outputTokens: 100, costUsd: 9 }), {}), undefined);
});

Deno.test("reachedLimit() names the first limit that is reached", () => {
  const spent = { iterations: 3, elapsedMs: 60_000, usage: usage({ outputTokens: 100 }) };
  assertEquals(reachedLimit(spent, {}), undefined);
  assertEquals(reachedLimit(spent, { iterations: 4, timeMs: 60_001, tokens: 101 }), undefined);
  assertEquals(reachedLimit(spent, { iterations: 3 }), "iteration limit (3) reached");
  assertEquals(reachedLimit(spent, { timeMs: 60_000 }), "time limit (60 s) reached");
  assertEquals(reachedLimit(spent, { timeMs: 1_500 }), "time limit (1.5 s) reached");
  assertEquals(reachedLimit(spent, { tokens: 100, timeMs: 1 }), "token limit (100) reached");
});

Deno.test("nextRunEnd() finds the limit that comes first", () => {
  const limits = { timeMs: 1_000, iterationMs: 500, stallMs: 200 };
  const ends = (loopMs: number, runMs: number, silentMs: number) => {
    const end = nextRunEnd({ loopMs, runMs, silentMs }, limits);
    return [end?.leftMs, end?.ending];
  };
  assertEquals(ends(0, 0, 0), [200, { kind: "stalled", message: "Silent for 0.2 s" }]);
  assertEquals(ends(400, 400, 0), [100, { kind: "timeout", message: "No end after 0.5 s" }]);
  const over = { kind: "aborted", message: "time limit (1 s) reached" } as const;
  assertEquals(ends(1_000, 100, 0), [0, over]);
  assertEquals(nextRunEnd({ loopMs: 1e9, runMs: 1e9, silentMs: 1e9 }, {}), undefined);
});

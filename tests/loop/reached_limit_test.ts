import { assertEquals } from "@std/assert";
import type { Usage } from "../../lib/event/agent_event.ts";
import { reachedLimit } from "../../lib/loop/decide/limits.ts";

const usage = (more: Partial<Usage>): Usage => ({
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  ...more,
});

Deno.test("reachedLimit() ends at exactly the cost that was allowed", () => {
  const at = (costUsd: number) => reachedLimit(usage({ costUsd }), { costUsd: 2 });
  assertEquals(at(1.99), undefined);
  assertEquals(at(2), "cost limit ($2, estimated) reached");
  assertEquals(at(2.5), "cost limit ($2, estimated) reached");
  assertEquals(reachedLimit(usage({}), { costUsd: 2 }), undefined);
});

Deno.test("reachedLimit() ends at exactly the tokens that were allowed", () => {
  const at = (outputTokens: number) => reachedLimit(usage({ outputTokens }), { tokens: 100 });
  assertEquals(at(99), undefined);
  assertEquals(at(100), "token limit (100) reached");
  assertEquals(reachedLimit(usage({ outputTokens: 100, costUsd: 9 }), {}), undefined);
});

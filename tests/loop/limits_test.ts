import { assertEquals } from "@std/assert";
import type { Usage } from "../../lib/event/agent_event.ts";
import { reachedUsageLimit } from "../../lib/loop/decide/limits.ts";

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

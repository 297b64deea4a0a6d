import { assertEquals } from "@std/assert";
import { claudeHopeless, newClaudeState, parseClaudeEvent } from "../../lib/agent/claude/events.ts";

function parse(...messages: unknown[]) {
  const state = newClaudeState("/app");
  const events = messages.flatMap((it) =>
    parseClaudeEvent(typeof it === "string" ? it : JSON.stringify(it), state)
  );
  return { state, events };
}
const assistant = (id: string, content: unknown, usage?: unknown) => ({
  type: "assistant",
  message: { id, model: "opus", content, usage },
});
const TOKENS = { input_tokens: 10, output_tokens: 2, cache_read_input_tokens: 100 };

Deno.test("parseClaudeEvent() passes broken lines on as output and ignores unknown types", () => {
  const { events } = parse('{"type":"assis', "[]", "", { type: "new_thing", x: 1 }, { a: 1 });
  assertEquals(events, [
    { kind: "output", stream: "stdout", line: '{"type":"assis' },
    { kind: "output", stream: "stdout", line: "[]" },
  ]);
});

Deno.test("parseClaudeEvent() counts the tokens of each message once, until the result", () => {
  const { events } = parse(
    assistant("a", [{ type: "text", text: "one" }], TOKENS),
    assistant("a", [{ type: "thinking", thinking: "hm" }], TOKENS),
    assistant("b", "two", TOKENS),
    { type: "result", is_error: false, result: "", usage: TOKENS, total_cost_usd: 0.5 },
  );
  const usages = events.flatMap((it) => it.kind === "usage" ? [it.usage] : []);
  assertEquals(usages.map((it) => [it.inputTokens, it.cacheReadTokens, it.costUsd]), [
    [10, 100, undefined],
    [10, 100, undefined],
    [20, 200, undefined],
    [10, 100, 0.5],
  ]);
});

Deno.test("parseClaudeEvent() reports a denial once, and ignores the words in a file", () => {
  const refusal = "This command requires approval";
  const { events } = parse(
    assistant("a", [{ type: "tool_use", id: "t1", name: "Bash", input: { command: "id" } }]),
    {
      type: "user",
      message: {
        content: [{ type: "tool_result", tool_use_id: "t1", content: refusal, is_error: true }],
      },
    },
    assistant("b", [{ type: "tool_use", id: "t2", name: "Read", input: { file_path: "/app/a" } }]),
    {
      type: "user",
      message: {
        content: [{
          type: "tool_result",
          tool_use_id: "t2",
          content: [{ type: "text", text: refusal }],
        }],
      },
    },
    {
      type: "result",
      permission_denials: [{ tool_name: "Bash", tool_use_id: "t1", tool_input: { command: "id" } }],
    },
  );
  const denials = events.filter((it) => it.kind === "denial");
  assertEquals(denials, [{ kind: "denial", denial: { tool: "Bash", detail: "id" } }]);
  assertEquals(events.filter((it) => it.kind === "tool").map((it) => it.detail), ["id", "a"]);
});

Deno.test("parseClaudeEvent() treats a limit that is reported as a success as a failure", () => {
  const words = "You've hit your limit · resets 8pm";
  const { state } = parse(
    { type: "rate_limit_event", rate_limit_info: { status: "rejected", resetsAt: 1763668800 } },
    {
      type: "assistant",
      error: "rate_limit",
      message: { model: "<synthetic>", content: [{ type: "text", text: words }] },
    },
    { type: "result", subtype: "success", is_error: false, result: words },
  );
  assertEquals(state.report, {
    failed: true,
    message: words,
    ending: "rate_limit",
    retryAt: 1_763_668_800_000,
  });
});

Deno.test("parseClaudeEvent() forgets an error that the agent recovered from", () => {
  const { state } = parse(
    {
      type: "assistant",
      error: "overloaded",
      message: { model: "<synthetic>", content: [{ type: "text", text: "API Error: 529" }] },
    },
    assistant("a", [{ type: "text", text: "Done" }]),
    { type: "result", subtype: "success", is_error: false, result: "Done" },
  );
  assertEquals(state.report?.failed, false);
});

Deno.test("parseClaudeEvent() says why a run without words failed", () => {
  const { state } = parse({ type: "result", subtype: "error_max_turns", is_error: true });
  assertEquals(state.report?.message, "Claude Code ended with error max turns");
});

Deno.test("claudeHopeless() ends a turn at the third refused request in a row", () => {
  const retry = (error: string, status = 401) => ({
    type: "system",
    subtype: "api_retry",
    error,
    error_status: status,
    attempt: 1,
    max_retries: 10,
  });
  const refused = retry("authentication_failed");
  const hopeless = (...lines: unknown[]) => claudeHopeless(parse(...lines).state)?.kind;
  assertEquals(hopeless(refused, refused), undefined);
  assertEquals(hopeless(refused, refused, refused), "auth");
  assertEquals(hopeless(refused, refused, retry("overloaded", 529), refused), undefined);
  const answer = assistant("a", [{ type: "text", text: "Here" }]);
  assertEquals(hopeless(refused, refused, answer, refused), undefined);
});

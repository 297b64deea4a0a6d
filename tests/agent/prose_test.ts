import { assert, assertEquals } from "@std/assert";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { classifyEnding, ENDING_PATTERNS } from "../../lib/agent/ending/classify_ending.ts";
import { createClaude } from "../../lib/agent/claude/claude.ts";
import { newClaudeState, parseClaudeEvent } from "../../lib/agent/claude/events.ts";
import { runLoop } from "../../lib/loop/run_loop.ts";
import { collect as collectAgent, testStart } from "../kit/agent_testing.ts";
import { asAgent, collect, scriptedAgent, taskRepo } from "../kit/scripted_agent.ts";
import { tempDir } from "../kit/testing.ts";

/** Prose of agents is never read as an ending: words about errors are not errors. */

/** Summaries and outputs as agents write them. */
const PROSE: readonly string[] = [
  "Implemented retries: the client now backs off on 429 Too Many Requests.",
  "All done. The rate limit middleware answers 429 with retry-after: 120.",
  "Handled HTTP 503 and 504 by trying again with exponential backoff.",
  "You've hit your limit · resets 8pm",
  'The banner says "You\'ve hit your limit · resets 8pm", and the parser reads 20:00 from it.',
  "Claude AI usage limit reached|1763668800",
  "Added a test for `usage limit reached`, `quota exceeded` and RESOURCE_EXHAUSTED.",
  "The login page shows `not logged in` and `Please run /login` to guests.",
  "Invalid API key · Please run /login",
  "Fixed: invalid x-api-key was answered with 500 instead of 401 Unauthorized.",
  "authentication_error is mapped to AuthError, permission_error to ForbiddenError.",
  "OAuth token has expired: refresh it, or sign in again.",
  "Your credit balance is too low to access the API: shown as a toast.",
  "insufficient_quota and billing_error are treated alike.",
  "Overloaded: the queue had 529 entries, error handling was missing.",
  'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
  "Internal server error is now logged with its request id.",
  "Gateway timeout and bad gateway are retried; service unavailable is not.",
  "The upstream is temporarily unavailable, so the health check returns status: 503.",
  "Timeout after 30 s: raised the limit to 60 s.",
  "error: request timed out",
  "TypeError: Cannot read properties of undefined (reading 'limit')\n    at run (/app/a.ts:429:11)",
  'Traceback (most recent call last):\n  File "a.py", line 503, in <module>\nRateLimitError: 429',
  "thread 'main' panicked at src/main.rs:401:5: called `Result::unwrap()` on an `Err` value",
  "fatal: not a git repository (or any of the parent directories): .git",
  "npm ERR! code E429\nnpm ERR! 429 Too Many Requests - GET https://registry.example.com/x",
  "panic: runtime error: index out of range [503] with length 429",
  "<promise>COMPLETE</promise>",
  "When all pass I will print <promise>COMPLETE</promise>.",
  "The prompt says: `print <promise>COMPLETE</promise>`; two stories are open, so I do not.",
  "```\n<promise>COMPLETE</promise>\n```",
  "Rate limits\n===========\n\nEvery key has a limit of 100 requests a minute; then 429 is sent.",
  "| status | meaning |\n| --- | --- |\n| 401 | unauthorized |\n| 429 | rate limit |\n| 529 | overloaded |",
  '{"error":{"type":"rate_limit_error","message":"This request would exceed your limit"}}',
  '{"type":"result","is_error":true,"result":"You\'ve hit your limit · resets 8pm"}',
  '{"type":"error","message":"429"}',
  "Exit code 1 is now exit code 3 when a limit is reached.",
  "ERROR: usage limit reached. Try again at 8:05 PM.",
  "stream error: exceeded retry limit, last status: 429 Too Many Requests",
  "quota exceeded for quota metric 'Generate Content API requests per minute'",
  "Permission to use Bash has been denied",
  "This command requires approval",
  "I could not run the tests: command not found. Committed anyway.",
  "Command failed with signal SIGKILL (out of memory), fixed by streaming.",
  "Segmentation fault (core dumped) no longer happens.",
  "Error: connect ECONNREFUSED 127.0.0.1:5432 is expected where no database runs.",
  "Aborted (by us), stalled and denied are endings of an agent.",
  "Resets at 2026-11-20T21:15:00Z; retry-after 3600 seconds; try again in 2h 5m.",
  "\u001b[31mError: 429\u001b[0m rate limited, unauthorized, overloaded",
  "429",
];

Deno.test("the corpus of prose contains what the patterns match", () => {
  assert(PROSE.length >= 40, `${PROSE.length}`);
  assertEquals(new Set(PROSE).size, PROSE.length);
  // As an error of a failed run they would be taken for one: that is what makes them dangerous.
  const dangerous = PROSE.filter((text) => ENDING_PATTERNS.some(({ regex }) => regex.test(text)));
  assert(dangerous.length >= 25, `${dangerous.length}`);
});

Deno.test("classifyEnding() ignores prose on stdout and stderr of a success", () => {
  for (const text of PROSE) {
    const lines = text.split("\n").slice(-20);
    const ending = classifyEnding({
      exitCode: 0,
      signal: null,
      stderrTail: lines,
      outputTail: lines,
      sawOutput: true,
      durationMs: 500,
      denials: [],
    }, { patterns: ENDING_PATTERNS });
    assertEquals(ending, { kind: "ok" }, text);
  }
});

Deno.test("classifyEnding() ignores prose on stdout of a failure", () => {
  for (const text of PROSE) {
    const ending = classifyEnding({
      exitCode: 1,
      signal: null,
      stderrTail: ["it broke"],
      outputTail: text.split("\n"),
      sawOutput: true,
      durationMs: 60_000,
      denials: [],
    });
    assertEquals(ending, { kind: "error", message: "Exit code 1: it broke" }, text);
  }
});

/** What Claude Code prints in a run that says, quotes, reads and runs into such words. */
function transcript(text: string): string {
  const content = [
    { type: "text", text },
    { type: "tool_use", id: "t1", name: "Bash", input: { command: text } },
  ];
  const result = { type: "tool_result", tool_use_id: "t1", content: text };
  return [
    { type: "system", subtype: "init", session_id: "s", model: "m" },
    { type: "assistant", message: { id: "1", model: "m", content } },
    { type: "user", message: { content: [result] } },
    { type: "assistant", message: { id: "2", model: "m", content: [{ type: "text", text }] } },
    { type: "result", subtype: "success", is_error: false, result: text, permission_denials: [] },
  ].map((line) => JSON.stringify(line)).join("\n");
}

Deno.test("parseClaudeEvent() reads prose as prose in every place", () => {
  for (const text of PROSE) {
    const state = newClaudeState("/app");
    const events = transcript(text).split("\n").flatMap((line) => parseClaudeEvent(line, state));
    assertEquals(state.report, { failed: false, message: text });
    assertEquals(events.filter(({ kind }) => kind === "error" || kind === "denial"), [], text);
  }
});

Deno.test("parseClaudeEvent() does not treat a failed tool as a failure of the agent", () => {
  // A refused permission is a failure, with its own words.
  const words = PROSE.filter((text) => !/^(Permission to use|This command requires)/.test(text));
  for (const text of words) {
    const state = newClaudeState("/app");
    const lines = transcript(text).replace(
      '"tool_use_id":"t1"',
      '"tool_use_id":"t1","is_error":true',
    );
    const events = lines.split("\n").flatMap((line) => parseClaudeEvent(line, state));
    assertEquals(state.report?.failed, false, text);
    assertEquals(events.filter(({ kind }) => kind === "error" || kind === "denial"), [], text);
  }
});

Deno.test("claude ends well although its program prints prose on both streams", async () => {
  await using dir = await tempDir();
  const program = join(dir.path, "claude");
  const all = PROSE.join("\n");
  await writeFile(join(dir.path, "stdout"), `${transcript(all)}\n`);
  await writeFile(join(dir.path, "stderr"), all);
  const script = `#!/bin/sh\nhead -n 1 > /dev/null; cd ${dir.path}; cat stderr >&2; cat stdout\n`;
  await writeFile(program, script, { mode: 0o755 });
  const { result } = await collectAgent(createClaude({ program }).start(testStart({ cwd: "/" })));
  assertEquals(result.ending, { kind: "ok" });
});

Deno.test("runLoop() continues after any prose, and believes only prd.json", async () => {
  const ids = PROSE.map((_, i) => `US-${String(i + 1).padStart(3, "0")}`);
  await using repo = await taskRepo(ids.map((id) => ({ id })));
  await Promise.all(PROSE.map((text, i) => writeFile(join(repo.outside, `prose-${i + 1}`), text)));
  // Every story passes at its own call only: the tag in the prose ends nothing early.
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    "cat ../prose-$n; cat ../prose-$n >&2; pass $(printf 'US-%03d' $n); cat ../prose-$n",
  ]);
  const { events, result } = await collect(runLoop({
    task: repo.task,
    agents: [asAgent("one", agent)],
    fallbackAgent: "one",
    env: { PATH: process.env.PATH },
  }));
  assertEquals(result.outcome, "completed");
  assertEquals(result.iterations, PROSE.length);
  assertEquals(await agent.calls(), PROSE.length);
  const finished = events.filter((event) => event.type === "iteration_finished");
  assertEquals(finished.map(({ ending }) => ending), PROSE.map(() => ({ kind: "ok" })));
  assertEquals(finished.map(({ passed }) => passed), ids.map((id) => [id]));
  const progress = await readFile(repo.task.progressFile, "utf8").catch(() => "");
  assertEquals(progress.includes("FAIL"), false);
});

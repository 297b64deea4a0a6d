import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import type { AgentStartOptions } from "../../lib/agent/agent.ts";
import { createClaude } from "../../lib/agent/claude/claude.ts";
import { assertGone, collect, testStart } from "../kit/agent_testing.ts";
import { tempDir, tempRepo } from "../kit/testing.ts";
import { claudeEnvironment, findClaude, git } from "./claude_testing.ts";
import { type ModelReply, scriptedModel } from "./scripted_model.ts";

const program = await findClaude();
const ignore = program === undefined;
const why = ignore ? " (skipped: no claude on PATH or in RALPH_TEST_CLAUDE)" : "";
const claude = createClaude({ ...(program && { program }) });

const COMMIT: ModelReply = {
  kind: "tool",
  tool: "Bash",
  input: { command: "echo hi > a.txt && git add a.txt && git commit -qm 'feat: a'" },
  text: "I will add the file",
};
const DONE: ModelReply = { kind: "text", text: "Handled the 429 rate limit" };

async function runClaude(steps: ModelReply[], options: Partial<AgentStartOptions> = {}) {
  await using model = await scriptedModel(steps);
  await using home = await tempDir();
  await using repo = await tempRepo();
  const env = claudeEnvironment(model.url, home.path);
  const run = claude.start(testStart({ cwd: repo.path, env, ...options }));
  const collected = await collect(run);
  const log = await git(repo.path, "log", "--format=%s");
  return { ...collected, log, requests: model.requests };
}

Deno.test({
  name: `claude edits and commits with a real tool call${why}`,
  ignore,
  async fn() {
    const { events, result, log, requests } = await runClaude([COMMIT, DONE], { yolo: true });
    assertEquals(result.ending, { kind: "ok" });
    assertEquals(log.split("\n")[0], "feat: a");
    const session = events.find((it) => it.kind === "session");
    assertEquals(result.agentSessionId, session?.agentSessionId);
    assert(events.some((it) => it.kind === "text" && it.text === "I will add the file"));
    const tool = events.find((it) => it.kind === "tool");
    assertEquals([tool?.tool, tool?.detail.slice(0, 15)], ["Bash", "echo hi > a.txt"]);
    assert(events.some((it) => it.kind === "tool_result" && !it.failed));
    assertEquals([result.usage?.inputTokens, result.usage?.outputTokens], [2000, 400]);
    assertGreater(result.usage?.costUsd ?? 0, 0);
    assertStringIncludes(JSON.stringify(requests.map((it) => it.body.messages)), "Do it");
  },
});

Deno.test({
  name: `claude reports a tool that it was refused without yolo${why}`,
  ignore,
  async fn() {
    const install: ModelReply = {
      kind: "tool",
      tool: "Bash",
      input: { command: "npm install left-pad" },
    };
    const { events, result } = await runClaude([install, DONE]);
    assertEquals(result.ending.kind, "denied");
    assertEquals(result.denials, [{ tool: "Bash", detail: "npm install left-pad" }]);
    assertEquals(events.filter((it) => it.kind === "denial").length, 1);
  },
});

Deno.test({
  name: `claude may edit and commit without yolo${why}`,
  ignore,
  async fn() {
    const { result, log } = await runClaude([
      { kind: "tool", tool: "Write", input: { file_path: "a.txt", content: "hi" } },
      { kind: "tool", tool: "Bash", input: { command: "git add a.txt" } },
      { kind: "tool", tool: "Bash", input: { command: "git commit -qm 'feat: a'" } },
      DONE,
    ]);
    assertEquals(result.ending, { kind: "ok" });
    assertEquals(log.split("\n")[0], "feat: a");
  },
});

const REFUSALS: [ModelReply, string, string][] = [
  [
    { kind: "error", status: 401, message: "invalid x-api-key" },
    "auth",
    "Invalid API key · Fix external API key",
  ],
  [
    { kind: "error", status: 429, message: "slow down", headers: { "retry-after": "1" } },
    "rate_limit",
    "slow down",
  ],
  [{ kind: "error", status: 529, message: "Overloaded" }, "overloaded", "529 Overloaded"],
  [{ kind: "error", status: 400, message: "bad thing" }, "error", "API Error: 400 bad thing"],
  [{ kind: "error", status: 404, message: "no model" }, "launch", "issue with the selected model"],
];
for (const [reply, kind, words] of REFUSALS) {
  const status = reply.kind === "error" ? reply.status : "";
  Deno.test({
    name: `claude reports status ${status} of its model as ${kind}${why}`,
    ignore,
    async fn() {
      const { events, result } = await runClaude([reply], { yolo: true });
      assertEquals(result.ending.kind, kind);
      assertStringIncludes(JSON.stringify(result.ending), words);
      assertEquals(result.exitCode, 1);
      assert(events.some((it) => it.kind === "error"));
    },
  });
}

Deno.test({
  name: `claude is gone after an abort while its model hangs${why}`,
  ignore,
  async fn() {
    await using model = await scriptedModel([{ kind: "hang" }]);
    await using home = await tempDir();
    await using repo = await tempRepo();
    const controller = new AbortController();
    const env = claudeEnvironment(model.url, home.path);
    const { signal } = controller;
    const run = claude.start(testStart({ cwd: repo.path, env, signal }));
    model.hanging.then(() => controller.abort());
    const { events, result } = await collect(run);
    assertEquals(result.ending.kind, "aborted");
    await assertGone(events);
  },
});

Deno.test({
  name: `claude with an unknown option is an error that says why${why}`,
  ignore,
  async fn() {
    await using dir = await tempDir();
    const broken = createClaude({ ...(program && { program }), args: ["--no-such-option"] });
    const env = claudeEnvironment("http://127.0.0.1:9", dir.path);
    const { result } = await collect(broken.start(testStart({ cwd: dir.path, env })));
    assertEquals(result.ending, {
      kind: "error",
      message: "Exit code 1: error: unknown option '--no-such-option'",
    });
  },
});

Deno.test({
  name: `claude reports its path and version${why}`,
  ignore,
  async fn() {
    await using home = await tempDir();
    const env = claudeEnvironment("http://127.0.0.1:9", home.path);
    const found = await claude.probe({ env, version: true });
    assert(found.available);
    assert(/^\d+\.\d+\.\d+$/.test(found.version ?? ""));
  },
});

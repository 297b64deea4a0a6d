import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import type { AgentStartOptions } from "../../lib/agent/agent.ts";
import { createClaude } from "../../lib/agent/claude/claude.ts";
import { isProcessGroupAlive } from "../../lib/base/end_processes.ts";
import { LoopControl } from "../../lib/loop/loop_control.ts";
import { runLoop } from "../../lib/loop/run_loop.ts";
import { collect, testStart } from "../kit/agent_testing.ts";
import { agentEvent, followLoop } from "../kit/follow_loop.ts";
import { taskRepo } from "../kit/scripted_agent.ts";
import { tempDir, tempRepo } from "../kit/testing.ts";
import { claudeEnvironment, findClaude, git } from "./claude_testing.ts";
import { type ModelReply, scriptedModel } from "./scripted_model.ts";

const program = await findClaude();
const ignore = program === undefined;
const why = ignore ? " (skipped: no claude on PATH or in RALPH_TEST_CLAUDE)" : "";
const claude = createClaude({ pty: true, ...(program && { program }) });

const COMMIT: ModelReply = {
  kind: "tool",
  tool: "Bash",
  input: { command: "echo hi > a.txt && git add a.txt && git commit -qm 'feat: a'" },
  text: "I will add the file",
};
const DONE: ModelReply = { kind: "text", text: "Handled the 429 rate limit" };

/** The state of a user who has used Claude Code in this folder before. */
async function acquainted(home: string, { cwd, key }: { cwd: string; key: string }): Promise<void> {
  const config = {
    hasCompletedOnboarding: true,
    bypassPermissionsModeAccepted: true,
    customApiKeyResponses: { approved: [key.slice(-20)], rejected: [] },
    projects: { [cwd]: { hasTrustDialogAccepted: true } },
  };
  await writeFile(join(home, ".claude.json"), JSON.stringify(config));
}

async function claudeHome(url: string, { home, cwd }: { home: string; cwd: string }) {
  const env = claudeEnvironment(url, home);
  await acquainted(home, { cwd, key: env.ANTHROPIC_API_KEY ?? "" });
  return env;
}

async function runClaude(steps: ModelReply[], options: Partial<AgentStartOptions> = {}) {
  await using model = await scriptedModel(steps);
  await using home = await tempDir();
  await using repo = await tempRepo();
  const env = await claudeHome(model.url, { home: home.path, cwd: repo.path });
  const collected = await collect(claude.start(testStart({ cwd: repo.path, env, ...options })));
  const log = await git(repo.path, "log", "--format=%s");
  const status = await git(repo.path, "status", "--porcelain");
  return { ...collected, log, status, requests: model.requests };
}

Deno.test({
  name: `claude in a PTY edits, commits and ends with its turn${why}`,
  ignore,
  async fn() {
    const prompt = 'Do it\n  "quoted" $HOME `x`\n--and more';
    const { events, result, log, status, requests } = await runClaude([COMMIT, DONE], {
      yolo: true,
      prompt,
    });
    assertEquals(result.ending, { kind: "ok" });
    assertEquals(log.split("\n")[0], "feat: a");
    assertEquals(status, "");
    const session = events.find((it) => it.kind === "session");
    assertEquals(result.agentSessionId, session?.agentSessionId);
    assert(events.some((it) => it.kind === "text" && it.text === "I will add the file"));
    const tool = events.find((it) => it.kind === "tool");
    assertEquals([tool?.tool, tool?.detail.slice(0, 15)], ["Bash", "echo hi > a.txt"]);
    assertEquals([result.usage?.inputTokens, result.usage?.outputTokens], [2000, 400]);
    const said = JSON.stringify(requests.map((it) => it.body.messages));
    assertStringIncludes(said, JSON.stringify(prompt).slice(1, -1));
  },
});

Deno.test({
  name: `claude in a PTY is refused what nobody is there to allow${why}`,
  ignore,
  async fn() {
    const install: ModelReply = {
      kind: "tool",
      tool: "Bash",
      input: { command: "npm install left-pad" },
    };
    const { result } = await runClaude([install, DONE]);
    assertEquals(result.ending.kind, "denied");
    assertEquals(result.denials, [{ tool: "Bash", detail: "npm install left-pad" }]);
  },
});

Deno.test({
  name: `claude in a PTY asks nobody a question${why}`,
  ignore,
  async fn() {
    const option = (label: string) => ({ label, description: label });
    const ask: ModelReply = {
      kind: "tool",
      tool: "AskUserQuestion",
      input: {
        questions: [{
          question: "Which one?",
          header: "One",
          options: [option("a"), option("b")],
          multiSelect: false,
        }],
      },
    };
    const { result, requests } = await runClaude([ask, DONE], { yolo: true });
    assertEquals(result.ending.kind, "denied");
    assertStringIncludes(JSON.stringify(requests.at(-1)?.body), "nobody is here to give it");
  },
});

const REFUSALS: [ModelReply, string, string][] = [
  [{ kind: "error", status: 401, message: "invalid x-api-key" }, "auth", "Invalid API key"],
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
    name: `claude in a PTY reports status ${status} of its model as ${kind}${why}`,
    ignore,
    async fn() {
      const { events, result } = await runClaude([reply], { yolo: true });
      assertEquals(result.ending.kind, kind);
      assertStringIncludes(JSON.stringify(result.ending), words);
      assert(events.some((it) => it.kind === "error"));
    },
  });
}

Deno.test({
  name: `claude in a PTY is gone after an abort while its model hangs${why}`,
  ignore,
  async fn() {
    await using model = await scriptedModel([{ kind: "hang" }]);
    await using home = await tempDir();
    await using repo = await tempRepo();
    const controller = new AbortController();
    const env = await claudeHome(model.url, { home: home.path, cwd: repo.path });
    env.RALPH_SESSION = crypto.randomUUID();
    const { signal } = controller;
    model.hanging.then(() => controller.abort());
    const { result } = await collect(
      claude.start(testStart({ cwd: repo.path, env, signal, yolo: true })),
    );
    assertEquals(result.ending.kind, "aborted");
    const left = await readdir(tmpdir());
    assertEquals(left.filter((name) => name.includes(env.RALPH_SESSION ?? "")), []);
  },
});

Deno.test({
  name: `claude in a PTY is interrupted, and goes on with a message in the same process${why}`,
  ignore,
  async fn() {
    await using model = await scriptedModel(({ body }) =>
      JSON.stringify(body.messages).includes("go on")
        ? { kind: "text", text: "Going on" }
        : { kind: "hang" }
    );
    await using home = await tempDir();
    await using repo = await tempRepo();
    const env = await claudeHome(model.url, { home: home.path, cwd: repo.path });
    const run = claude.start(testStart({ cwd: repo.path, env, yolo: true }));
    const steered = model.hanging.then(async () => {
      assertEquals(await run.send({ kind: "interrupt" }), true);
      assertEquals(await run.send({ kind: "message", text: "Please\ngo on" }), true);
    });
    const { events, result } = await collect(run);
    await steered;
    assertEquals(result.ending, { kind: "ok" });
    assert(events.some((it) => it.kind === "text" && it.text === "Going on"));
  },
});

Deno.test({
  name: `claude in a PTY that was interrupted and given back has not failed${why}`,
  ignore,
  async fn() {
    await using model = await scriptedModel([{ kind: "hang" }]);
    await using home = await tempDir();
    await using repo = await tempRepo();
    const env = await claudeHome(model.url, { home: home.path, cwd: repo.path });
    const run = claude.start(testStart({ cwd: repo.path, env, yolo: true }));
    run.setInteractive?.(true);
    const steered = model.hanging.then(async () => {
      await run.send({ kind: "interrupt" });
      run.setInteractive?.(false);
    });
    const { result } = await collect(run);
    await steered;
    assertEquals(result.ending, { kind: "aborted", message: "Interrupted by a person" });
  },
});

Deno.test({
  name: `claude in a PTY with an unknown option is an error that says why${why}`,
  ignore,
  async fn() {
    await using dir = await tempDir();
    const broken = createClaude({
      pty: true,
      ...(program && { program }),
      args: ["--no-such-option"],
    });
    const env = claudeEnvironment("http://127.0.0.1:9", dir.path);
    const { result } = await collect(broken.start(testStart({ cwd: dir.path, env })));
    assertEquals(result.ending, {
      kind: "error",
      message: "Exit code 1: error: unknown option '--no-such-option'",
    });
  },
});

Deno.test({
  name: `a person takes a running claude over and gives it back, and the loop goes on${why}`,
  ignore,
  async fn() {
    await using repo = await taskRepo([{ id: "US-001" }, { id: "US-002" }]);
    await using home = await tempDir();
    const pass = (id: string): ModelReply => ({
      kind: "tool",
      tool: "Bash",
      input: {
        command: `sed -i '/"${id}"/s/"passes":false/"passes":true/' tasks/job/prd.json && ` +
          `git commit -qam 'feat: ${id}'`,
      },
    });
    await using model = await scriptedModel(({ body }) => {
      const last = JSON.stringify(body.messages?.findLast((it) => it.role === "user"));
      const all = JSON.stringify(body.messages);
      if (last.includes("tool_result")) return { kind: "text", text: "Committed" };
      if (last.includes("and the second")) return { ...pass("US-001"), text: "Second heard" };
      if (all.includes("**US-002: ")) return pass("US-002");
      return { kind: "text", text: "First looked" };
    });
    const env = await claudeHome(model.url, { home: home.path, cwd: repo.root });
    const control = new LoopControl();
    control.setInteractive(true);
    const { events, once, result } = followLoop(runLoop({
      task: repo.task,
      agents: [claude],
      yolo: true,
      env,
      control,
      limits: { iterations: 3, stallMs: 2_000 },
    }));
    await once(agentEvent((event) => event.kind === "text" && event.text === "First looked"));
    const { terminal } = control;
    assert(terminal);
    assertEquals(control.interactive, true);
    terminal.resize(100, 30);
    // Longer than the stall timeout: a person may think.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    let seen = "";
    const stop = terminal.subscribe((data) => seen += data);
    for (const key of "and the second") terminal.write(key);
    await new Promise((resolve) => setTimeout(resolve, 150));
    terminal.write("\r");
    await once(agentEvent((event) => event.kind === "text" && event.text === "Second heard"));
    assertGreater(seen.length, 0);
    stop();
    assertStringIncludes(terminal.serialize(), "second");
    assertEquals(events.filter(({ type }) => type === "iteration_finished"), []);
    // In the middle of the turn: it is awaited.
    control.setInteractive(false);
    const { reason, iterations } = await result;
    assertEquals([reason, iterations], ["every story passes", 2]);
    const finished = events.filter((event) => event.type === "iteration_finished");
    assertEquals(finished.map(({ ending }) => ending.kind), ["ok", "ok"]);
    assertEquals(finished.map(({ passed }) => passed), [["US-001"], ["US-002"]]);
    const pids = events.flatMap((event) =>
      event.type === "agent" && event.event.kind === "process"
        ? [[event.iteration, event.event.pid] as const]
        : []
    );
    assertEquals(pids.map(([iteration]) => iteration), [1, 2]);
    for (const [, pid] of pids) assertEquals(await isProcessGroupAlive(pid), false);
    assertEquals(control.terminal, undefined);
    assertEquals(await repo.git("status", "--porcelain"), "");
  },
});

import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import type { AgentStartOptions } from "../../lib/agent/agent.ts";
import { createOpencode, type OpencodeOptions } from "../../lib/agent/opencode/opencode.ts";
import { LoopControl } from "../../lib/loop/loop_control.ts";
import { runLoop } from "../../lib/loop/run_loop.ts";
import { agentEvent, followLoop } from "../kit/follow_loop.ts";
import { collect, testStart } from "../kit/agent_testing.ts";
import { ralph } from "../kit/ralph_process.ts";
import { taskRepo } from "../kit/scripted_agent.ts";
import { tempDir, tempRepo } from "../kit/testing.ts";
import { git } from "./claude_testing.ts";
import { chatModel, type ChatReply } from "./opencode_model.ts";
import { configureOpencode, OPENCODE } from "./opencode_testing.ts";

const { ignore, program, why } = OPENCODE;

const COMMIT: ChatReply = {
  kind: "tool",
  tool: "bash",
  input: {
    command: "echo hi > a.txt && git add a.txt && git commit -qm 'feat: a'",
    description: "x",
  },
};
const DONE: ChatReply = { kind: "text", text: "Handled the 429 rate limit" };

const environment = (home: string): Record<string, string> => ({
  PATH: process.env.PATH ?? "/usr/bin:/bin",
  HOME: home,
  OPENCODE_DISABLE_MODELS_FETCH: "1",
});

interface RunOptions {
  start?: Partial<AgentStartOptions>;
  agent?: OpencodeOptions;
  permission?: unknown;
}

async function runOpencode(steps: readonly ChatReply[], options: RunOptions = {}) {
  await using model = await chatModel(steps);
  await using home = await tempDir();
  await using repo = await tempRepo();
  await configureOpencode(home.path, model.url, options.permission);
  const exclude = join(repo.path, ".git", "info", "exclude");
  const excludedBefore = await readFile(exclude, "utf8");
  const agent = createOpencode({ pty: true, program, ...options.agent });
  const env = environment(home.path);
  const collected = await collect(
    agent.start(testStart({ cwd: repo.path, env, ...options.start })),
  );
  // The plugin is gone, and so is everything that OpenCode put beside it.
  assertEquals(existsSync(join(repo.path, ".opencode")), false);
  assertEquals(await readFile(exclude, "utf8"), excludedBefore);
  assertEquals(await git(repo.path, "status", "--porcelain"), "");
  const log = await git(repo.path, "log", "--format=%s");
  return { ...collected, log, requests: model.requests };
}

Deno.test({
  name: `opencode in a PTY edits, commits and ends with its turn${why}`,
  ignore,
  async fn() {
    const prompt = '--do it\n  "quoted" $HOME `x`';
    const { events, result, log, requests } = await runOpencode([COMMIT, DONE], {
      start: { prompt, yolo: true },
    });
    assertEquals(result.ending, { kind: "ok" });
    assertEquals(log.split("\n")[0], "feat: a");
    const session = events.find((it) => it.kind === "session");
    assertEquals(result.agentSessionId, session?.agentSessionId);
    assertEquals(
      events.filter((it) => it.kind === "text").map(({ text }) => text),
      ["Handled the 429 rate limit"],
    );
    const tool = events.find((it) => it.kind === "tool");
    assertEquals([tool?.tool, tool?.detail.slice(0, 15)], ["bash", "echo hi > a.txt"]);
    assertEquals([result.usage?.inputTokens, result.usage?.outputTokens], [2000, 400]);
    assertGreater(result.usage?.costUsd ?? 0, 0);
    const said = JSON.stringify(requests.map((it) => it.messages));
    assertStringIncludes(said, JSON.stringify(prompt).slice(1, -1));
  },
});

Deno.test({
  name: `opencode in a PTY is refused what nobody is there to allow${why}`,
  ignore,
  async fn() {
    const { result, log, requests } = await runOpencode([COMMIT, DONE], {
      permission: { bash: "ask" },
    });
    assertEquals(result.ending.kind, "denied");
    assertEquals(result.denials.map(({ tool }) => tool), ["bash"]);
    assertEquals(log, "Begin");
    assertStringIncludes(JSON.stringify(requests.at(-1)), "nobody is here to allow it");
  },
});

Deno.test({
  name: `opencode in a PTY may do anything with yolo${why}`,
  ignore,
  async fn() {
    const { result, log } = await runOpencode([COMMIT, DONE], {
      permission: { "*": "ask", bash: "ask" },
      start: { yolo: true },
    });
    assertEquals(result.ending, { kind: "ok" });
    assertEquals(log.split("\n")[0], "feat: a");
  },
});

const REFUSALS: [ChatReply, string][] = [
  [{ kind: "error", status: 401, message: "invalid key" }, "auth"],
  [
    {
      kind: "error",
      status: 429,
      message: "Rate limit reached",
      headers: { "retry-after": "3600" },
    },
    "rate_limit",
  ],
  [{ kind: "error", status: 400, message: "bad thing" }, "error"],
];
for (const [reply, kind] of REFUSALS) {
  const status = reply.kind === "error" ? reply.status : "";
  Deno.test({
    name: `opencode in a PTY reports status ${status} of its model as ${kind}${why}`,
    ignore,
    async fn() {
      const { result } = await runOpencode([reply], { start: { yolo: true } });
      assertEquals(result.ending.kind, kind);
    },
  });
}

Deno.test({
  name: `opencode in a PTY is gone after an abort while its model hangs${why}`,
  ignore,
  async fn() {
    const controller = new AbortController();
    await using model = await chatModel([{ kind: "hang" }]);
    await using home = await tempDir();
    await using repo = await tempRepo();
    await configureOpencode(home.path, model.url);
    const env = environment(home.path);
    const agent = createOpencode({ pty: true, program });
    model.hanging.then(() => controller.abort());
    const { signal } = controller;
    const { result } = await collect(agent.start(testStart({ cwd: repo.path, env, signal })));
    assertEquals(result.ending.kind, "aborted");
    assertEquals(existsSync(join(repo.path, ".opencode")), false);
  },
});

Deno.test({
  name: `a person takes a running opencode over and gives it back, and the loop goes on${why}`,
  ignore,
  async fn() {
    await using repo = await taskRepo([{ id: "US-001" }, { id: "US-002" }]);
    await using home = await tempDir();
    const pass = (id: string): ChatReply => ({
      kind: "tool",
      tool: "bash",
      input: {
        command: `sed -i '/"${id}"/s/"passes":false/"passes":true/' tasks/job/prd.json && ` +
          `git commit -qam 'feat: ${id}'`,
        description: "pass",
      },
    });
    await using model = await chatModel(({ messages }) => {
      const last = messages.at(-1);
      if (last?.role === "tool") return { kind: "text", text: "Committed" };
      if (JSON.stringify(last).includes("and the second")) return pass("US-001");
      if (JSON.stringify(messages).includes("**US-002: ")) return pass("US-002");
      return { kind: "text", text: "First looked" };
    });
    await configureOpencode(home.path, model.url);
    const control = new LoopControl();
    control.setInteractive(true);
    const { events, once, result } = followLoop(runLoop({
      task: repo.task,
      agents: [createOpencode({ pty: true, program })],
      agent: "opencode",
      yolo: true,
      env: environment(home.path),
      control,
      limits: { iterations: 3 },
    }));
    await once(agentEvent((event) => event.kind === "text" && event.text === "First looked"));
    const { terminal } = control;
    assert(terminal);
    terminal.resize(100, 30);
    let seen = "";
    const stop = terminal.subscribe((data) => seen += data);
    for (const key of "and the second") terminal.write(key);
    await new Promise((resolve) => setTimeout(resolve, 150));
    terminal.write("\r");
    await once(agentEvent((event) => event.kind === "text" && event.text === "Committed"));
    assertGreater(seen.length, 0);
    stop();
    assertStringIncludes(terminal.serialize(), "second");
    assertEquals(events.filter(({ type }) => type === "iteration_finished"), []);
    control.setInteractive(false);
    const { reason, iterations } = await result;
    assertEquals([reason, iterations], ["every story passes", 2]);
    const finished = events.filter((event) => event.type === "iteration_finished");
    assertEquals(finished.map(({ passed }) => passed), [["US-001"], ["US-002"]]);
    const pids = events.filter(agentEvent(({ kind }) => kind === "process"));
    assertEquals(pids.length, 2);
    assertEquals(await repo.git("status", "--porcelain"), "");
    assertEquals(existsSync(join(repo.root, ".opencode")), false);
  },
});

Deno.test({
  name: `nothing of opencode in a PTY is left after kill -9 of its worker and another run${why}`,
  ignore,
  async fn() {
    await using repo = await taskRepo([{ id: "US-001" }]);
    await using home = await tempDir();
    const command = `sed -i 's/"passes":false/"passes":true/' tasks/job/prd.json && ` +
      "git commit -qam 'feat: one'";
    const pass: ChatReply = { kind: "tool", tool: "bash", input: { command, description: "x" } };
    await using model = await chatModel([{ kind: "hang" }, pass, DONE]);
    await configureOpencode(home.path, model.url);
    const config = join(home.path, ".config", "ralph");
    await mkdir(config, { recursive: true });
    const table = `[agents.opencode]\nprogram = ${JSON.stringify(program)}\n`;
    await writeFile(join(config, "config.toml"), table);
    const options = { cwd: repo.root, home: home.path, env: environment(home.path) };
    const args = ["run", "job", "--pty", "--agent", "opencode", "--yolo", "--json"];
    const started = await ralph([...args, "--detach"], options);
    assertEquals(started.code, 0, started.stderr);
    const { pid } = JSON.parse(started.stdout) as { pid: number };
    await model.hanging;
    process.kill(pid, "SIGKILL");
    assertEquals(await repo.git("status", "--porcelain"), "");
    const { code, stdout, stderr } = await ralph(args, options);
    assertEquals(code, 0, stderr + stdout.slice(-1_000));
    assertEquals(existsSync(join(repo.root, ".opencode")), false);
    assertEquals(await repo.git("status", "--porcelain"), "");
    const exclude = await readFile(join(repo.root, ".git", "info", "exclude"), "utf8");
    assertEquals(exclude.includes("ralph"), false);
    const left = (await readdir(tmpdir())).filter((name) => name.startsWith("ralph-pty-"));
    const session = (JSON.parse(started.stdout) as { session: string }).session;
    assertEquals(left.filter((name) => name.includes(session)), []);
    const processes = await promisify(execFile)("ps", ["-eo", "args"]);
    assertEquals(processes.stdout.includes(home.path), false);
  },
});

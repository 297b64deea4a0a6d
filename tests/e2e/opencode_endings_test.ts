import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { setTimeout as delay } from "node:timers/promises";
import type { AgentResult } from "../../lib/agent/agent.ts";
import type { AgentEvent } from "../../lib/event/agent_event.ts";
import { createOpencode, type OpencodeOptions } from "../../lib/agent/opencode/opencode.ts";
import { inProcessRun } from "../../lib/agent/process/in_process_run.ts";
import { OpencodeRun } from "../../lib/agent/opencode/run.ts";
import { openProject } from "../../lib/agent/opencode/server/opencode_client.ts";
import { permissionRules } from "../../lib/agent/opencode/server/permission_rules.ts";
import type { ChatReply } from "./opencode_model.ts";
import {
  type AgentScene,
  agentScene,
  OPENCODE,
  readRun,
  recordingProxy,
} from "./opencode_testing.ts";

const { ignore, why } = OPENCODE;

/** Declares a test of one run against a scripted model. */
function scene(
  name: string,
  script: readonly ChatReply[],
  fn: (scene: AgentScene) => Promise<void>,
  options: { permission?: unknown } = {},
): void {
  Deno.test({
    name: `agent opencode ${name}${why}`,
    ignore,
    async fn() {
      await using it = await agentScene(script, options);
      await fn(it);
    },
  });
}

function run(
  { server, start }: AgentScene,
  options: Partial<typeof start> = {},
  agent: OpencodeOptions = {},
): Promise<{ events: AgentEvent[]; result: AgentResult }> {
  const opencode = createOpencode({ url: server.address.url, waitMs: 0, ...agent });
  return readRun(opencode.start({ ...start, ...options }));
}

const bash = (command: string): ChatReply => ({
  kind: "tool",
  tool: "bash",
  input: { command, description: "A command" },
});
const done: ChatReply = { kind: "text", text: "Done" };

scene("ends with rate_limit and its time on a 429 that lasts long", [
  { kind: "error", status: 429, message: "Rate limit reached", headers: { "retry-after": "120" } },
], async (it) => {
  const at = Date.now();
  const { result, events } = await run(it);
  assert(result.ending.kind === "rate_limit");
  assertStringIncludes(result.ending.message, "Rate limit reached");
  assertGreater(result.ending.retryAt ?? 0, at + 100_000);
  assert(events.some((event) => event.kind === "error" && /Rate limit/.test(event.message)));
  assertEquals(it.model.requests.length, 1);
});

scene("waits for a short 429, and ends well", [
  { kind: "error", status: 429, message: "Slow down", headers: { "retry-after": "1" } },
  done,
], async (it) => {
  assertEquals((await run(it)).result.ending, { kind: "ok" });
});

scene("ends with overloaded when the model answers 500 again and again", [
  { kind: "error", status: 500, message: "boom", headers: { "retry-after": "1" } },
], async (it) => {
  const { result } = await run(it);
  assertEquals(result.ending, { kind: "overloaded", message: "boom" });
  assertEquals(it.model.requests.length, 4);
});

scene("ends with auth on a 401", [
  { kind: "error", status: 401, message: "Invalid key" },
], async (it) => {
  const { result } = await run(it);
  assertEquals(result.ending, { kind: "auth", message: "Invalid key (status 401)" });
});

scene("goes on when the model's answer ends in the middle", [
  { kind: "truncated", text: "half" },
  done,
], async (it) => {
  const { result, events } = await run(it);
  assertEquals(result.ending, { kind: "ok" });
  assert(events.some((event) => event.kind === "text" && event.text === "Done"));
});

scene("ends with launch when there is no such model", [done], async (it) => {
  const { result } = await run(it, { model: "nobody/nothing" });
  assert(result.ending.kind === "launch");
  assertStringIncludes(result.ending.message, "Model not found: nobody/nothing");
  const wrong = await run(it, { model: "nothing" });
  assertEquals(wrong.result.ending, {
    kind: "launch",
    message: 'Unknown model "nothing": OpenCode expects provider/model',
  });
});

scene("uses the model that is asked for", [done], async (it) => {
  const { result, events } = await run(it, { model: "stub/other" });
  assertEquals(result.ending, { kind: "ok" });
  assertEquals(it.model.requests[0]?.model, "other");
  assert(events.some((event) => event.kind === "session" && event.model === "stub/other"));
});

scene("is ended by its signal while the model hangs, and leaves an idle session", [
  { kind: "hang" },
], async (it) => {
  const stalled = new AbortController();
  const ending = { kind: "stalled", message: "Silent for 1 s" } as const;
  void it.model.hanging.then(() => stalled.abort(ending));
  const { result } = await run(it, { signal: stalled.signal });
  assertEquals(result.ending, ending);
  const project = await openProject(it.server.address, it.repo.root);
  assertEquals((await project.readState(result.agentSessionId ?? "")).busy, false);
});

scene(
  "refuses what its rules do not allow, says so, and the agent goes on",
  [bash("git log"), bash("touch forbidden"), done],
  async (it) => {
    const { result, events } = await run(it, {}, {
      permission: { bash: { "*": "ask", "git *": "allow" } },
    });
    const denial = { tool: "bash", detail: "touch forbidden" };
    assertEquals(result.denials, [denial]);
    assertEquals(result.ending, {
      kind: "denied",
      message: "Permission refused: bash touch forbidden",
    });
    assert(events.some((event) => event.kind === "denial"));
    assertEquals(it.model.requests.length, 3);
    assertStringIncludes(JSON.stringify(it.model.requests[2]?.messages), "nobody is here");
  },
);

scene(
  "may do anything with yolo, whatever the server's config asks",
  [bash("touch allowed"), done],
  async (it) => {
    const { result } = await run(it, { yolo: true });
    assertEquals(result.ending, { kind: "ok" });
    assertStringIncludes(await it.repo.git("status", "--porcelain"), "allowed");
  },
  { permission: { bash: "ask", edit: "deny" } },
);

scene("does not get the tool that asks questions", [done], async (it) => {
  assertEquals((await run(it, { yolo: true })).result.ending, { kind: "ok" });
  assert(!JSON.stringify(it.model.requests[0]?.tools).includes('"question"'));
});

scene("answers a question that is asked all the same, and the agent goes on", [
  {
    kind: "tool",
    tool: "question",
    input: {
      questions: [{
        question: "Which database?",
        header: "Database",
        options: [{ label: "A", description: "One" }, { label: "B", description: "Another" }],
      }],
    },
  },
  done,
], async (it) => {
  const opencode = new OpencodeRun(it.start, {
    project: await openProject(it.server.address, it.repo.root),
    rules: permissionRules("allow"),
    prompt: { text: "Do it" },
    quietMs: 500,
    maxMisses: 3,
    pauseMs: 100,
    now: Date.now,
  });
  const { result, events } = await readRun(inProcessRun((signal) => opencode.run(signal)));
  assertEquals(result.ending, { kind: "ok" });
  const texts = events.flatMap((event) => event.kind === "text" ? [event.text] : []);
  assertEquals(texts, ["Asked: Which database? Answered: decide for yourself.", "Done"]);
  assertStringIncludes(JSON.stringify(it.model.requests[1]?.messages), "Decide for yourself");
});

scene("loses nothing when its event stream breaks in the middle", [
  bash("sleep 2; echo one"),
  bash("echo two"),
  done,
], async (it) => {
  await using proxy = await recordingProxy(it.server.address);
  const agent = createOpencode({ url: proxy.url, waitMs: 0, pauseMs: 300 });
  let broken = false;
  const { result, events } = await readRun(agent.start({ ...it.start, yolo: true }), (event) => {
    if (event.kind !== "tool" || broken) return;
    broken = true;
    proxy.breakConnections();
  });
  assertEquals(result.ending, { kind: "ok" });
  const tools = events.flatMap((event) => event.kind === "tool" ? [event.detail] : []);
  assertEquals(tools, ["sleep 2; echo one", "echo two"]);
  const answers = events.flatMap((event) => event.kind === "tool_result" ? [event.detail] : []);
  assertEquals(answers, ["one", "two"]);
  assert(events.some((event) => event.kind === "error" && event.message.startsWith("Lost")));
});

scene("understands that the server was killed in the middle, and came back", [
  { kind: "hang" },
], async (it) => {
  const running = run(it, {}, { pauseMs: 200 });
  await it.model.hanging;
  await it.server.kill();
  await delay(500);
  await it.server.restart();
  assertEquals((await running).result.ending, {
    kind: "error",
    message: "The OpenCode server was ended in the middle of the turn",
  });
});

scene("ends when the server does not come back", [{ kind: "hang" }], async (it) => {
  const running = run(it, {}, { pauseMs: 50, maxMisses: 3 });
  await it.model.hanging;
  await it.server.kill();
  const { ending } = (await running).result;
  assert(ending.kind === "error");
  assertStringIncludes(
    ending.message,
    `Cannot reach the OpenCode server at ${it.server.address.url}`,
  );
});

scene("waits for a person who writes into the session, and goes on when they are quiet", [
  bash("sleep 1"),
  done,
  { kind: "text", text: "An answer for the person" },
], async (it) => {
  const agent = createOpencode({ url: it.server.address.url, waitMs: 0, quietMs: 500 });
  const project = await openProject(it.server.address, it.repo.root);
  let id = "";
  const { result, events } = await readRun(agent.start(it.start), async (event) => {
    if (event.kind === "session") id = event.agentSessionId;
    if (event.kind === "tool") await project.prompt(id, { text: "Also say hello" });
  });
  assertEquals(result.ending, { kind: "ok" });
  const texts = events.flatMap((event) => event.kind === "text" ? [event.text] : []);
  assert(texts.includes("Somebody writes in the session: Also say hello"), texts.join("|"));
  assert(texts.includes("Somebody uses the session; waiting until they are done"));
});

scene("takes messages, and is interrupted and held for one", [
  { kind: "hang" },
  done,
], async (it) => {
  const agent = createOpencode({ url: it.server.address.url, waitMs: 0, quietMs: 500 });
  const running = agent.start(it.start);
  const read = readRun(running);
  await it.model.hanging;
  assertEquals(await running.send({ kind: "interrupt" }), true);
  assertEquals(await running.send({ kind: "message", text: "Another way, please" }), true);
  assertEquals((await read).result.ending, { kind: "ok" });
  assertStringIncludes(JSON.stringify(it.model.requests.at(-1)), "Another way, please");
});

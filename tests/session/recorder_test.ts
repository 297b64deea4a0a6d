import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { readFile } from "node:fs/promises";
import process from "node:process";
import type { AgentEvent, Usage } from "../../lib/event/agent_event.ts";
import type { LoopEvent, LoopEventBody, LoopResult } from "../../lib/event/loop_event.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { processIdentity } from "../../lib/base/process_identity.ts";
import { readSessionLog } from "../../lib/session/log/read_session_log.ts";
import { Recorder, type RecorderOptions } from "../../lib/session/recorder.ts";
import { SessionNotFoundError } from "../../lib/session/registry/registry_error.ts";
import type { Registry } from "../../lib/session/registry/registry.ts";
import { openSessionLog } from "../../lib/session/log/session_log.ts";
import type { Session } from "../../lib/session/model/session.ts";
import { tempDir } from "../kit/testing.ts";

const STORY = { id: "US-001", title: "Log in" };
const USAGE: Usage = {
  inputTokens: 10,
  outputTokens: 20,
  cacheReadTokens: 30,
  cacheWriteTokens: 40,
  costUsd: 0.25,
};

let clock = Date.UTC(2026, 0, 1);
const at = (body: LoopEventBody): LoopEvent => ({
  time: new Date(clock += 1000).toISOString(),
  ...body,
});
const agent = (event: AgentEvent) => at({ type: "agent", iteration: 1, event });

const started = (iteration: number) =>
  at({
    type: "iteration_started",
    iteration,
    story: STORY,
    agent: "claude",
    head: null,
    attempt: 1,
  });

const finished = (iteration: number, usage?: Usage) =>
  at({
    type: "iteration_finished",
    failuresInRow: 0,
    iteration,
    story: STORY,
    agent: "claude",
    outcome: "passed",
    ending: { kind: "ok" },
    stderrTail: [],
    denials: [],
    headBefore: "a",
    headAfter: "b",
    commits: 1,
    changed: true,
    passed: ["US-001"],
    stories: { done: iteration, total: 3 },
    durationMs: 5,
    ...(usage ? { usage } : {}),
  });

const RESULT: LoopResult = {
  outcome: "limit",
  reason: "Iteration limit (2) reached",
  details: [],
  iterations: 2,
  stories: { done: 2, total: 3 },
  open: [],
  commits: 2,
  filesChanged: 2,
  agents: { claude: 2 },
  failovers: 0,
  durationMs: 10,
  usage: USAGE,
};

interface Fixture extends AsyncDisposable {
  dir: string;
  registry: Registry;
  recorder: Recorder;
  session: () => Session;
}

async function fixture(options: Partial<RecorderOptions> = {}): Promise<Fixture> {
  await using stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(await tempDir());
  const registry = stack.use(openRegistry({ path: `${dir}/sessions.db` }));
  const log = stack.use(await openSessionLog(dir));
  const { id } = registry.createSession({ task: "t", taskDir: "/t", root: "/", agent: "x" });
  const recorder = stack.use(new Recorder(id, { registry, log, ...options }));
  const session = () => {
    const found = registry.getSession(id);
    assert(found);
    return found;
  };
  const all = stack.move();
  return { dir, registry, recorder, session, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

Deno.test("write() records a whole session in the log, the registry and the output", async () => {
  await using it = await fixture();
  const events = [
    at({
      type: "loop_started",
      task: "t",
      taskDir: "/t",
      root: "/",
      branch: "ralph/t",
      agent: "claude",
      limits: { iterations: 2 },
      stories: { done: 0, total: 3 },
      verifies: false,
      list: [],
    }),
    started(1),
    agent({ kind: "session", agentSessionId: "ses_1" }),
    agent({ kind: "text", text: "Reading\nfiles" }),
    agent({ kind: "tool", tool: "Bash", detail: "ls" }),
    agent({ kind: "output", stream: "stderr", line: "a warning" }),
    finished(1, USAGE),
    started(2),
    agent({ kind: "usage", usage: USAGE }),
    finished(2),
    at({ type: "loop_finished", agent: "claude", maxIterations: 2, result: RESULT }),
  ];
  for (const [index, event] of events.entries()) {
    assertEquals(await it.recorder.write(event), { seq: index + 1, event });
  }
  const recorded = await Array.fromAsync(readSessionLog(it.dir));
  assertEquals(recorded, events.map((event, index) => ({ seq: index + 1, event })));

  const session = it.session();
  assertEquals(
    [session.status, session.endReason, session.endOutcome],
    ["stopped", RESULT.reason, "limit"],
  );
  assertEquals([session.branch, session.agent, session.agentSessionId], [
    "ralph/t",
    "claude",
    "ses_1",
  ]);
  assertEquals([session.iteration, session.maxIterations, session.currentStory], [2, 2, "US-001"]);
  assertEquals(session.stories, { done: 2, total: 3 });
  assertEquals(session.usage.inputTokens, 20);
  assertEquals(session.usage.costUsd, 0.5);
  assertEquals([session.updatedAt, session.endedAt], [events.at(-1)?.time, events.at(-1)?.time]);
  const iterations = it.registry.listIterations(session.id);
  assertEquals(iterations.map((row) => row.outcome), ["passed", "passed"]);
  assertEquals(iterations[0]?.usage, USAGE);
  assertEquals(iterations[0]?.startedAt, events[1]?.time);

  const lines = (await readFile(`${it.dir}/output.log`, "utf8")).split("\n");
  assertMatch(lines[0] ?? "", /iteration 1: US-001 Log in \(claude\)/);
  assertEquals(lines.slice(1, 4), ["Reading", "files", "a warning"]);
});

Deno.test("write() has passed the event to the system when it resolves", async () => {
  await using it = await fixture({ batchMs: 60_000 });
  for (let i = 1; i <= 3; i++) {
    await it.recorder.write(at({ type: "warning", message: `${i}` }));
    const text = await readFile(`${it.dir}/events.ndjson`, "utf8");
    assertEquals(text.split("\n").length, i + 1);
  }
});

Deno.test("write() numbers events in order, even if nobody awaits them", async () => {
  await using it = await fixture();
  const writes = Array.from(
    { length: 5000 },
    (_, index) => it.recorder.write(at({ type: "warning", message: `${index + 1}` })),
  );
  for (const [index, { seq, event }] of (await Promise.all(writes)).entries()) {
    assertEquals([seq, event.type === "warning" && event.message], [index + 1, `${index + 1}`]);
  }
  assertEquals((await Array.fromAsync(readSessionLog(it.dir))).length, 5000);
});

Deno.test("write() puts the agent's process into the registry at once and takes it out", async () => {
  await using it = await fixture({ batchMs: 60_000 });
  await it.recorder.write(started(1));
  assertEquals(it.session().iteration, 0);
  await it.recorder.write(agent({ kind: "process", pid: process.pid }));
  assertEquals(it.session().iteration, 1);
  assertEquals(it.session().agentProcess, processIdentity(process.pid) ?? null);
  await it.recorder.write(finished(1));
  assertEquals(it.session().agentProcess, null);
});

Deno.test("write() lets the registry follow after a moment", async () => {
  await using it = await fixture({ batchMs: 1 });
  await it.recorder.write(agent({ kind: "usage", usage: USAGE }));
  while (it.session().usage.inputTokens === 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertEquals(it.session().usage, USAGE);
});

Deno.test("Recorder continues with the totals of the session", async () => {
  await using it = await fixture();
  it.registry.updateSession(it.session().id, { usage: USAGE });
  await using log = await openSessionLog(`${it.dir}/again`);
  await using recorder = new Recorder(it.session().id, { registry: it.registry, log });
  await recorder.write(started(1));
  await recorder.write(finished(1, USAGE));
  assertEquals(it.session().usage.outputTokens, 40);
  assertThrows(
    () => new Recorder("unknown", { registry: it.registry, log }),
    SessionNotFoundError,
  );
});

Deno.test("write() rejects when the log cannot be written", async () => {
  await using dir = await tempDir();
  using registry = openRegistry({ path: ":memory:" });
  const { id } = registry.createSession({ task: "t", taskDir: "/t", root: "/", agent: "x" });
  const log = await openSessionLog(dir.path);
  await using recorder = new Recorder(id, { registry, log });
  const append = log.flush.bind(log);
  log.flush = () => Promise.reject(new Error("No space left on device"));
  await assertRejects(
    () => recorder.write(at({ type: "warning", message: "x" })),
    Error,
    "No space left on device",
  );
  log.flush = append;
});

Deno.test("write() does not change the history once another process has ended the session", async () => {
  await using it = await fixture();
  await it.recorder.write(started(1));
  await it.recorder.flush();
  it.registry.endSession(it.session().id, "failed", "worker died");
  const before = it.session();
  await it.recorder.write(finished(1, USAGE));
  await it.recorder.write(at({ type: "loop_finished", agent: "claude", result: RESULT }));
  assertEquals(it.session(), before);
  assertEquals(it.registry.listIterations(before.id)[0]?.error, "worker died");
});

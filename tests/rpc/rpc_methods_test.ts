import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { RpcMethod } from "../../lib/rpc/protocol/protocol.ts";
import { RPC_METHODS, RPC_NOTIFICATIONS } from "../../lib/rpc/protocol/protocol_schema.ts";
import { FakeTerminal, LineClient, outputEvent, SESSION, testServer } from "../kit/rpc_testing.ts";
import { event, iterationStarted, loopResult, midRun, started } from "../kit/ui_events.ts";

/** Calls a method and checks its result against its schema. */
async function call(client: LineClient, method: RpcMethod, params?: unknown): Promise<unknown> {
  const { result, error } = await client.call(method, params);
  assertEquals(error, undefined);
  assertEquals(RPC_METHODS[method].result.parse(result), result);
  return result;
}

/** Checks the data of a notification against its schema. */
async function heard(client: LineClient, type: keyof typeof RPC_NOTIFICATIONS): Promise<unknown> {
  const { data, timestamp } = await client.event(type);
  assertMatch(timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assertEquals(RPC_NOTIFICATIONS[type].data.parse(data), data);
  return data;
}

Deno.test("hello returns the version of the protocol, the capabilities and the session", async () => {
  await using test = await testServer();
  await test.tell(started());
  await using client = await LineClient.connect(test.server.path);
  const result = await call(client, "hello", { client: "test", protocol: 1 }) as {
    version: string;
  };
  assertMatch(result.version, /^\d+\.\d+\.\d+/);
  assertEquals({ ...result, version: "" }, {
    protocol: 1,
    version: "",
    capabilities: ["replay", "roles", "screen"],
    role: "control",
    session_id: SESSION.id,
    task_name: "job",
    task_dir: "/repo/tasks/job",
    last_seq: 1,
  });
});

Deno.test("hello with the role observe permanently refuses methods that act on the loop", async () => {
  await using test = await testServer();
  await using client = await LineClient.connect(test.server.path);
  await call(client, "hello", { role: "observe" });
  const control: RpcMethod[] = [
    "stop",
    "checkpoint",
    "inject_prompt",
    "retry_now",
    "set_interactive_mode",
    "write_pty",
    "resize_pty",
  ];
  for (const method of control) {
    const { error } = await client.call(method, { prompt: "x", enabled: true, data: "x" });
    assertEquals(error.code, -32602, method);
    assertEquals(
      error.message,
      `Invalid params: ${method} requires the role control, this connection has observe`,
    );
    assertEquals(error.data, { role: "observe" });
  }
  const names = Object.keys(RPC_METHODS) as RpcMethod[];
  assertEquals(names.filter((name) => RPC_METHODS[name].role === "control").sort(), control.sort());
  assertEquals((await client.call("hello", { role: "control" })).error.code, -32602);
  assertEquals((await client.call("get_status")).error, undefined);
  assertEquals(test.control.asked, []);
  assertEquals(test.control.interactive, false);
});

Deno.test("get_status and get_state return the state of the loop", async () => {
  await using test = await testServer();
  await using client = await LineClient.connect(test.server.path);
  const first = await call(client, "get_status");
  assertEquals(first, {
    task_name: "job",
    task_dir: "/repo/tasks/job",
    iteration: 0,
    max_iterations: null,
    current_story: "",
    agent: "claude",
    status: "running",
    interactive_mode: false,
    started_at: SESSION.startedAt,
    updated_at: SESSION.startedAt,
    recent_output: [],
  });
  await test.tell(...midRun());
  const { recent_output, ...status } = await call(client, "get_state") as Record<string, unknown>;
  assertEquals(status, {
    task_name: "job",
    task_dir: "/repo/tasks/job",
    iteration: 6,
    max_iterations: 50,
    current_story: "US-006",
    agent: "opencode",
    status: "running",
    interactive_mode: false,
    started_at: SESSION.startedAt,
    updated_at: midRun().at(-1)?.time,
  });
  assertStringIncludes((recent_output as string[]).at(-1) ?? "", "iteration 6: US-006");
  await test.tell(...Array.from({ length: 250 }, (_, index) => outputEvent(`line ${index}`)));
  const { recent_output: lines } = await call(client, "get_status") as { recent_output: string[] };
  assertEquals([lines.length, lines[0], lines.at(-1)], [200, "line 50", "line 249"]);
  const result = loopResult({ outcome: "limit" });
  await test.tell(event(3000, { type: "loop_finished", result, agent: "claude" }));
  assertEquals((await call(client, "get_status") as { status: string }).status, "stopped");
});

Deno.test("stop, checkpoint, retry_now and inject_prompt reach the loop", async () => {
  await using test = await testServer();
  await using client = await LineClient.connect(test.server.path);
  assertEquals(await call(client, "stop"), { status: "stop_requested" });
  assertEquals(await call(client, "checkpoint"), { status: "checkpoint_requested" });
  assertEquals(await call(client, "retry_now"), { status: "retry_requested" });
  const prompt = 'Use the "new" API\nand be quick';
  assertEquals(await call(client, "inject_prompt", { prompt }), {
    status: "prompt_injected",
    prompt,
  });
  assertEquals(test.control.asked, [
    "stop: RPC client",
    "checkpoint: RPC client",
    "retry",
    `prompt: ${prompt}`,
  ]);
  const { error } = await client.call("inject_prompt", { prompt: "" });
  assertEquals(error.code, -32602);
  assertStringIncludes(error.message, "Invalid params: prompt: ");
});

Deno.test("set_interactive_mode notifies subscribers once", async () => {
  await using test = await testServer();
  await using client = await LineClient.connect(test.server.path);
  await using other = await LineClient.connect(test.server.path);
  await call(other, "subscribe", { events: ["state_change"] });
  for (const enabled of [true, true, false]) {
    const result = await call(client, "set_interactive_mode", { enabled });
    assertEquals(result, { interactive_mode: enabled });
  }
  assertEquals(test.control.interactive, false);
  // Both changes may arrive as one: then the last state counts.
  let state: unknown;
  do state = await heard(other, "state_change"); while (
    (state as { interactive_mode: boolean }).interactive_mode
  );
  assertEquals(state, { interactive_mode: false });
  assertEquals((await client.call("set_interactive_mode", { enabled: "yes" })).error.code, -32602);
});

Deno.test("write_pty and resize_pty reach the terminal, or say why not", async () => {
  await using test = await testServer();
  await using client = await LineClient.connect(test.server.path);
  const ignored = (reason: string) => ({ status: "ignored", reason });
  assertEquals(await call(client, "write_pty", { data: "x" }), ignored("not in interactive mode"));
  test.control.interactive = true;
  assertEquals(await call(client, "write_pty", { data: "x" }), ignored("no terminal"));
  assertEquals(await call(client, "resize_pty", { columns: 1, rows: 1 }), ignored("no terminal"));
  const terminal = test.control.terminal = new FakeTerminal();
  assertEquals(await call(client, "write_pty", { data: "yes\r" }), { status: "forwarded" });
  assertEquals(await call(client, "resize_pty", { columns: 132, rows: 43 }), { status: "resized" });
  assertEquals([terminal.typed, terminal.columns, terminal.rows], ["yes\r", 132, 43]);
  for (const params of [{ columns: 0, rows: 1 }, { columns: 1, rows: 1001 }, { columns: 1 }]) {
    assertEquals((await client.call("resize_pty", params)).error.code, -32602);
  }
});

Deno.test("get_screen and the topic screen show the terminal, and every new one", async () => {
  await using test = await testServer();
  await using client = await LineClient.connect(test.server.path);
  assertEquals(await call(client, "get_screen"), { screen: null, columns: null, rows: null });
  const first = test.control.terminal = new FakeTerminal();
  first.print("one ");
  assertEquals(await call(client, "get_screen"), { screen: "one ", columns: 80, rows: 24 });
  await call(client, "subscribe", { events: ["screen"] });
  // The existing screen is painted at once, and later output comes as it is.
  assertEquals(await heard(client, "screen"), { data: "\x1bcone ", columns: 80, rows: 24 });
  first.print("two");
  assertEquals(await heard(client, "screen"), { data: "two" });
  const second = test.control.terminal = new FakeTerminal();
  second.print("three");
  await test.tell(iterationStarted(1, 1));
  assertEquals(await heard(client, "screen"), { data: "\x1bcthree", columns: 80, rows: 24 });
  assertEquals(first.listeners, 0);
  await call(client, "unsubscribe", { events: ["screen"] });
  second.print("four");
  assertEquals(await call(client, "get_screen"), { screen: "threefour", columns: 80, rows: 24 });
  assertEquals(client.received, []);
});

Deno.test("get_events reads events from any number on, old and new", async () => {
  await using test = await testServer({ ringSize: 4 });
  const numbered = await test.tell(...midRun());
  await using client = await LineClient.connect(test.server.path);
  const last_seq = numbered.length;
  const result = (since: number, limit: number) =>
    call(client, "get_events", { since, limit }) as Promise<unknown>;
  assertEquals(await call(client, "get_events"), { events: numbered, last_seq, more: false });
  assertEquals(await result(2, 3), { events: numbered.slice(2, 5), last_seq, more: true });
  assertEquals(await result(last_seq - 2, 1), {
    events: numbered.slice(-2, -1),
    last_seq,
    more: true,
  });
  assertEquals(await result(last_seq, 5), { events: [], last_seq, more: false });
  assertEquals(await result(last_seq + 9, 5), { events: [], last_seq, more: false });
  for (const params of [{ since: -1 }, { limit: 0 }, { limit: 10_001 }, { since: 0.5 }]) {
    assertEquals((await client.call("get_events", params)).error.code, -32602);
  }
});

Deno.test("get_events cuts an answer that would be too long", async () => {
  await using test = await testServer();
  const long = "x".repeat(8000);
  await test.tell(...Array.from({ length: 900 }, () => outputEvent(long)));
  await using client = await LineClient.connect(test.server.path);
  const seqs: number[] = [];
  for (let more = true; more;) {
    const { result } = await client.call("get_events", { since: seqs.at(-1) ?? 0 });
    assert(JSON.stringify(result).length < 5 * 1024 * 1024);
    seqs.push(...result.events.map((each: { seq: number }) => each.seq));
    more = result.more;
  }
  assertEquals(seqs, Array.from({ length: 900 }, (_, index) => index + 1));
});

Deno.test("subscribe and unsubscribe answer with all topics, sorted", async () => {
  await using test = await testServer();
  await using client = await LineClient.connect(test.server.path);
  const subscribed = async (method: "subscribe" | "unsubscribe", events: string[]) =>
    (await call(client, method, { events }) as { subscribed: string[] }).subscribed;
  assertEquals(await subscribed("subscribe", ["state_change", "output", "output"]), [
    "output",
    "state_change",
  ]);
  assertEquals(await subscribed("subscribe", ["*"]), ["*", "output", "state_change"]);
  assertEquals(await subscribed("unsubscribe", ["output", "screen"]), ["*", "state_change"]);
  for (const events of [["nonsense"], "output", [], undefined, [1]]) {
    assertEquals((await client.call("subscribe", { events })).error.code, -32602);
  }
  assertEquals(
    (await client.call("subscribe", { events: ["output"], since: 0 })).error.code,
    -32602,
  );
  assertEquals(
    (await client.call("subscribe", { events: ["event"], since: 9 })).error.code,
    -32602,
  );
  assertEquals(await subscribed("unsubscribe", ["*", "state_change"]), []);
});

Deno.test("output and state_change give an older client what it knows", async () => {
  await using test = await testServer();
  await using client = await LineClient.connect(test.server.path);
  await test.tell(started());
  await call(client, "subscribe", { events: ["*"] });
  await test.tell(iterationStarted(1, 1, "opencode"), outputEvent("one"), outputEvent("two"));
  assertEquals(await heard(client, "state_change"), {
    iteration: 1,
    current_story: "US-001",
    agent: "opencode",
  });
  const heading = await heard(client, "output") as { line: string };
  assertStringIncludes(heading.line, "iteration 1: US-001");
  assertEquals(await heard(client, "output"), { line: "one" });
  assertEquals(await heard(client, "output"), { line: "two" });
  const result = loopResult();
  await test.tell(event(9, { type: "loop_finished", result, agent: "opencode" }));
  assertEquals(await heard(client, "state_change"), { status: "completed" });
  assertEquals(client.received, []);
});

Deno.test("event sends every event with its number, from the subscription on", async () => {
  await using test = await testServer();
  await using client = await LineClient.connect(test.server.path);
  await test.tell(started());
  await call(client, "subscribe", { events: ["event"] });
  const numbered = await test.tell(...midRun().slice(1));
  for (const each of numbered) {
    assertEquals(await heard(client, "event"), each);
  }
  assertEquals(client.received, []);
});

Deno.test("a failure of the server is an internal error, and the connection survives", async () => {
  await using test = await testServer();
  test.control.injectPrompt = () => {
    throw new Error("no room");
  };
  await using client = await LineClient.connect(test.server.path);
  const { error } = await client.call("inject_prompt", { prompt: "x" });
  assertEquals(error, { code: -32603, message: "Internal error: no room" });
  await call(client, "get_status");
});

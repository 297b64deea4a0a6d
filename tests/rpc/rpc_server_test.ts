import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { claimSocketPath, removeStaleSocket } from "../../lib/rpc/server/socket_path.ts";
import { startSessionServer } from "../../lib/rpc/server/session_server.ts";
import {
  FakeControl,
  FakeTerminal,
  LineClient,
  outputEvent,
  SESSION,
  testServer,
} from "../kit/rpc_testing.ts";
import { tempDir } from "../kit/testing.ts";
import { event, iterationStarted, loopResult, started } from "../kit/ui_events.ts";

const exists = (path: string) => stat(path).then(() => true, () => false);
const outputs = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => outputEvent(`${from + index} ${"x".repeat(200)}`));

Deno.test("startSessionServer() creates a socket for this user alone, and removes it at the end", async () => {
  await using dir = await tempDir();
  const paths = {
    socketsDir: join(dir.path, "data", "sockets"),
    stateDir: join(dir.path, "state"),
  };
  const options = { paths, dir: dir.path, control: new FakeControl() };
  await mkdir(paths.socketsDir, { recursive: true, mode: 0o755 });
  let path: string;
  {
    await using server = await startSessionServer(SESSION, options);
    path = server.path;
    assertEquals(path, join(paths.socketsDir, "job.sock"));
    assertEquals((await stat(path)).mode & 0o777, 0o600);
    assertEquals((await stat(paths.socketsDir)).mode & 0o777, 0o700);
  }
  assertEquals(await exists(path), false);
  await assertRejects(() => LineClient.connect(path), Error, "ENOENT");
});

Deno.test("claimSocketPath() gives a second repository another path", async () => {
  await using dir = await tempDir();
  const paths = { socketsDir: join(dir.path, "sockets"), stateDir: join(dir.path, "state") };
  const { task, root } = SESSION;
  await using first = await claimSocketPath({ task, root }, paths);
  assertEquals(first.path, join(paths.socketsDir, "job.sock"));
  const other = "/elsewhere";
  const hash = createHash("sha256").update(other).digest("hex").slice(0, 8);
  await using second = await claimSocketPath({ task, root: other }, paths);
  assertEquals(second.path, join(paths.socketsDir, `job-${hash}.sock`));
  await using third = await claimSocketPath({ task, root: other }, paths);
  assert(!third.path.startsWith(paths.socketsDir));
});

Deno.test("claimSocketPath() replaces a stale socket, and leaves a live one alone", async () => {
  await using dir = await tempDir();
  const paths = { socketsDir: join(dir.path, "sockets"), stateDir: join(dir.path, "state") };
  await mkdir(paths.socketsDir);
  const path = join(paths.socketsDir, "job.sock");
  // As a killed worker leaves it.
  await writeFile(path, "");
  {
    await using claim = await claimSocketPath(SESSION, paths);
    assertEquals(claim.path, path);
    assertEquals(await exists(path), false);
    const socket = createServer().listen(path);
    await once(socket, "listening");
    await removeStaleSocket(path, paths);
    assertEquals(await exists(path), true);
    socket.close();
    await once(socket, "close");
  }
});

Deno.test("removeStaleSocket() removes only a socket that nobody uses", async () => {
  await using dir = await tempDir();
  const paths = { stateDir: join(dir.path, "state") };
  const path = join(dir.path, "job.sock");
  const socket = createServer().listen(path);
  await once(socket, "listening");
  await removeStaleSocket(path, paths);
  assertEquals(await exists(path), false);
  socket.close();
  await once(socket, "close");
  const file = join(dir.path, "precious");
  await writeFile(file, "");
  await removeStaleSocket(file, paths);
  await removeStaleSocket(join(dir.path, "missing"), paths);
  assertEquals(await exists(file), true);
});

Deno.test("claimSocketPath() uses a short path if the usual one is too long for a socket", async () => {
  await using dir = await tempDir();
  const socketsDir = join(dir.path, "x".repeat(100), "sockets");
  const paths = { socketsDir, stateDir: join(dir.path, "state") };
  const options = { paths, dir: dir.path, control: new FakeControl() };
  let folder: string;
  {
    await using server = await startSessionServer(SESSION, options);
    await using client = await LineClient.connect(server.path);
    assertEquals((await client.call("get_status")).result.status, "running");
    folder = dirname(server.path);
    assertEquals((await stat(folder)).mode & 0o777, 0o700);
    assertEquals((await stat(server.path)).mode & 0o777, 0o600);
  }
  assertEquals(await exists(folder), false);
});

Deno.test("startSessionServer() says why there is no socket, and leaves nothing", async () => {
  await using dir = await tempDir();
  const paths = { socketsDir: join(dir.path, "sockets"), stateDir: join(dir.path, "state") };
  await mkdir(join(paths.socketsDir, "job.sock", "folder"), { recursive: true });
  const options = { paths, dir: dir.path, control: new FakeControl() };
  await assertRejects(() => startSessionServer(SESSION, options), Error);
  await chmod(paths.socketsDir, 0o700);
  assertEquals(await readdir(paths.socketsDir), ["job.sock"]);
});

Deno.test("a client that reads nothing costs a bounded amount, and is notified of what it missed", async () => {
  await using test = await testServer({ maxQueueBytes: 100_000 });
  const terminal = test.control.terminal = new FakeTerminal();
  await using client = await LineClient.connect(test.server.path);
  await client.call("subscribe", { events: ["output", "state_change", "event", "screen"] });
  await client.event("screen");
  client.socket.pause();
  const COUNT = 20_000;
  for (let at = 0; at < COUNT; at += 100) {
    terminal.print(`${at} ${"y".repeat(1000)}\n`);
    await test.tell(...outputs(100, at));
    await delay(0);
  }
  await test.tell(iterationStarted(1, 1), iterationStarted(2, 2));
  client.socket.resume();
  const lagged = await client.next(({ params }) =>
    params?.type === "lagged" && params.data.dropped.length > 0
  );
  assertEquals(lagged.params.data.dropped, ["output", "screen"]);
  assert(lagged.params.data.from > 100 && lagged.params.data.from < COUNT);
  const behind = await client.next(({ params }) =>
    params?.type === "lagged" && params.data.dropped.length === 0
  );
  assert(behind.params.data.from > 1 && behind.params.data.from < COUNT - 900);
  // The screen is painted as it is now, and only the last state is sent.
  const paint = await client.next(({ params }) => params?.data.columns === 80);
  assertEquals(paint.params.data.data, `\x1bc${terminal.text}`);
  const change = await client.next(({ params }) => params?.data.current_story === "US-002");
  assertEquals(change.params.data, { iteration: 2, current_story: "US-002" });
  // No event is missing, only other notifications.
  const last = COUNT + 2;
  await client.next(({ params }) => params?.data.seq === last);
  const seqs = client.received.filter((each) => each.params?.type === "event")
    .map((each) => each.params.data.seq);
  assertEquals(seqs, Array.from({ length: last - 1 }, (_, index) => index + 1));
  const lines = client.received.filter((each) => each.params?.type === "output");
  assert(lines.length > 100 && lines.length < COUNT / 2, `${lines.length} lines`);
  // After one notification, everything continues as before.
  await test.tell(outputEvent("again"));
  assertEquals(
    (await client.next((each) =>
      each.params?.type === "output" && each.params.data.line === "again"
    )).params.type,
    "output",
  );
});

Deno.test("a client that does not read its answers is not read from either", async () => {
  await using test = await testServer();
  await test.tell(...outputs(900));
  await using client = await LineClient.connect(test.server.path);
  client.socket.pause();
  let calls = 0;
  const { injectPrompt } = test.control;
  test.control.injectPrompt = function (text: string) {
    calls++;
    injectPrompt.call(this, text);
  };
  const request = (method: string, id: number, params = {}) =>
    `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`;
  for (let id = 0; id < 200; id++) {
    client.send(request("get_events", id) + request("inject_prompt", id, { prompt: "x" }));
  }
  await using other = await LineClient.connect(test.server.path);
  for (let i = 0; i < 20; i++) await other.call("get_status");
  assert(calls < 20, `${calls} calls`);
  client.socket.resume();
  await client.next((each) => each.id === 199 && each.result.prompt === "x");
  assertEquals(calls, 200);
});

Deno.test("the last events reach the clients before the server ends, except a stuck one", async () => {
  let path: string;
  const clients: LineClient[] = [];
  {
    await using test = await testServer();
    path = test.server.path;
    for (let i = 0; i < 5; i++) {
      const client = await LineClient.connect(path);
      clients.push(client);
      await client.call("subscribe", { events: ["event"] });
    }
    clients[0]?.socket.pause();
    await test.tell(...outputs(5000));
    await delay(300);
    await test.tell(event(9, { type: "loop_finished", result: loopResult(), agent: "claude" }));
    const at = performance.now();
    await test.server[Symbol.asyncDispose]();
    assert(performance.now() - at < 250, `${performance.now() - at} ms`);
  }
  for (const client of clients.slice(1)) {
    await client.next((each) => each.params?.data.event?.type === "loop_finished");
    await client.closed();
    assertEquals(client.received.filter((each) => each.params.type === "event").length, 5000);
  }
  for (const client of clients) await client[Symbol.asyncDispose]();
});

Deno.test("a server limits the number of clients", async () => {
  await using test = await testServer({ maxConnections: 2 });
  await using first = await LineClient.connect(test.server.path);
  await using second = await LineClient.connect(test.server.path);
  await first.call("get_status");
  await second.call("get_status");
  await using third = await LineClient.connect(test.server.path);
  const { id, error } = await third.next();
  assertEquals([id, error.code], [null, -32603]);
  await third.closed();
  await first.call("get_status");
});

Deno.test("subscribe with since joins past and new events, without gaps or repetitions", async () => {
  await using test = await testServer({ ringSize: 50, log: { maxBytes: 50_000, maxFiles: 100 } });
  await test.tell(started(), ...outputs(2000));
  await using client = await LineClient.connect(test.server.path);
  await client.call("subscribe", { events: ["event"], since: 0 });
  for (let at = 0; at < 2000; at += 20) {
    await test.tell(...outputs(20, at));
    if (at % 200 === 0) await delay(0);
  }
  await client.next((each) => each.params?.data.seq === 4001);
  const seqs = () =>
    client.received.splice(0).filter((each) => each.params?.type === "event")
      .map((each) => each.params.data.seq);
  assertEquals(seqs(), Array.from({ length: 4000 }, (_, index) => index + 1));
  // Again from another place, on the same connection.
  await client.call("subscribe", { events: ["event"], since: 3000 });
  await client.next((each) => each.params?.data.seq === 4001);
  assertEquals(seqs(), Array.from({ length: 1000 }, (_, index) => 3001 + index));
  await client.call("unsubscribe", { events: ["event"] });
  await test.tell(...outputs(5));
  await client.call("get_status");
  assertEquals(seqs(), []);
});

Deno.test("subscribe with since says which events are gone because the log grew too large", async () => {
  await using test = await testServer({ ringSize: 10, log: { maxBytes: 10_000, maxFiles: 2 } });
  await test.tell(...outputs(50));
  for (let i = 0; i < 20; i++) await test.tell(...outputs(20));
  await using client = await LineClient.connect(test.server.path);
  await client.call("subscribe", { events: ["event"], since: 3 });
  assertEquals((await client.event("lagged")).data, { from: 4, dropped: ["event"] });
  const first = await client.event("event");
  assert(first.data.seq > 300);
  await client.next((each) => each.params?.data.seq === 450);
  assertEquals(client.received.length, 450 - first.data.seq - 1);
});

Deno.test("subscribe reports a log that cannot be read, and closes the connection", async () => {
  await using test = await testServer({ ringSize: 2 });
  await test.tell(...outputs(10));
  await writeFile(join(test.dir, "events.ndjson"), "nonsense\n");
  await using client = await LineClient.connect(test.server.path);
  await client.call("subscribe", { events: ["event"], since: 3 });
  const { id, error } = await client.next();
  assertEquals([id, error.code], [null, -32603]);
  await client.closed();
});

Deno.test("publish() costs next to nothing if nobody listens", async () => {
  await using test = await testServer();
  const many: LoopEvent = outputEvent("x".repeat(100));
  const at = performance.now();
  for (let seq = 1; seq <= 100_000; seq++) test.server.write(many, seq);
  const each = (performance.now() - at) / 100_000;
  assert(each < 0.05, `${each} ms each`);
});

import { assert, assertEquals, assertRejects } from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connectSession } from "../../lib/rpc/client/connect_session.ts";
import type { RpcNotification } from "../../lib/rpc/protocol/protocol.ts";
import { RpcConnectionError } from "../../lib/rpc/client/rpc_channel.ts";
import { RpcError } from "../../lib/rpc/protocol/messages.ts";
import { commandTransport, unixTransport } from "../../lib/rpc/client/transports.ts";
import { seeded } from "../chaos/seeded.ts";
import { outputEvent, SESSION, type TestServer, testServer } from "../kit/rpc_testing.ts";
import { tempDir } from "../kit/testing.ts";
import { event, loopResult, started } from "../kit/ui_events.ts";

const CHILD = fileURLToPath(new URL("../testdata/rpc_client_child.ts", import.meta.url));
const END = event(9, { type: "loop_finished", result: loopResult(), agent: "claude" });
const outputs = (count: number) => Array.from({ length: count }, (_, i) => outputEvent(`${i}`));
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

/** Publishes events in small pieces, and yields to other work between them. */
async function tellSlowly(test: TestServer, count: number, piece: number): Promise<void> {
  for (let told = 0; told < count; told += piece) {
    await test.tell(...outputs(piece));
    await delay(0);
  }
  await test.tell(END);
}

/** A proxy between a client and its server that cuts connections. */
async function flakyProxy(
  test: TestServer,
): Promise<AsyncDisposable & { path: string; cut(): void; connections(): number }> {
  const path = join(test.path, "proxy.sock");
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((inner) => {
    connections++;
    const outer = connect(test.server.path);
    for (const [one, other] of [[inner, outer], [outer, inner]] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => {});
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  }).listen(path);
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    path,
    cut,
    connections: () => connections,
    async [Symbol.asyncDispose](): Promise<void> {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

/** A server that does what a test wants with its connections. */
async function fakeServer(
  path: string,
  onSocket: (socket: Socket) => void,
): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  }).listen(path);
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** The answer to the hello of a client. */
function hello(more: { protocol?: number; session_id?: string } = {}): string {
  const result = { protocol: 1, session_id: SESSION.id, ...more };
  return `${JSON.stringify({ jsonrpc: "2.0", id: 1, result })}\n`;
}

Deno.test("connectSession() reports the session, and calls its methods", async () => {
  await using test = await testServer();
  await test.tell(started());
  await using client = await connectSession(test.server.path);
  assertEquals([client.session.session_id, client.session.last_seq], [SESSION.id, 1]);
  assertEquals((await client.call("get_status", {})).agent, "claude");
  await client.call("inject_prompt", { prompt: "hello" });
  assertEquals(test.control.asked, ["prompt: hello"]);
  const error = await assertRejects(
    () => client.call("resize_pty", { columns: 0, rows: 0 }),
    RpcError,
  );
  assertEquals(error.code, -32602);
});

Deno.test("connectSession() keeps the requested role", async () => {
  await using test = await testServer();
  await using client = await connectSession(test.server.path, { role: "observe" });
  assertEquals(client.session.role, "observe");
  await assertRejects(() => client.call("stop", {}), RpcError, "requires the role control");
});

Deno.test("connectSession() says what it cannot reach", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "none.sock");
  await assertRejects(
    () => connectSession(path),
    RpcConnectionError,
    `Cannot connect to "${path}": `,
  );
  await using _silent = await fakeServer(path, () => {});
  await assertRejects(
    () => connectSession(path, { timeoutMs: 20 }),
    RpcConnectionError,
    "No answer to hello within 0.02 s",
  );
  const over = new AbortController();
  const connecting = connectSession(path, { signal: over.signal });
  over.abort(new Error("enough"));
  await assertRejects(() => connecting, Error, "enough");
});

Deno.test("events() yields past and new events, and ends", async () => {
  await using test = await testServer();
  await test.tell(started(), ...outputs(5));
  await using client = await connectSession(test.server.path);
  const reading = Array.fromAsync(client.events({ since: 2 }), ({ seq }) => seq);
  await assertRejects(async () => await client.events().next(), TypeError, "already");
  await test.tell(...outputs(5), END);
  assertEquals(await reading, upTo(12).slice(2));
});

Deno.test("events() keeps all events that arrive during a call", async () => {
  await using test = await testServer();
  await using client = await connectSession(test.server.path, { maxQueuedEvents: 10 });
  const seqs: number[] = [];
  await test.tell(started());
  for await (const { seq } of client.events()) {
    seqs.push(seq);
    if (seq === 1) await test.tell(...outputs(3000));
    if (seq % 500 === 0) assertEquals((await client.call("get_status", {})).status, "running");
    if (seq === 3001) await test.tell(END);
  }
  assertEquals(seqs, upTo(3002));
});

Deno.test("events() stops at once when its signal is aborted", async () => {
  await using test = await testServer();
  await using client = await connectSession(test.server.path);
  const over = new AbortController();
  const reading = client.events({ signal: over.signal }).next();
  over.abort(new Error("enough"));
  await assertRejects(() => reading, Error, "enough");
  // The client goes on, and the events can be read again.
  await test.tell(END);
  assertEquals((await Array.fromAsync(client.events())).length, 1);
});

Deno.test("subscribe() receives notifications, even after a lost connection", async () => {
  await using test = await testServer();
  await using proxy = await flakyProxy(test);
  await using client = await connectSession(proxy.path, { retryBaseMs: 1 });
  const heard: RpcNotification[] = [];
  let news = Promise.withResolvers<void>();
  const next = async (): Promise<unknown> => {
    while (heard.length === 0) {
      news = Promise.withResolvers();
      await news.promise;
    }
    return heard.shift()?.data;
  };
  {
    using _listening = await client.subscribe(["output"], (each) => {
      heard.push(each);
      news.resolve();
    });
    await test.tell(outputEvent("one"));
    assertEquals(await next(), { line: "one" });
    proxy.cut();
    // A call waits for the next connection, which is subscribed by then.
    for (;;) {
      const status = await client.call("get_status", {}).catch(() => undefined);
      if (status !== undefined && proxy.connections() > 1) break;
    }
    await test.tell(outputEvent("two"));
    assertEquals(await next(), { line: "two" });
  }
  await client.call("get_status", {});
  await test.tell(outputEvent("three"));
  await client.call("get_status", {});
  assertEquals(heard, []);
});

Deno.test("call() gives up when the answer takes too long", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "mute.sock");
  await using _mute = await fakeServer(path, (socket) => socket.write(hello()));
  await using client = await connectSession(path);
  const error = await assertRejects(
    () => client.call("get_status", {}, { timeoutMs: 20 }),
    DOMException,
    "No answer to get_status within 0.02 s",
  );
  assertEquals(error.name, "TimeoutError");
});

Deno.test("connectSession() refuses a server of another version of the protocol", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "new.sock");
  await using _server = await fakeServer(path, (socket) => socket.write(hello({ protocol: 2 })));
  await assertRejects(() => connectSession(path), RpcConnectionError, "it speaks version 2");
});

Deno.test("a client whose session is gone gives up, and rejects all waiting calls", async () => {
  const test = await testServer();
  await using client = await connectSession(test.server.path, { retryBaseMs: 1, attempts: 3 });
  const reading = client.events().next();
  reading.catch(() => {});
  await test[Symbol.asyncDispose]();
  await assertRejects(() => reading, RpcConnectionError, "Connection to the session lost");
  await assertRejects(() => client.call("get_status", {}), RpcConnectionError);
  await assertRejects(async () => await client.events().next(), RpcConnectionError);
});

Deno.test("a client does not mistake another session at the same path for its own", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "reused.sock");
  let connections = 0;
  await using _server = await fakeServer(path, (socket) => {
    socket.write(hello({ session_id: `session ${++connections}` }));
    // The hello is answered, and the next request ends the connection.
    socket.once("data", () => socket.once("data", () => socket.destroy()));
  });
  await using client = await connectSession(path, { retryBaseMs: 1 });
  const reading = async () => await client.events().next();
  await assertRejects(reading, RpcConnectionError, "The session is over");
  assertEquals(connections, 2);
});

Deno.test("commandTransport() connects through a command, and says why it failed", async () => {
  await using test = await testServer();
  await test.tell(started(), END);
  await using dir = await tempDir();
  const relay = join(dir.path, "relay.mjs");
  await writeFile(
    relay,
    `import { connect } from "node:net";
     const socket = connect(process.argv[2]);
     process.stdin.pipe(socket).pipe(process.stdout);
     socket.on("error", (error) => { console.error("no way: " + error.code); process.exit(1); });`,
  );
  const command = (path: string) => [process.execPath, "run", "-A", "--no-check", relay, path];
  {
    await using client = await connectSession(commandTransport(command(test.server.path)));
    assertEquals((await client.call("get_status", {})).task_name, "job");
    assertEquals((await Array.fromAsync(client.events())).length, 2);
  }
  const missing = join(dir.path, "none.sock");
  await assertRejects(
    () => connectSession(commandTransport(command(missing))),
    RpcConnectionError,
    "no way: ENOENT",
  );
  await assertRejects(
    () => connectSession(commandTransport(["/no/such/program"])),
    RpcConnectionError,
    'Cannot connect to "/no/such/program": ',
  );
});

Deno.test("unixTransport() does not connect when it is aborted before", async () => {
  await assertRejects(
    () => unixTransport("/x").connect(AbortSignal.abort(new Error("no"))),
    Error,
    "no",
  );
});

Deno.test("connections that are cut at random moments lose and repeat none of 100,000 events", async () => {
  const COUNT = 100_000;
  await using test = await testServer({ log: { maxBytes: 4_000_000, maxFiles: 100 } });
  await using proxy = await flakyProxy(test);
  const random = seeded(1);
  const options = { retryBaseMs: 1, retryMaxMs: 20, attempts: 1000 };
  const clients = await Promise.all(upTo(3).map(() => connectSession(proxy.path, options)));
  const told = tellSlowly(test, COUNT, 100);
  const over = new AbortController();
  const cutting = (async () => {
    while (!over.signal.aborted) {
      await delay(random() * 150);
      proxy.cut();
    }
  })();
  const readers = clients.map(async (each) => {
    await using client = each;
    let last = 0;
    for await (const { seq } of client.events()) if (seq !== ++last) assertEquals(seq, last);
    assertEquals(last, COUNT + 1);
  });
  // A new client that starts with only the number that the old one had.
  const restarted = (async () => {
    let last = 0;
    while (last < COUNT + 1) {
      await using client = await connectSession(test.server.path);
      const enough = last + random() * 20_000;
      for await (const { seq } of client.events({ since: last })) {
        if (seq !== ++last) assertEquals(seq, last);
        if (seq > enough) break;
      }
    }
    assertEquals(last, COUNT + 1);
  })();
  await Promise.all([told, restarted, ...readers]);
  over.abort();
  await cutting;
  assert(proxy.connections() > 10, `${proxy.connections()} connections`);
});

Deno.test("a client process that is killed again and again receives each event once", async () => {
  const COUNT = 20_000;
  await using test = await testServer();
  const random = seeded(2);
  const told = tellSlowly(test, COUNT, 20);
  const seqs: number[] = [];
  let kills = 0;
  while (seqs.at(-1) !== COUNT + 1) {
    const args = ["run", "-A", "--no-check", CHILD, test.server.path, String(seqs.at(-1) ?? 0)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const enough = seqs.length + random() * COUNT / 3;
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      seqs.push(...lines.map(Number));
      if (seqs.length > enough && child.exitCode === null) {
        process.kill(child.pid ?? 0, "SIGKILL");
        kills++;
      }
    });
    await once(child, "close");
  }
  await told;
  assertEquals(seqs, upTo(COUNT + 1));
  assert(kills > 1, `${kills} kills`);
});

import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { setTimeout as delay } from "node:timers/promises";
import {
  type Frame,
  LineFramer,
  LineTimeoutError,
  readFrames,
} from "../../lib/rpc/protocol/frames.ts";
import { parseRequest } from "../../lib/rpc/protocol/messages.ts";
import { seeded } from "../chaos/seeded.ts";
import { LineClient, testServer } from "../kit/rpc_testing.ts";

const encoder = new TextEncoder();
const line = (text: string): Frame => ({ kind: "line", text });

Deno.test("LineFramer finds the same lines however the bytes are cut", () => {
  const bytes = encoder.encode('{"a":"ü"}\r\n\n  \n{"b":2}\nrest');
  for (let size = 1; size <= bytes.length; size++) {
    const framer = new LineFramer(100);
    const frames: Frame[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      frames.push(...framer.push(bytes.slice(at, at + size)));
    }
    assertEquals(frames, [line('{"a":"ü"}\r'), line('{"b":2}')]);
    assertEquals(framer.pending, true);
  }
});

Deno.test("LineFramer reports lines that are too long or not UTF-8, and continues", () => {
  const framer = new LineFramer(4);
  assertEquals(framer.push(encoder.encode("1234\n12345\n")), [line("1234"), { kind: "too_long" }]);
  for (let i = 0; i < 10; i++) assertEquals(framer.push(encoder.encode("xxxx")), []);
  assertEquals(framer.push(encoder.encode("\nok\n")), [{ kind: "too_long" }, line("ok")]);
  assertEquals(framer.push(new Uint8Array([0xff, 10, 0xc3, 10])), [
    { kind: "not_utf8" },
    { kind: "not_utf8" },
  ]);
});

Deno.test("parseRequest() answers an invalid request with the right code", () => {
  const cases: [string, number, unknown][] = [
    ["nonsense", -32700, null],
    ['{"jsonrpc":"2.0","id":1,', -32700, null],
    ["[]", -32600, null],
    ['[{"jsonrpc":"2.0","id":1,"method":"get_status"}]', -32600, null],
    ["1", -32600, null],
    ["null", -32600, null],
    ['"get_status"', -32600, null],
    ["{}", -32600, null],
    ['{"id":7,"method":"get_status"}', -32600, 7],
    ['{"jsonrpc":"1.0","id":"x","method":"get_status"}', -32600, "x"],
    ['{"jsonrpc":"2.0","id":7}', -32600, 7],
    ['{"jsonrpc":"2.0","id":7,"method":1}', -32600, 7],
    ['{"jsonrpc":"2.0","id":{},"method":"get_status"}', -32600, null],
    ['{"jsonrpc":"2.0","id":true,"method":"get_status"}', -32600, null],
    ['{"jsonrpc":"2.0","id":7,"method":"get_status","params":1}', -32600, 7],
    ['{"jsonrpc":"2.0","id":7,"method":"get_status","params":null}', -32600, 7],
  ];
  for (const [text, code, id] of cases) {
    const parsed = parseRequest({ kind: "line", text });
    assert(parsed.kind === "error", text);
    assertEquals([parsed.error.code, parsed.id], [code, id], text);
  }
  const notification = '{"jsonrpc":"2.0","method":"stop","params":{"a":1}}';
  assertEquals(parseRequest(line(notification)), {
    kind: "request",
    id: undefined,
    method: "stop",
    params: { a: 1 },
  });
});

Deno.test("readFrames() gives up on a line that comes byte by byte", async () => {
  async function* drip(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield encoder.encode("x");
      await delay(5, undefined, { signal: over.signal });
    }
  }
  const over = new AbortController();
  const error = await Array.fromAsync(readFrames(drip(), { maxBytes: 1e6, lineTimeoutMs: 40 }))
    .catch((error) => error);
  assert(error instanceof LineTimeoutError);
  assertEquals(error.message, "Line not finished within 0.04 s");
  over.abort();
});

Deno.test("a line that is begun and not finished is answered, and the connection closed", async () => {
  await using test = await testServer({ requestTimeoutMs: 30 });
  await using client = await LineClient.connect(test.server.path);
  await client.call("get_status");
  // A connection that says nothing at all may stay.
  await delay(60);
  client.send('{"jsonrpc":"2.0","id":1,');
  const { id, error } = await client.next();
  assertEquals([id, error.code, error.message], [
    null,
    -32700,
    "Parse error: Line not finished within 0.03 s",
  ]);
  await client.closed();
  while (test.server.connections > 0) await delay(1);
});

Deno.test("a request over 1 MB is refused, and one of 1 MB is not", async () => {
  await using test = await testServer();
  await using client = await LineClient.connect(test.server.path);
  const request = (bytes: number) => {
    const text = '{"jsonrpc":"2.0","id":1,"method":"inject_prompt","params":{"prompt":""}}';
    return text.replace('""', `"${"x".repeat(bytes - text.length)}"`);
  };
  client.send(`${request(1_048_576)}\n`);
  assertEquals((await client.next()).result.status, "prompt_injected");
  client.send(`${request(1_048_577)}\n`);
  const { id, error } = await client.next();
  assertEquals([id, error.code], [null, -32600]);
  await client.call("get_status");
});

Deno.test("a client that closes its side gets its answers, and what it is subscribed to", async () => {
  await using test = await testServer();
  await using asking = await LineClient.connect(test.server.path);
  asking.socket.end('{"jsonrpc":"2.0","id":1,"method":"get_status"}\n');
  assertEquals((await asking.next()).result.status, "running");
  await asking.closed();
  await using listening = await LineClient.connect(test.server.path);
  listening.socket.end(
    '{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"events":["event"],"since":0}}\n',
  );
  assertEquals((await listening.next()).result, { subscribed: ["event"] });
  const time = "2026-11-20T18:02:12.000Z";
  await test.tell({ time, type: "warning", message: "Low on disk" });
  assertEquals((await listening.event("event")).data.event.message, "Low on disk");
});

/** A line and what it is answered with: an id and a code, 0 for a result; nothing for `null`. */
type Probe = { bytes: Uint8Array; answer: [id: unknown, code: number] | null };

const MAX_BYTES = 20_000;

/** Without it, garbage stays for as long as there is room. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

function probe(random: () => number, id: number): Probe {
  const pick = <T>(...values: T[]): T => values[Math.floor(random() * values.length)] as T;
  const noise = () => String.fromCharCode(...Array.from({ length: 20 }, () => 32 + random() * 90));
  const request = (more: object, code: number, answerId: unknown = id): Probe => ({
    bytes: encoder.encode(JSON.stringify({ jsonrpc: "2.0", id, ...more })),
    answer: [answerId, code],
  });
  const silent = (more: object): Probe => ({
    bytes: encoder.encode(JSON.stringify({ jsonrpc: "2.0", ...more })),
    answer: null,
  });
  const text = (text: string, code: number): Probe => ({
    bytes: encoder.encode(text),
    answer: [null, code],
  });
  const kinds: (() => Probe)[] = [
    () => text(`{${noise().replaceAll("\n", " ")}`, -32700),
    () => text(JSON.stringify({ jsonrpc: "2.0", id, method: "stop" }).slice(0, -1), -32700),
    () => ({ bytes: new Uint8Array([0x22, 0xff, 0xfe, 0x22]), answer: [null, -32700] }),
    () => text(pick("[]", "[[]]", "[1,2]", '[{"jsonrpc":"2.0","id":1,"method":"stop"}]'), -32600),
    () => text("[".repeat(5000) + "]".repeat(5000), -32600),
    () =>
      text(pick("null", "1", '"stop"', "true", "{}", '{"__proto__":{"method":"stop"}}'), -32600),
    () => text("x".repeat(MAX_BYTES + 1 + Math.floor(random() * MAX_BYTES)), -32600),
    () => request({ jsonrpc: pick<unknown>("1.0", 2, null), method: "stop" }, -32600),
    () => request({ id: pick<unknown>({}, [1], false), method: "stop" }, -32600, null),
    () => request({ method: pick<unknown>(1, null, {}) }, -32600),
    () => request({ method: "get_status", params: pick<unknown>(1, null, "x") }, -32600),
    () => request({ method: pick("", "Stop", "__proto__", "toString", "a".repeat(9000)) }, -32601),
    () =>
      request({ method: "inject_prompt", params: pick<unknown>({}, { prompt: 1 }, ["x"]) }, -32602),
    () => request({ method: "subscribe", params: { events: pick<unknown>(["x"], [], 1) } }, -32602),
    () => request({ method: "get_events", params: { since: pick<unknown>(-1, "1", 1.5) } }, -32602),
    () => request({ method: "inject_prompt", params: { prompt: "fail" } }, -32603),
    () => silent({ method: pick("nonsense", "inject_prompt", "get_status") }),
    () => request({ method: pick("get_status", "hello", "get_events", "get_screen") }, 0),
    () => request({ method: "unsubscribe", params: { events: ["*"], more: noise() } }, 0),
  ];
  return pick(...kinds)();
}

Deno.test("100,000 lines of nonsense, cut anywhere, get the right answers and cost no memory", async () => {
  const ROUNDS = 4;
  const CLIENTS = 4;
  const LINES = 100_000 / ROUNDS / CLIENTS;
  await using test = await testServer({ maxRequestBytes: MAX_BYTES });
  test.control.injectPrompt = () => {
    throw new Error("no");
  };
  const attack = async (seed: number): Promise<void> => {
    const random = seeded(seed);
    await using client = await LineClient.connect(test.server.path);
    const expected: [unknown, number][] = [];
    for (let sent = 0; sent < LINES;) {
      const parts: Uint8Array[] = [];
      for (let i = 0; i < 50; i++, sent++) {
        const { bytes, answer } = probe(random, sent);
        parts.push(bytes, encoder.encode(random() < 0.1 ? "\r\n\n \n" : "\n"));
        if (answer !== null) expected.push(answer);
      }
      const all = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
      for (let at = 0; at < all.length;) {
        const size = 1 + Math.floor(random() ** 8 * 60_000);
        client.send(all.subarray(at, at + size));
        at += size;
      }
      while (expected.length > 0) {
        const { id, result, error } = await client.next();
        const want = expected.shift();
        assertEquals([id, result === undefined ? error.code : 0], want);
      }
    }
  };
  const inUse: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const seeds = Array.from({ length: CLIENTS }, (_, index) => 1 + round * CLIENTS + index);
    await Promise.all(seeds.map((seed) => attack(seed)));
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    inUse.push(heapUsed + external);
  }
  const grown = (inUse.at(-1) ?? 0) - (inUse[0] ?? 0);
  assert(grown < 8 * 1024 * 1024, `grown by ${grown} bytes`);
  assertEquals(test.control.asked, []);
  await using client = await LineClient.connect(test.server.path);
  assertEquals((await client.call("get_status")).result.status, "running");
});

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { readSessionLog } from "../../lib/session/log/read_session_log.ts";
import { openSessionLog, type SessionLog } from "../../lib/session/log/session_log.ts";
import { tempDir } from "../kit/testing.ts";

const FULL_DISK = fileURLToPath(new URL("../testdata/full_disk_child.ts", import.meta.url));
const CHILD = fileURLToPath(new URL("../testdata/session_log_child.ts", import.meta.url));

function warning(message: string): LoopEvent {
  return { time: "2026-01-01T00:00:00.000Z", type: "warning", message };
}

const FINISHED: LoopEvent = {
  time: "2026-01-01T00:00:00.000Z",
  type: "loop_finished",
  agent: "claude",
  result: {
    outcome: "completed",
    reason: "Every story passes",
    details: [],
    iterations: 1,
    stories: { done: 1, total: 1 },
    open: [],
    commits: 0,
    filesChanged: 0,
    agents: {},
    failovers: 0,
    durationMs: 1,
    usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
  },
};

async function appendMany(log: SessionLog, from: number, to: number): Promise<void> {
  for (let i = from; i <= to; i++) {
    log.append(warning(`message ${i}`));
    if (i % 7 === 0) await log.flush();
  }
  await log.flush();
}

async function seqs(dir: string, since = 0): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { seq } of readSessionLog(dir, { since })) numbers.push(seq);
  return numbers;
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

Deno.test("append() numbers events from 1, and flush() puts them into the file", async () => {
  await using dir = await tempDir();
  await using log = await openSessionLog(dir.path);
  const event = warning('line\nbreak \u2028 \ud800 "quoted"');
  assertEquals(log.append(event), { seq: 1, event });
  assertEquals(log.append(warning("two")).seq, 2);
  assertEquals(await readFile(`${dir.path}/events.ndjson`, "utf8"), "");
  await log.flush();
  const text = await readFile(`${dir.path}/events.ndjson`, "utf8");
  assertEquals(text.split("\n").length, 3);
  assertEquals(JSON.parse(text.split("\n")[0] ?? ""), { seq: 1, ...event });
  assertEquals((await Array.fromAsync(readSessionLog(dir.path)))[0], { seq: 1, event });
});

Deno.test("openSessionLog() continues the numbers of an existing log", async () => {
  await using dir = await tempDir();
  for (let i = 0; i < 3; i++) {
    await using log = await openSessionLog(dir.path);
    assertEquals(log.lastSeq, i * 10);
    await appendMany(log, 1, 10);
  }
  assertEquals(await seqs(dir.path), range(1, 30));
});

Deno.test("openSessionLog() moves a torn last line aside, wherever it is torn", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/events.ndjson`;
  {
    await using log = await openSessionLog(dir.path);
    log.append(warning("one"));
    log.append(warning("two"));
  }
  const whole = await readFile(path);
  const first = whole.indexOf(10) + 1;
  for (let cut = first; cut < whole.length; cut++) {
    await writeFile(path, whole.subarray(0, cut));
    await using log = await openSessionLog(dir.path);
    assertEquals(log.lastSeq, 1);
    assertEquals(log.append(warning("again")).seq, 2);
    await log.flush();
    assertEquals(await seqs(dir.path), [1, 2]);
    if (cut === first) continue;
    assertEquals(
      await readFile(`${path}.torn`, "utf8"),
      `${whole.subarray(first, cut)}\n`,
    );
    await rm(`${path}.torn`);
  }
});

Deno.test("openSessionLog() moves zeros that a power failure left aside", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/events.ndjson`;
  {
    await using log = await openSessionLog(dir.path);
    await appendMany(log, 1, 3);
  }
  await appendFile(path, `${"\0".repeat(100_000)}\n${"\0".repeat(70_000)}`);
  await using log = await openSessionLog(dir.path);
  assertEquals(log.lastSeq, 3);
  assertEquals((await stat(`${path}.torn`)).size, 170_002);
});

Deno.test("append() rotates without losing a number, and drops the oldest parts", async () => {
  await using dir = await tempDir();
  const options = { maxBytes: 2000, maxFiles: 4 };
  for (const from of [1, 101]) {
    await using log = await openSessionLog(dir.path, options);
    await appendMany(log, from, from + 99);
  }
  const names = (await readdir(dir.path)).filter((name) => name.startsWith("events")).sort();
  assertEquals(names.length, 4);
  for (const name of names) assert((await stat(`${dir.path}/${name}`)).size <= 2000);
  const numbers = await seqs(dir.path);
  assertEquals(numbers, range(numbers[0] ?? 0, 200));
  assert((numbers[0] ?? 0) > 1);
  assertEquals(await seqs(dir.path, 190), range(191, 200));
});

Deno.test("openSessionLog() finds the last number in the part before an empty one", async () => {
  await using dir = await tempDir();
  const options = { maxBytes: 1000 };
  {
    await using log = await openSessionLog(dir.path, options);
    await appendMany(log, 1, 20);
  }
  // As after a kill -9 right after the rotation.
  await truncate(`${dir.path}/events.ndjson`);
  const before = await seqs(dir.path);
  await using log = await openSessionLog(dir.path, options);
  assertEquals(log.lastSeq, before.at(-1));
});

Deno.test("appendOutput() drops the oldest output with a line that says so", async () => {
  await using dir = await tempDir();
  {
    await using log = await openSessionLog(dir.path, { maxBytes: 1000 });
    for (let i = 1; i <= 200; i++) {
      log.appendOutput(`output line ${i}\n`);
      log.flushOutput();
    }
  }
  const parts = (await readdir(dir.path)).filter((name) => name.startsWith("output.log")).sort();
  assertEquals(parts.length, 2);
  const text = await readFile(`${dir.path}/output.log`, "utf8");
  assertStringIncludes(text.split("\n")[0] ?? "", "the oldest output was deleted");
  assert(text.endsWith("output line 200\n"));
  for (const part of parts) assert((await stat(`${dir.path}/${part}`)).size <= 1000);
});

Deno.test("readSessionLog() leaves an incomplete last line for later", async () => {
  await using dir = await tempDir();
  await using log = await openSessionLog(dir.path);
  log.append(warning("one"));
  await log.flush();
  await appendFile(`${dir.path}/events.ndjson`, '{"seq":2,"ty');
  assertEquals(await seqs(dir.path), [1]);
  assertEquals(await seqs(`${dir.path}/missing`), []);
});

Deno.test("readSessionLog() says which line is not an event", async () => {
  await using dir = await tempDir();
  await using log = await openSessionLog(dir.path);
  log.append(warning("one"));
  await log.flush();
  await appendFile(`${dir.path}/events.ndjson`, "rubbish\n");
  await assertRejects(() => seqs(dir.path), SyntaxError, "the line after event 1 is not an event");
});

Deno.test("readSessionLog() follows a writer across rotations to the end of the loop", async () => {
  await using dir = await tempDir();
  const followers = [0, 0, 100].map(async (since) => {
    const numbers: number[] = [];
    const options = { since, follow: true, pollMs: 1 };
    for await (const { seq } of readSessionLog(dir.path, options)) numbers.push(seq);
    return numbers;
  });
  {
    await using log = await openSessionLog(dir.path, { maxBytes: 5000, maxFiles: 1000 });
    for (let i = 1; i < 2000; i++) {
      log.append(warning(`message ${i}`));
      if (i % 5 === 0) await log.flush();
      // Lets the followers have a turn.
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    log.append(FINISHED);
  }
  assertEquals(await Promise.all(followers), [range(1, 2000), range(1, 2000), range(101, 2000)]);
  const late = readSessionLog(dir.path, { since: 2000, follow: true });
  assertEquals(await Array.fromAsync(late), []);
});

Deno.test("readSessionLog() follows on when a new writer has repaired the log", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/events.ndjson`;
  {
    await using log = await openSessionLog(dir.path);
    log.append(warning("one"));
  }
  await appendFile(path, '{"seq":2,"type":"warning","message":"torn');
  const events = readSessionLog(dir.path, { follow: true, pollMs: 1 });
  assertEquals((await events.next()).value?.seq, 1);
  const next = events.next();
  // The follower has met the torn line when it looks the second time.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await using log = await openSessionLog(dir.path);
  log.append(warning("a new second event that is longer than what was torn off"));
  await log.flush();
  const { value } = await next;
  assertEquals(value?.seq, 2);
  assertStringIncludes(JSON.stringify(value), "a new second event");
  await events.return();
});

Deno.test("readSessionLog() rejects with the reason of its signal", async () => {
  await using dir = await tempDir();
  await using log = await openSessionLog(dir.path);
  log.append(warning("one"));
  await log.flush();
  const controller = new AbortController();
  const { signal } = controller;
  const events = readSessionLog(dir.path, { follow: true, signal });
  await events.next();
  const next = events.next();
  controller.abort(new Error("enough"));
  await assertRejects(() => next, Error, "enough");
});

Deno.test("openSessionLog() has every event that was acknowledged before a kill -9", async () => {
  await using dir = await tempDir();
  let last = 0;
  for (let attempt = 0; attempt < 4; attempt++) {
    const child = spawn(process.execPath, ["run", "-A", "--no-check", CHILD, dir.path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exit = once(child, "close");
    let acknowledged = "";
    for await (const chunk of child.stdout) {
      acknowledged += chunk;
      if (acknowledged.length > 2000 * (attempt + 1)) child.kill("SIGKILL");
    }
    await exit;
    const said = Number(acknowledged.slice(0, acknowledged.lastIndexOf("\n")).split("\n").at(-1));
    const numbers = await seqs(dir.path);
    assertEquals(numbers, range(1, numbers.length));
    assert(numbers.length >= said && said > last, `${numbers.length} events, ${said} acknowledged`);
    last = said;
  }
});

Deno.test({
  name: "flush() leaves no half of a line behind when the disk is full, and the log goes on",
  // Windows has no limit for the size of a file.
  ignore: process.platform === "win32",
  fn: async () => {
    await using dir = await tempDir();
    // A file that may not grow takes a part of a write and refuses the rest, as a full disk does.
    const limited = 'trap "" XFSZ && ulimit -f 16384 && exec "$@"';
    const child = spawn(
      "sh",
      ["-c", limited, "sh", process.execPath, "run", "-A", "--no-check", FULL_DISK, dir.path],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let said = "";
    child.stdout.on("data", (chunk) => said += chunk);
    const [code] = await once(child, "close");
    assertEquals(code, 0);
    const { refused, last } = JSON.parse(said);
    // Deno gives this error no code, Node calls it EFBIG.
    assertMatch(refused, /too large/);
    assertEquals(await seqs(dir.path), range(1, last));
    const [event] = await Array.fromAsync(readSessionLog(dir.path, { since: last - 1 }));
    assertEquals(event?.event, warning("small enough"));
    assert((await readdir(dir.path)).every((name) => !name.endsWith(".torn")));
  },
});

import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentRun } from "../../lib/agent/agent.ts";
import { classifyEnding } from "../../lib/agent/ending/classify_ending.ts";
import { isProcessGroupAlive } from "../../lib/base/end_processes.ts";
import {
  runAgentProcess,
  type RunAgentProcessOptions,
} from "../../lib/agent/process/run_agent_process.ts";
import { collect, outputLines, TEST_ENV } from "../kit/agent_testing.ts";
import { tempDir } from "../kit/testing.ts";

function run(command: string[], options: Partial<RunAgentProcessOptions> = {}): AgentRun {
  return runAgentProcess(command, {
    cwd: "/",
    env: TEST_ENV,
    parse: (line, stream) => [{ kind: "output", stream, line }],
    classify: classifyEnding,
    ...options,
  });
}

const sh = (script: string, options?: Partial<RunAgentProcessOptions>) =>
  run(["sh", "-c", script], options);

Deno.test("runAgentProcess() passes lines of both streams on and reports the exit code", async () => {
  const { events, result } = await collect(sh("echo one; echo two >&2; exit 3"));
  assertEquals(events[0]?.kind, "process");
  assertEquals(outputLines(events, "stdout"), ["one"]);
  assertEquals(outputLines(events, "stderr"), ["two"]);
  assertEquals(result.exitCode, 3);
  assertEquals(result.signal, null);
  assertEquals(result.stderrTail, ["two"]);
  assertEquals(result.ending, { kind: "error", message: "Exit code 3: two" });
});

Deno.test("runAgentProcess() gives the program its own process group", async () => {
  const { events } = await collect(sh("ps -o pgid= -p $$"));
  const pid = events.find((it) => it.kind === "process")?.pid;
  assertEquals(outputLines(events, "stdout").map((it) => Number(it)), [pid ?? 0]);
});

Deno.test("runAgentProcess() passes stdin of any size and closes it", async () => {
  const { events } = await collect(run(["wc", "-c"], { stdin: "é".repeat(1_000_000) }));
  assertEquals(outputLines(events, "stdout").map(Number), [2_000_000]);
});

Deno.test("runAgentProcess() tolerates a program that does not read its stdin", async () => {
  const { result } = await collect(sh("exec 0<&-; exit 0", { stdin: "x".repeat(5_000_000) }));
  assertEquals(result.ending, { kind: "ok" });
});

Deno.test("runAgentProcess() ends with the process, even if a grandchild keeps the pipe open", async () => {
  const startedAt = performance.now();
  const { events, result } = await collect(sh("sleep 60 & echo done"));
  assertEquals(outputLines(events, "stdout"), ["done"]);
  assertEquals(result.ending, { kind: "ok" });
  assertLess(performance.now() - startedAt, 5000);
});

Deno.test("runAgentProcess() ends a grandchild that writes forever after the exit", async () => {
  // The test passes if this ends at all.
  const { result } = await collect(sh("yes & sleep 0.05; exit 0"));
  assertEquals(result.exitCode, 0);
});

Deno.test("runAgentProcess() kills what is left of the group and ignores SIGTERM", async () => {
  const script = "(trap '' TERM; echo ready; while :; do sleep 0.1; done) & read _; exit 0";
  await using child = run(["sh", "-c", script], { graceMs: 200, stdin: "\n" });
  const { result } = await collect(child);
  assertEquals(result.ending, { kind: "ok" });
});

Deno.test("runAgentProcess() reads everything that was written before the exit", async () => {
  const { events } = await collect(sh("i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); done"));
  const lines = outputLines(events, "stdout");
  assertEquals(lines.length, 5000);
  assertEquals(lines.at(-1), "4999");
});

Deno.test("runAgentProcess() loses nothing to a slow reader, and slows the program down", async () => {
  await using dir = await tempDir();
  const mark = join(dir.path, "written");
  const script = `head -c 100000 /dev/zero | tr '\\0' '\\n' | sed 's/^/line/'; echo > ${mark}`;
  const child = sh(script);
  const lines: string[] = [];
  let writtenEarly: boolean | undefined;
  for await (const event of child.events) {
    if (event.kind !== "output") continue;
    lines.push(event.line);
    if (lines.length === 1) {
      // The whole output fits in no pipe: as long as nobody reads, the program cannot end.
      await sleep(200);
      writtenEarly = await readFile(mark).then(() => true, () => false);
    }
  }
  assertEquals(writtenEarly, false);
  assertEquals(lines.length, 100_000);
  assertEquals((await child.result).ending, { kind: "ok" });
});

Deno.test("runAgentProcess() survives a line of 65 MB, NUL bytes, bad UTF-8 and half a line", async () => {
  const script = "head -c 65000000 /dev/zero | tr '\\0' x; echo; " +
    "printf 'a\\0b\\n\\377\\376c\\r\\nhalf'";
  const { events, result } = await collect(sh(script));
  const [long = "", ...rest] = outputLines(events, "stdout");
  assertEquals(long.length, 1024 * 1024);
  assertEquals(rest, ["a\0b", "\ufffd\ufffdc", "half"]);
  assertEquals(result.ending, { kind: "ok" });
});

Deno.test("runAgentProcess() ends the whole group when it is aborted", async () => {
  const controller = new AbortController();
  const child = sh("sleep 60 & sleep 60 & echo ready; wait", { signal: controller.signal });
  const startedAt = performance.now();
  const pids: number[] = [];
  for await (const event of child.events) {
    if (event.kind === "process") pids.push(event.pid);
    if (event.kind === "output") controller.abort();
  }
  const result = await child.result;
  assertEquals(result.ending, { kind: "aborted", message: "Ended by request" });
  assertEquals(result.signal, "SIGTERM");
  assertLess(performance.now() - startedAt, 4000);
  for (const pid of pids) assertEquals(await isProcessGroupAlive(pid), false);
});

Deno.test("runAgentProcess() kills an aborted program that ignores SIGTERM", async () => {
  const controller = new AbortController();
  const ending = { kind: "stalled", message: "Silent for 10m" } as const;
  const script = "trap '' TERM; echo ready; while :; do sleep 0.1; done";
  const child = sh(script, { signal: controller.signal, graceMs: 200 });
  for await (const event of child.events) {
    if (event.kind === "output") controller.abort(ending);
  }
  const result = await child.result;
  assertEquals(result.ending, ending);
  assertEquals(result.signal, "SIGKILL");
});

Deno.test("runAgentProcess() starts nothing if it is aborted already", async () => {
  const { events, result } = await collect(sh("echo no", { signal: AbortSignal.abort() }));
  assertEquals(events, []);
  assertEquals(result.ending.kind, "aborted");
});

Deno.test("runAgentProcess() ends the program when its reader leaves", async () => {
  const child = sh("echo ready; sleep 60");
  let pid = 0;
  for await (const event of child.events) {
    if (event.kind === "process") pid = event.pid;
    if (event.kind === "output") break;
  }
  assertEquals(await isProcessGroupAlive(pid), false);
  assertEquals((await child.result).ending.kind, "aborted");
});

Deno.test("runAgentProcess() ends a program that nobody reads when it is disposed of", async () => {
  const child = sh("yes");
  await child[Symbol.asyncDispose]();
  assertEquals((await child.result).ending.kind, "aborted");
});

Deno.test("runAgentProcess() says that a program is not there or not executable", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "plain");
  await writeFile(file, "echo hi\n", { mode: 0o644 });
  const endings = [
    await collect(run(["no-such-program"])),
    await collect(run([file])),
    await collect(run(["true"], { cwd: join(dir.path, "gone") })),
    await collect(run(["true", "a\0b"])),
  ].map((it) => it.result.ending);
  assertEquals(endings.slice(0, 3), [
    { kind: "launch", message: 'Cannot start "no-such-program": program not found' },
    { kind: "launch", message: `Cannot start "${file}": the file is not executable` },
    {
      kind: "launch",
      message: `Cannot start "true": the folder "${join(dir.path, "gone")}" does not exist`,
    },
  ]);
  assertEquals(endings[3]?.kind, "launch");
});

Deno.test({
  name: "runAgentProcess() says that an argument is too long (Linux: 128 KiB)",
  ignore: process.platform !== "linux",
  async fn() {
    const { result } = await collect(run(["true", "x".repeat(140_000)]));
    assertEquals(result.ending.kind, "launch");
    assertStringIncludes(JSON.stringify(result.ending), "140000 bytes");
  },
});

Deno.test("runAgentProcess() keeps the last 20 lines of stderr, cut and without secrets", async () => {
  const script = 'i=0; while [ $i -lt 30 ]; do echo "line $i $MY_TOKEN" >&2; i=$((i+1)); done; ' +
    "head -c 2000 /dev/zero | tr '\\0' x >&2; exit 1";
  const env = { ...TEST_ENV, MY_TOKEN: "very-secret-value" };
  const { events, result } = await collect(sh(script, { env }));
  assertEquals(result.stderrTail.length, 20);
  assertEquals(result.stderrTail[0], "line 11 ***");
  assertEquals(result.stderrTail.at(-1)?.length, 501);
  assert(!JSON.stringify([events, result]).includes("very-secret-value"));
});

Deno.test("runAgentProcess() turns what a parser throws into an error event", async () => {
  const parse = () => {
    throw new Error("broken parser");
  };
  const { events, result } = await collect(sh("echo one", { parse }));
  assertEquals(events.at(-1)?.kind, "error");
  assertEquals(result.ending, { kind: "ok" });
});

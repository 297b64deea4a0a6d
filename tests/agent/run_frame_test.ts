import { assertEquals, assertStringIncludes } from "@std/assert";
import process from "node:process";
import type { AgentRun } from "../../lib/agent/agent.ts";
import { classifyEnding } from "../../lib/agent/ending/classify_ending.ts";
import { inProcessRun } from "../../lib/agent/process/in_process_run.ts";
import { runAgentProcess } from "../../lib/agent/process/run_agent_process.ts";
import { runPty } from "../../lib/agent/pty/run_pty.ts";
import { assertGone, collect, TEST_ENV, testStart } from "../kit/agent_testing.ts";

const SECRET = "s3cr3t-t0k3n";
const ENV = { ...TEST_ENV, SERVICE_TOKEN: SECRET };

/** Every kind of run, with an agent that tells its secret and fails, or that works for a minute. */
const RUNS: Record<string, (does: "tells" | "works", signal?: AbortSignal) => AgentRun> = {
  process: (does, signal) =>
    runAgentProcess(["sh", "-c", does === "tells" ? `echo ${SECRET}; exit 3` : "sleep 60"], {
      cwd: "/",
      env: ENV,
      signal,
      parse: (line, stream) => [{ kind: "output", stream, line }],
      classify: classifyEnding,
    }),
  pty: (does, signal) =>
    runPty(["sh", "-c", does === "tells" ? `echo ${SECRET}; exit 3` : "sleep 60"], {
      cwd: "/",
      env: ENV,
      signal,
      classify: classifyEnding,
    }),
  "in-process": (does, signal) =>
    inProcessRun(async function* (ended) {
      if (does === "tells") {
        yield { kind: "text", text: `It is ${SECRET}` };
        yield { kind: "denial", denial: { tool: "Bash", detail: `curl ${SECRET}` } };
        throw new Error(`Refused: ${SECRET}`);
      }
      yield { kind: "text", text: "working" };
      await new Promise<void>((_, reject) => {
        ended.addEventListener("abort", () => reject(ended.reason), { once: true });
      });
    }, testStart({ cwd: "/", env: ENV, signal })),
};

for (const [kind, start] of Object.entries(RUNS)) {
  Deno.test(`a run (${kind}) tells no secret, in its events or in its result`, async () => {
    await using run = start("tells");
    const told = JSON.stringify(await collect(run));
    assertEquals(told.includes(SECRET), false, told);
    assertStringIncludes(told, "***");
    assertEquals((await run.result).ending.kind === "ok", false);
  });

  Deno.test(`a run (${kind}) that is aborted ends as the signal's reason says`, async () => {
    const reason = { kind: "stalled", message: "Silent for 10m" } as const;
    const ended = new AbortController();
    await using run = start("works", ended.signal);
    const events = [];
    for await (const event of run.events) {
      events.push(event);
      ended.abort(reason);
    }
    assertEquals((await run.result).ending, reason);
    await assertGone(events);
  });

  Deno.test(`a run (${kind}) that is aborted before its start does nothing`, async () => {
    await using run = start("tells", AbortSignal.abort());
    assertEquals(await Array.fromAsync(run.events), []);
    assertEquals((await run.result).ending, { kind: "aborted", message: "Ended by request" });
  });

  Deno.test(`a run (${kind}) ends when its reader leaves, and when it is disposed of`, async () => {
    await using left = start("works");
    for await (const _ of left.events) break;
    assertEquals((await left.result).ending.kind, "aborted");
    const unread = start("works");
    await unread[Symbol.asyncDispose]();
    assertEquals((await unread.result).ending.kind, "aborted");
  });
}

Deno.test("inProcessRun() masks what this process knows where no environment is given", async () => {
  process.env.RALPH_TEST_RUN_SECRET = SECRET;
  try {
    await using run = inProcessRun(async function* () {
      yield { kind: "text", text: SECRET };
      yield { kind: "usage", usage: usageOf(1) };
      yield { kind: "session", agentSessionId: "ses_1" };
      return { kind: "error", message: `Cannot use ${SECRET}` };
    });
    const { events, result } = await collect(run);
    assertEquals(events[0], { kind: "text", text: "***" });
    assertEquals(result.ending, { kind: "error", message: "Cannot use ***" });
    assertEquals([result.usage, result.agentSessionId], [usageOf(1), "ses_1"]);
  } finally {
    delete process.env.RALPH_TEST_RUN_SECRET;
  }
});

Deno.test("inProcessRun() starts its work with the first read", async () => {
  let started = false;
  const run = inProcessRun(async function* () {
    started = true;
    yield { kind: "text", text: "at work" };
  });
  await run[Symbol.asyncDispose]();
  assertEquals(started, false);
});

function usageOf(inputTokens: number) {
  return { inputTokens, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
}

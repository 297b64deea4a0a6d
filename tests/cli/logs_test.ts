import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { spawn } from "node:child_process";
import { appendFile, open } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { LoopEvent, LoopEventBody } from "../../lib/event/loop_event.ts";
import { eventLine } from "../../lib/event/numbered_event.ts";
import { processIdentity } from "../../lib/base/process_identity.ts";
import { ralph, type RalphCall, startRalph } from "../kit/ralph_process.ts";
import { recorded } from "../kit/recorded_sessions.ts";

const at = (body: LoopEventBody): LoopEvent => ({ time: "2026-11-20T18:02:11.500Z", ...body });
const started = (iteration: number, agent: string) =>
  at({
    type: "iteration_started",
    iteration,
    story: { id: "US-006", title: "Pass" },
    agent,
    attempt: 1,
  } as LoopEventBody);
const said = (iteration: number, text: string) =>
  at({ type: "agent", iteration, event: { kind: "text", text } });

const EVENTS: LoopEvent[] = [
  at({ type: "warning", message: "Low on disk" }),
  started(1, "claude"),
  said(1, "Reading \x1b[2Jthe code.\n\nDone.\n"),
  at({ type: "agent", iteration: 1, event: { kind: "tool", tool: "Bash", detail: "deno test" } }),
  started(2, "opencode"),
  at({
    type: "agent",
    iteration: 2,
    event: { kind: "output", stream: "stdout", line: "10%\r90%" },
  }),
];

const TEXT_1 = "== iteration 1 US-006 claude 18:02:11\nReading the code.\n\nDone.\n$ deno test\n";
const TEXT_2 = "== iteration 2 US-006 opencode 18:02:11\n90%\n";
const ENDED = { status: "stopped", reason: "SIGINT", ago: 60 } as const;

/** Waits until a call has printed something. */
function printed({ child }: RalphCall, text: string): Promise<void> {
  let seen = "";
  return new Promise((resolve, reject) => {
    child.stdout?.on("data", (piece: string) => (seen += piece).includes(text) && resolve());
    child.on("close", () => reject(new Error(`Ended after ${JSON.stringify(seen)}`)));
  });
}

Deno.test("ralph logs prints what the agents said, without control characters", async () => {
  await using home = await recorded();
  const { id } = home.add({ end: ENDED, iterations: [{ outcome: "open" }, { outcome: "open" }] });
  await home.log(id, EVENTS);
  const { code, stdout } = await ralph(["logs", "my-feature"], home.options);
  assertEquals([code, stdout], [0, TEXT_1 + TEXT_2]);
  const one = await ralph(["logs", "--iteration", "2"], home.options);
  assertEquals(one.stdout, TEXT_2);
  const none = await ralph(["logs", "--iteration", "9"], home.options);
  assertEquals(none.code, 2);
  assertStringIncludes(none.stderr, "Cannot find iteration 9: the session has 2 iterations");
});

Deno.test("ralph logs --json prints the numbered events as they were recorded", async () => {
  await using home = await recorded();
  const { id } = home.add({ end: ENDED });
  home.add({ startedAgo: 10 });
  await home.log(id, EVENTS);
  const args = ["logs", "--json", "--session", id.slice(0, 20)];
  const { stdout } = await ralph(args, home.options);
  assertEquals(stdout, EVENTS.map((event, i) => eventLine({ seq: i + 1, event })).join(""));
});

Deno.test("ralph logs reports that a session has no log", async () => {
  await using home = await recorded();
  const { id } = home.add({ end: ENDED });
  const { code, stderr } = await ralph(["logs"], home.options);
  assertEquals([code, stderr], [
    1,
    `error: Cannot read the log of session ${id} of my-feature: there is none\n`,
  ]);
});

Deno.test("ralph logs -f follows until the session ends", async () => {
  await using home = await recorded();
  const { id } = home.add();
  const dir = await home.log(id, EVENTS);
  const call = startRalph(["logs", "-f", "my-feature"], home.options);
  await printed(call, "90%");
  const more = [
    said(2, "Later"),
    at({ type: "loop_finished", agent: "claude", result: {} } as LoopEventBody),
  ];
  const lines = more.map((event, i) => eventLine({ seq: EVENTS.length + 1 + i, event }));
  await appendFile(join(dir, "events.ndjson"), lines.join(""));
  const { code, stdout } = await call.result;
  assertEquals([code, stdout], [0, `${TEXT_1}${TEXT_2}Later\n`]);
});

Deno.test("ralph logs -f ends with 0 on Ctrl-C", async () => {
  await using home = await recorded();
  const { id } = home.add();
  await home.log(id, EVENTS);
  const call = startRalph(["logs", "-f"], home.options);
  await printed(call, "90%");
  process.kill(call.child.pid ?? 0, "SIGINT");
  const { code, stderr } = await call.result;
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("ralph logs -f ends when the worker is killed", async () => {
  await using home = await recorded();
  const worker = spawn("sleep", ["60"], { stdio: "ignore" });
  const gone = new Promise((resolve) => worker.on("close", resolve));
  const identity = processIdentity(worker.pid ?? 0);
  assert(identity);
  const { id } = home.add({ worker: identity });
  await home.log(id, EVENTS);
  const call = startRalph(["logs", "-f"], home.options);
  await printed(call, "90%");
  worker.kill("SIGKILL");
  await gone;
  const { code } = await call.result;
  assertEquals([code, home.get(id)?.endReason], [0, "worker died"]);
});

Deno.test("ralph logs is quiet when its reader has closed", async () => {
  await using home = await recorded();
  const { id } = home.add({ end: ENDED });
  const dir = await home.log(id, []);
  await using file = await open(join(dir, "events.ndjson"), "w");
  let seq = 0;
  for (let i = 0; i < 64; i++) {
    const lines = Array.from(
      { length: 128 },
      () => eventLine({ seq: ++seq, event: said(1, "x".repeat(8000)) }),
    );
    await file.write(lines.join(""));
  }
  const { child, result } = startRalph(["logs"], home.options);
  child.stdout?.once("data", () => child.stdout?.destroy());
  const { code, stderr } = await result;
  assertEquals([code, stderr], [0, ""]);
});

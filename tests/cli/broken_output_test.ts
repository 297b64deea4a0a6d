import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import type { RalphCall } from "../kit/ralph_process.ts";
import {
  assertNothingLeft,
  claudeResult,
  eventsOf,
  ofType,
  says,
  type Scene,
  suiteScene,
} from "../worker/suite_scene.ts";

/** Output that no program should write: point 12 of the suite, with its cost in memory. */

const MB = 1024;

/** The peak memory of a process that has ended, in KiB; 0 if it is not Linux. */
async function peakOf({ child, result }: RalphCall): Promise<number> {
  let peak = 0;
  let ended = false;
  result.then(() => ended = true);
  while (!ended) {
    const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0));
    await delay(10);
  }
  return peak;
}

function report(what: string, peakKb: number): void {
  process.stdout.write(`peak memory of ralph with ${what}: ${Math.round(peakKb / MB)} MB\n`);
}

async function runAndMeasure(it: Scene, agent: string): Promise<
  { code: number | null; events: LoopEvent[]; stdout: string; peakKb: number }
> {
  const call = it.start("run", "job", "-a", agent, "--foreground", "--json", "-i", "3");
  const peakKb = await peakOf(call);
  const { code, stdout } = await call.result;
  await assertNothingLeft(it.options.home);
  return { code, stdout, peakKb, events: eventsOf(stdout) };
}

function lines(events: LoopEvent[]): string[] {
  return ofType(events, "agent").flatMap(({ event }) =>
    event.kind === "output" ? [event.line] : []
  );
}

const DONE = "pass US-001; work one";

Deno.test("point 12: a line of 65 MB on each stream is cut, in bounded memory", async () => {
  const flood = "head -c 65000000 /dev/zero | tr '\\0' x";
  await using quiet = await suiteScene({ agents: { agent: [DONE] } });
  const without = await runAndMeasure(quiet, "agent");
  await using it = await suiteScene({
    agents: { agent: [`${flood}; echo; ${flood} >&2; echo >&2; ${DONE}; echo end`] },
  });
  const { code, events, stdout, peakKb } = await runAndMeasure(it, "agent");
  assertEquals(code, 0);
  assertEquals(await it.calls(), { agent: 1 });
  assertEquals(lines(events).map((line) => line.length), [8_193, 8_193, 3]);
  assertLess(stdout.length, 100_000);
  report("two lines of 65 MB", peakKb);
  report("no output", without.peakKb);
  // What is read is garbage at once, but the engine decides when to collect it.
  assertLess(peakKb - without.peakKb, 128 * MB);
});

Deno.test("point 12: a line of 650 MB is not held in memory", async () => {
  await using it = await suiteScene({
    agents: { agent: [`head -c 650000000 /dev/zero | tr '\\0' x; ${DONE}`] },
  });
  const { code, events, peakKb } = await runAndMeasure(it, "agent");
  assertEquals(code, 0);
  assertEquals(lines(events).map((line) => line.length), [8_193]);
  report("a line of 650 MB", peakKb);
  assertLess(peakKb, 400 * MB);
});

Deno.test("point 12: 200 MB in lines is passed on, and not held in memory", async () => {
  await using it = await suiteScene({
    agents: { agent: [`yes '${"x".repeat(6_000)}' | head -n 33000; ${DONE}`] },
  });
  const call = it.start("run", "job", "-a", "agent", "--foreground");
  const peakKb = await peakOf(call);
  assertEquals((await call.result).code, 0);
  report("200 MB in lines of 6 kB", peakKb);
  assertLess(peakKb, 400 * MB);
});

Deno.test("point 12: invalid UTF-8, NUL bytes, CRLF, control characters and half a line go through", async () => {
  await using it = await suiteScene({
    agents: {
      agent: [
        "printf 'a\\0b\\r\\n\\377\\376c\\n\\303\\n\\033[2J\\033]0;t\\007x\\n\\r\\n\\n\\355\\240\\200'; exit 1",
        `${DONE}; printf half`,
      ],
    },
  });
  const { code, events } = await runAndMeasure(it, "agent");
  assertEquals(code, 0);
  assertEquals(lines(events), [
    "a\0b",
    "\ufffd\ufffdc",
    "\ufffd",
    "\x1b[2J\x1b]0;t\x07x",
    "",
    "",
    "\ufffd\ufffd\ufffd",
    "half",
  ]);
  assertEquals(await it.calls(), { agent: 2 });
});

Deno.test("point 12: such bytes on stderr reach progress.txt and the terminal as harmless text", async () => {
  await using it = await suiteScene({
    agents: {
      agent: [
        "echo x; printf '## 2026-01-01 - US-001\\n---\\n\\0\\377\\033[31mboom\\r\\n\\033[2J' >&2; exit 1",
        DONE,
      ],
    },
  });
  const { code, stdout } = await it.run();
  assertEquals(code, 0);
  const progress = await it.progress();
  for (const text of [progress, stdout]) {
    // deno-lint-ignore no-control-regex -- these are what must not be there
    assertEquals(/[\0-\x08\x0b-\x1f\x7f]/.test(text), false, JSON.stringify(text));
  }
  assertStringIncludes(progress, "boom");
  assertEquals(progress.match(/^## .*US-001$/gm), null, "no heading of the agent's making");
});

const HALVES: Record<string, string> = {
  "half a result at the end": `printf '{"type":"result","subtype":"success","is_err'`,
  "a result that is cut and ended": `echo '{"type":"result","is_error":false,"resu'`,
  "no result at all": says({ type: "system", subtype: "init", session_id: "s" }),
  "a result with NUL bytes in it": `printf '{"type":"res\\0ult","is_error":false}\\n'`,
};
Deno.test("point 12: a stream of JSON that breaks off is a failure, and never a success", async () => {
  await Promise.all(
    Object.entries(HALVES).map(async ([what, script]) => {
      await using it = await suiteScene({
        agents: { claude: [script, `${DONE}\n${claudeResult("Done")}`] },
      });
      const { code, events } = await runAndMeasure(it, "claude");
      assertEquals(code, 0, what);
      const [first, second] = ofType(events, "iteration_finished");
      assertEquals(first?.ending.kind, "error", what);
      assert(first?.ending.kind === "error");
      assertStringIncludes(first.ending.message, "Claude Code ended without a result");
      assertEquals(second?.ending, { kind: "ok" });
      assertEquals(await it.calls(), { claude: 2 });
    }),
  );
});

Deno.test("point 12: a stream of JSON with broken and huge lines is read to its result", async () => {
  const script = [
    'printf \'\\357\\273\\277{"type":"system"}\\r\\n\'',
    'printf \'{"type":"user","message":{"content":[{"type":"tool_result","content":"\'',
    "head -c 65000000 /dev/zero | tr '\\0' x",
    `printf '"}]}}\\r\\n'`,
    'printf \'null\\n[]\\n42\\n"type"\\n{"type":7}\\n{}\\n\\377\\n\'',
    DONE,
    `${claudeResult("Done")} | tr -d '\\n'; printf '\\r\\n'`,
  ].join("\n");
  await using it = await suiteScene({ agents: { claude: [script] } });
  const { code, events, peakKb } = await runAndMeasure(it, "claude");
  assertEquals(code, 0);
  assertEquals(ofType(events, "iteration_finished").map(({ ending }) => ending), [{ kind: "ok" }]);
  assertEquals(await it.calls(), { claude: 1 });
  if (process.platform === "linux") assertLess(peakKb, 400 * MB);
});

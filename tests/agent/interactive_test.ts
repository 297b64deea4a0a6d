import { assertEquals, assertLess } from "@std/assert";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Agent, AgentCommand } from "../../lib/agent/agent.ts";
import { classifyEnding } from "../../lib/agent/ending/classify_ending.ts";
import { createClaude } from "../../lib/agent/claude/claude.ts";
import { isProcessGroupAlive } from "../../lib/base/end_processes.ts";
import type { PtyTurns } from "../../lib/agent/pty/pty_turns.ts";
import { runPty } from "../../lib/agent/pty/run_pty.ts";
import { LoopControl } from "../../lib/loop/loop_control.ts";
import { runLoop } from "../../lib/loop/run_loop.ts";
import { watchAgent } from "../../lib/loop/watch_agent.ts";
import { collect, TEST_ENV, testStart } from "../kit/agent_testing.ts";
import { agentEvent, followLoop } from "../kit/follow_loop.ts";
import { taskRepo } from "../kit/scripted_agent.ts";
import { tempDir } from "../kit/testing.ts";

/** A program of turns: each typed line is one; `quit` ends it, Ctrl-C interrupts it. */
const PROGRAM = `#!/bin/sh
trap 'echo "idle interrupted" > "$STATE"' INT
echo "busy $1" > "$STATE"; sleep 0.1; echo "idle $1" > "$STATE"
while :; do
  read -r line || continue
  test "$line" = quit && exit 7
  test -n "$line" || continue
  echo "busy $line" > "$STATE"; sleep 0.1; echo "did $line"; echo "idle $line" > "$STATE"
done
`;

/** An agent in a PTY that reports what it did as text. */
function turnsAgent(dir: string, startMs = 10_000): Agent {
  const program = join(dir, "turns.sh");
  const state = join(dir, "state");
  return {
    name: "turns",
    pty: true,
    probe: () => Promise.resolve({ available: true }),
    start(start) {
      let told = "";
      const turns: PtyTurns = {
        interruptKeys: ["\x03"],
        leaveKeys: ["quit\r"],
        startMs,
        async look() {
          const now = (await readFile(state, "utf8").catch(() => "")).trim();
          const news = now !== told && now.startsWith("idle");
          told = now;
          return {
            events: news ? [{ kind: "text", text: now.slice(5) }] : [],
            started: now !== "",
            idle: now.startsWith("idle"),
          };
        },
        watch: () => ({ [Symbol.dispose]: () => {} }),
      };
      return runPty(async () => {
        await writeFile(program, PROGRAM);
        await chmod(program, 0o755);
        return [program, start.prompt];
      }, {
        cwd: dir,
        env: { ...start.env, STATE: state },
        turns,
        classify: (facts) => classifyEnding(facts, { succeeded: facts.exitCode === 7 }),
        ...(start.signal && { signal: start.signal }),
      });
    },
  };
}

/** Watches an agent as a loop does, with a control. */
function watch(agent: Agent, control: LoopControl, options: { dir: string; stallMs?: number }) {
  const { signal: _, ...start } = testStart({ cwd: options.dir, prompt: "first" });
  const run = watchAgent(agent, {
    ...start,
    limits: options.stallMs === undefined ? {} : { stallMs: options.stallMs },
    stopSignal: control.stopSignal,
    control,
  });
  const waiting = new Map<string, () => void>();
  const texts: string[] = [];
  const result = (async () => {
    for (;;) {
      const next = await run.next();
      if (next.done) return next.value;
      if (next.value.kind !== "text") continue;
      texts.push(next.value.text);
      waiting.get(next.value.text)?.();
    }
  })();
  const said = (text: string) =>
    texts.includes(text)
      ? Promise.resolve()
      : new Promise<void>((resolve) => waiting.set(text, resolve));
  return { result, texts, said };
}

Deno.test("an agent in a PTY is asked to leave when its turn is over", async () => {
  await using dir = await tempDir();
  const control = new LoopControl();
  const { result, texts } = watch(turnsAgent(dir.path), control, { dir: dir.path });
  const { ending, exitCode } = await result;
  assertEquals([ending, exitCode, texts], [{ kind: "ok" }, 7, ["first"]]);
  assertEquals(control.terminal, undefined);
});

Deno.test("LoopControl.setInteractive() keeps an idle agent, and lets it go when it is off", async () => {
  await using dir = await tempDir();
  const control = new LoopControl();
  control.setInteractive(true);
  const agent = turnsAgent(dir.path);
  const { result, said } = watch(agent, control, { dir: dir.path, stallMs: 1_500 });
  await said("first");
  // Longer than the stall timeout and the polling interval.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  control.terminal?.write("second\r");
  await said("second");
  assertEquals(control.terminal?.serialize().includes("did second"), true);
  const off = performance.now();
  control.setInteractive(false);
  assertEquals((await result).ending, { kind: "ok" });
  assertLess(performance.now() - off, 4_000);
});

Deno.test("LoopControl.setInteractive() off awaits an agent in the middle of its turn", async () => {
  await using dir = await tempDir();
  const control = new LoopControl();
  control.setInteractive(true);
  const { result, said, texts } = watch(turnsAgent(dir.path), control, { dir: dir.path });
  await said("first");
  control.terminal?.write("second\r");
  while (!(await readFile(join(dir.path, "state"), "utf8")).includes("second")) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  control.setInteractive(false);
  assertEquals((await result).ending, { kind: "ok" });
  assertEquals(texts, ["first", "second"]);
});

Deno.test("LoopControl.send() types a message, and an interrupt waits for one", async () => {
  await using dir = await tempDir();
  const control = new LoopControl();
  control.setInteractive(true);
  const { result, said } = watch(turnsAgent(dir.path), control, { dir: dir.path });
  await said("first");
  assertEquals(await control.send({ kind: "message", text: "two\nlines \x03\x04" }), true);
  await said("two lines");
  assertEquals(await control.send({ kind: "interrupt" }), true);
  await said("interrupted");
  control.setInteractive(false);
  assertEquals((await result).ending, { kind: "ok" });
  assertEquals(await control.send({ kind: "interrupt" }), false);
});

Deno.test("a stop ends an agent that a person controls", async () => {
  await using dir = await tempDir();
  const control = new LoopControl();
  control.setInteractive(true);
  const { result, said } = watch(turnsAgent(dir.path), control, { dir: dir.path });
  await said("first");
  control.requestStop("enough");
  assertEquals((await result).ending.kind, "aborted");
});

Deno.test("an agent in a PTY that never starts reports what is on its screen", async () => {
  await using dir = await tempDir();
  const agent: Agent = {
    ...turnsAgent(dir.path),
    start: (start) =>
      runPty(["sh", "-c", "echo 'Do you trust this folder?'; read answer"], {
        cwd: dir.path,
        env: start.env,
        classify: classifyEnding,
        turns: {
          interruptKeys: [],
          leaveKeys: [],
          startMs: 300,
          look: () => Promise.resolve({ events: [], started: false, idle: false }),
          watch: () => ({ [Symbol.dispose]: () => {} }),
        },
      }),
  };
  const { result } = await collect(agent.start(testStart({ cwd: dir.path })));
  assertEquals(result.ending, {
    kind: "launch",
    message: "No prompt appeared: Do you trust this folder?",
  });
  assertEquals(result.stderrTail, ["Do you trust this folder?"]);
});

Deno.test("a loop goes on with the next story after a person gave the agent back", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const control = new LoopControl();
  control.setInteractive(true);
  const { events, once, result } = followLoop(runLoop({
    task: repo.task,
    agents: [turnsAgent(repo.outside)],
    agent: "turns",
    env: TEST_ENV,
    control,
    limits: { iterations: 2 },
  }));
  await once(agentEvent((event) => event.kind === "text"));
  control.terminal?.write("second\r");
  await once(agentEvent((event) => event.kind === "text" && event.text === "second"));
  assertEquals(events.some(({ type }) => type === "iteration_finished"), false);
  control.setInteractive(false);
  assertEquals((await result).iterations, 2);
  const pids = events.flatMap((event) =>
    event.type === "agent" && event.event.kind === "process" ? [event.event.pid] : []
  );
  assertEquals(pids.length, 2);
  for (const pid of pids) assertEquals(await isProcessGroupAlive(pid), false);
});

/** Implements as much of `claude --input-format stream-json` as a conversation needs. */
const FAKE_CLAUDE = `#!/bin/sh
while read -r line; do
  case $line in
    *interrupt*) echo '{"type":"result","subtype":"error_during_execution","is_error":true}' ;;
    *hang*) echo '{"type":"assistant","message":{"content":[{"type":"text","text":"hanging"}]}}' ;;
    *) echo '{"type":"assistant","message":{"content":[{"type":"text","text":"heard"}]}}'
       echo '{"type":"result","subtype":"success","is_error":false,"result":"ok"}' ;;
  esac
done
`;

Deno.test("headless Claude accepts messages and an interrupt, and exits when it is not needed", async () => {
  await using dir = await tempDir();
  const program = join(dir.path, "claude");
  await writeFile(program, FAKE_CLAUDE);
  await chmod(program, 0o755);
  const run = createClaude({ program }).start(testStart({ cwd: dir.path, prompt: "hang" }));
  const steps: AgentCommand[] = [
    { kind: "interrupt" },
    { kind: "message", text: "and now" },
  ];
  const heard: string[] = [];
  for await (const event of run.events) {
    if (event.kind !== "text") continue;
    heard.push(event.text);
    // Both at once: an interrupted agent waits for the message.
    for (const step of steps.splice(0)) assertEquals(await run.send(step), true);
  }
  const { ending, exitCode } = await run.result;
  assertEquals([heard, ending, exitCode], [["hanging", "heard"], { kind: "ok" }, 0]);
  assertEquals(await run.send({ kind: "message", text: "late" }), false);
});

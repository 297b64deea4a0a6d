import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isProcessGroupAlive } from "../../lib/base/end_processes.ts";
import { readSettings, SettingsError } from "../../lib/cli/run/settings.ts";
import type { LoopEventBody, LoopResult } from "../../lib/event/loop_event.ts";
import type { Sink } from "../../lib/event/sink.ts";
import type { NumberedEvent } from "../../lib/event/numbered_event.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import { type Hook, hookSink, type HookSinkOptions } from "../../lib/worker/hook_sink.ts";
import { runSession, TaskRunningError } from "../../lib/worker/run_session.ts";
import { createDemo } from "../../lib/agent/demo/demo.ts";
import { TEST_ENV } from "../kit/agent_testing.ts";
import { configure, ralph } from "../kit/ralph_process.ts";
import { scriptedAgent, taskRepo } from "../kit/scripted_agent.ts";
import { type TempDir, tempDir } from "../kit/testing.ts";

function numbered(seq: number, body: LoopEventBody): NumberedEvent {
  return { seq, event: { time: "2026-11-20T18:02:11.000Z", ...body } };
}

const warning = (seq: number) => numbered(seq, { type: "warning", message: `number ${seq}` });

/** A sink whose hooks run in a folder, and its warnings. */
function sink(dir: TempDir, hooks: Hook[], options: Partial<HookSinkOptions> = {}) {
  const warnings: string[] = [];
  const sink = hookSink(hooks, {
    cwd: dir.path,
    env: TEST_ENV,
    task: "job",
    sessionId: "01JD0000000000000000000000",
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  return { warnings, sink };
}

function write(sink: Sink, { event, seq }: NumberedEvent): void {
  sink.write(event, seq);
}

const sh = (script: string, on: Hook["on"] = ["*"]): Hook => ({
  on,
  command: ["sh", "-c", script],
});

/** Waits until a file is there, and reads it. */
async function fileThere(file: string): Promise<string> {
  for (;;) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (text !== "") return text;
    await delay(10);
  }
}

Deno.test("hookSink() passes the event on stdin, and its context in the environment", async () => {
  await using dir = await tempDir();
  const { sink: hooks, warnings } = sink(dir, [
    sh('cat > event; echo "$RALPH_EVENT $RALPH_TASK $RALPH_SESSION_ID $PWD" > about'),
  ]);
  write(hooks, warning(7));
  await hooks[Symbol.asyncDispose]();
  assertEquals(JSON.parse(await readFile(join(dir.path, "event"), "utf8")), {
    seq: 7,
    time: "2026-11-20T18:02:11.000Z",
    type: "warning",
    message: "number 7",
  });
  assertEquals(
    await readFile(join(dir.path, "about"), "utf8"),
    `warning job 01JD0000000000000000000000 ${dir.path}\n`,
  );
  assertEquals(warnings, []);
});

Deno.test("hookSink() calls hooks for their events only, one after the other, in order", async () => {
  await using dir = await tempDir();
  const { sink: hooks } = sink(dir, [
    sh('sleep 0.05; echo "all $RALPH_EVENT" >> calls'),
    sh('echo "one $RALPH_EVENT" >> calls', ["waited", "agent"]),
  ]);
  write(hooks, warning(1));
  write(
    hooks,
    numbered(2, {
      type: "agent",
      iteration: 1,
      event: { kind: "text", text: "Hello" },
    }),
  );
  write(hooks, numbered(3, { type: "waited", cancelled: false }));
  await hooks[Symbol.asyncDispose]();
  assertEquals((await readFile(join(dir.path, "calls"), "utf8")).split("\n"), [
    "all warning",
    "one agent",
    "all waited",
    "one waited",
    "",
  ]);
});

Deno.test("hookSink() continues after it was idle", async () => {
  await using dir = await tempDir();
  const { sink: hooks } = sink(dir, [sh("echo > done")]);
  for (let seq = 1; seq <= 3; seq++) {
    write(hooks, numbered(seq, { type: "waited", cancelled: false }));
    await fileThere(join(dir.path, "done"));
    await writeFile(join(dir.path, "done"), "");
  }
  await hooks[Symbol.asyncDispose]();
});

Deno.test("hookSink() reports a failure once, and still calls the other hooks", async () => {
  await using dir = await tempDir();
  const env = { ...TEST_ENV, HOOK_TOKEN: "very-secret-value" };
  const failing = sh('echo "no entry with $HOOK_TOKEN" >&2; exit 3');
  const missing: Hook = { on: ["warning"], command: ["./not-there"] };
  const { sink: hooks, warnings } = sink(dir, [failing, missing, sh("echo x >> calls")], { env });
  for (let seq = 1; seq <= 3; seq++) write(hooks, warning(seq));
  await hooks[Symbol.asyncDispose]();
  assertEquals(warnings, [
    `Hook "${failing.command.join(" ")}" failed on warning: exit code 3: no entry with ***`,
    'Hook "./not-there" failed on warning: cannot start: there is no such program',
  ]);
  assertEquals(await readFile(join(dir.path, "calls"), "utf8"), "x\nx\nx\n");
});

Deno.test("hookSink() ends a hook that takes too long, and everything that it started", async () => {
  await using dir = await tempDir();
  const slow: Hook = { ...sh("echo $$ > pid; sleep 60 & sleep 60"), timeoutMs: 300 };
  const { sink: hooks, warnings } = sink(dir, [slow]);
  write(hooks, warning(1));
  await hooks[Symbol.asyncDispose]();
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0] ?? "", "failed on warning: took longer than 0.3 s");
  const pid = Number(await readFile(join(dir.path, "pid"), "utf8"));
  assertEquals(await isProcessGroupAlive(pid), false);
});

Deno.test("hookSink() never makes its caller wait, and drops the oldest of too many calls", async () => {
  await using dir = await tempDir();
  const { sink: hooks, warnings } = sink(dir, [
    sh("[ -e calls ] || while [ ! -e go ]; do sleep 0.01; done; cat >> calls"),
  ], { maxWaiting: 3 });
  const startedAt = performance.now();
  for (let seq = 1; seq <= 1000; seq++) write(hooks, warning(seq));
  assertLess(performance.now() - startedAt, 1000);
  await writeFile(join(dir.path, "go"), "");
  await hooks[Symbol.asyncDispose]();
  const calls = (await readFile(join(dir.path, "calls"), "utf8")).trimEnd().split("\n");
  assertEquals(calls.map((line) => JSON.parse(line).seq), [1, 998, 999, 1000]);
  assertEquals(warnings, [
    "More than 3 hook calls are waiting: the oldest are dropped",
    "996 hook calls were dropped",
  ]);
});

Deno.test("hookSink() waits for the remaining calls at the end, but not forever", async () => {
  await using dir = await tempDir();
  const { sink: hooks, warnings } = sink(dir, [sh("echo $$ > pid; exec sleep 60")], {
    drainMs: 300,
  });
  write(hooks, warning(1));
  write(hooks, warning(2));
  const startedAt = performance.now();
  await hooks[Symbol.asyncDispose]();
  assertLess(performance.now() - startedAt, 5000);
  const pid = Number(await readFile(join(dir.path, "pid"), "utf8"));
  assertEquals(await isProcessGroupAlive(pid), false);
  assertMatch(warnings[0] ?? "", /failed on warning: the session has ended$/);
  assertEquals(warnings[1], "1 hook call was dropped");
});

Deno.test("runSession() releases the task before it waits for the last hooks", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const paths = sessionPaths({ HOME: join(repo.outside, "home") });
  const loop = {
    task: repo.task,
    agents: [createDemo({ storyMs: 0 })],
    agent: "demo",
    env: { ...TEST_ENV, HOME: repo.outside },
  };
  const go = join(repo.outside, "go");
  const hook = sh(`echo > ../up; while [ ! -e ${go} ]; do sleep 0.01; done`, ["loop_finished"]);
  const first = runSession({ loop, paths, hooks: [hook] });
  await fileThere(join(repo.outside, "up"));
  // The task is free, a moment after the hook has begun: a second session finds every story done.
  let result: LoopResult | undefined;
  while (result === undefined) {
    try {
      ({ result } = await runSession({ loop, paths }));
    } catch (error) {
      if (!(error instanceof TaskRunningError)) throw error;
      await delay(20);
    }
  }
  assertEquals(result.outcome, "completed");
  await writeFile(go, "");
  assertEquals((await first).result.outcome, "completed");
});

Deno.test("ralph run calls the hooks of both settings files, and fails because of none", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["pass US-001; work one"]);
  const options = await configure(
    repo,
    { agent },
    `[[hooks]]
on = ["iteration_finished", "loop_finished"]
command = ["sh", "-c", 'echo "$RALPH_EVENT $RALPH_TASK" >> ../user']
`,
  );
  const toml =
    `[[hooks]]\non = "loop_finished"\ncommand = ["sh", "-c", "cat > ../event; exit 9"]\n`;
  await writeFile(join(repo.root, "ralph.toml"), `${toml}timeout = "5s"\n`);
  await repo.git("add", "--all");
  await repo.git("commit", "--quiet", "-m", "Settings");
  const { code, stdout, stderr } = await ralph(
    ["run", "job", "-a", "agent", "--foreground"],
    options,
  );
  assertEquals(code, 0, stderr);
  const user = await readFile(join(repo.outside, "user"), "utf8");
  assertEquals(user, "iteration_finished job\nloop_finished job\n");
  const event = JSON.parse(await readFile(join(repo.outside, "event"), "utf8"));
  assertEquals([event.type, event.result.outcome], ["loop_finished", "completed"]);
  assert(!stdout.includes("Hook"), stdout);
  assertMatch(stderr, /^warning: Hook "sh -c cat > .*" failed on loop_finished: exit code 9\n$/);
});

Deno.test("ralph run writes the warnings of hooks to worker.log in the background", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["pass US-001; work one"]);
  const settings = '[[hooks]]\non = "*"\ncommand = ["false"]\n';
  const options = await configure(repo, { agent }, settings);
  const { code, stdout } = await ralph(["run", "job", "-a", "agent"], options);
  assertEquals(code, 0);
  const id = stdout.match(/session=(\w{26})/)?.[1] ?? "";
  const log = join(sessionPaths({ HOME: options.home }).sessionsDir, id, "worker.log");
  assertEquals(await fileThere(log), 'warning: Hook "false" failed on loop_started: exit code 1\n');
});

Deno.test("readSettings() names what is wrong with a hook", async () => {
  const cases: [string, string][] = [
    ['on = "finished"\ncommand = ["true"]', "hooks.0.on: Expected a type of event"],
    ['on = []\ncommand = ["true"]', "hooks.0.on"],
    ['on = "*"\ncommand = []', "hooks.0.command"],
    ['on = "*"\ncommand = [" "]', "hooks.0.command: Expected the name of a program first"],
    ['on = "*"\ncommand = "notify-send"', "hooks.0.command"],
    ['on = "*"\ncommand = ["true"]\nwhen = "now"', 'unknown key "when" in hooks.0'],
  ];
  for (const [table, message] of cases) {
    await using dir = await tempDir();
    const configDir = join(dir.path, "config");
    await mkdir(configDir);
    await writeFile(join(dir.path, "ralph.toml"), `[[hooks]]\n${table}\n`);
    const error = await readSettings({ root: dir.path, configDir }).catch((error) => error);
    assert(error instanceof SettingsError, table);
    assertStringIncludes(error.message, message);
  }
});

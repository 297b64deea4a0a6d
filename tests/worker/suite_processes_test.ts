import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { isProcessGroupAlive } from "../../lib/base/end_processes.ts";
import { isAlive } from "../../lib/base/process_identity.ts";
import type { Session } from "../../lib/session/model/session.ts";
import { assertNothingLeft, ofType, type Scene, suiteScene, until } from "./suite_scene.ts";

/** Processes that hang, stay or are killed: points 7 to 11 and 16 of the suite. */

const STALL = { stall_timeout: "1s" };

/** Waits until the agent of the newest session runs and has said `up`. */
async function agentUp(it: Scene): Promise<Session & { worker: { pid: number } }> {
  const session = await until(() => it.sessions().find((each) => each.agentProcess !== null));
  await until(() => readFile(join(it.repo.outside, "up")).then(() => true, () => false));
  assert(session.worker !== null);
  return session as Session & { worker: { pid: number } };
}

const HANG = "touch ../up; sleep 60 & sleep 60";

Deno.test("point 7: a silent agent is ended with its group, and the next one starts", async () => {
  await using it = await suiteScene({
    agents: {
      agent: [
        "echo up; (trap '' TERM; while :; do sleep 60; done) & sleep 60 & sleep 60",
        "pass US-001; work one",
      ],
    },
    settings: STALL,
  });
  const { code, events } = await it.run("--json");
  assertEquals(code, 0);
  const [first, second] = ofType(events, "iteration_finished");
  assertEquals(first?.ending, { kind: "stalled", message: "Silent for 1 s" });
  assertEquals(second?.outcome, "passed");
  assertEquals(await it.calls(), { agent: 2 });
});

Deno.test("point 7: the loop fails over from an agent that is silent every time", async () => {
  await using it = await suiteScene({
    agents: { silent: ["exec sleep 60"], other: ["pass US-001; work one"] },
    settings: { ...STALL, failover_threshold: 2 },
  });
  const { code, events } = await it.run("--json");
  assertEquals(code, 0);
  assertEquals(await it.calls(), { silent: 2, other: 1 });
  assertEquals(ofType(events, "failed_over").length, 1);
});

const STEADY: Record<string, string> = {
  "in lines": "echo $i",
  "in dots without a line end": "printf .",
  "on stderr": "echo $i >&2",
  "of a progress bar": "printf '\\r%s%%' $i",
};
Deno.test("point 7: steady output of any kind is never silence", async () => {
  await Promise.all(
    Object.entries(STEADY).map(async ([what, print]) => {
      await using it = await suiteScene({
        agents: {
          agent: [`for i in 1 2 3 4 5 6 7 8; do ${print}; sleep 0.3; done; pass US-001; work one`],
        },
        settings: STALL,
      });
      const { code, stdout } = await it.run();
      assertEquals(code, 0, `${what}: ${stdout}`);
      assertEquals(await it.calls(), { agent: 1 }, what);
    }),
  );
});

Deno.test("point 8: a grandchild that keeps its output open does not delay the end of an agent", async () => {
  await using it = await suiteScene({
    agents: { agent: ["sleep 60 & sleep 60 2>&1 & pass US-001; work one; echo done"] },
  });
  const { code, events, ms } = await it.run("--json");
  assertEquals(code, 0);
  assertLess(ms, 5_000);
  const lines = ofType(events, "agent").flatMap(({ event }) =>
    event.kind === "output" ? [event.line] : []
  );
  assertEquals(lines, ["done"]);
  assertEquals(await it.calls(), { agent: 1 });
});

Deno.test("point 8: nor does a daemon that left its group, which is ended as well", async () => {
  await using it = await suiteScene({
    agents: {
      agent: [
        "setsid sh -c 'echo $$ > ../daemon; exec sleep 60' & " +
        "while [ ! -s ../daemon ]; do sleep 0.01; done; pass US-001; work one",
      ],
    },
  });
  const { code, ms } = await it.run();
  assertEquals(code, 0);
  assertLess(ms, 5_000);
  const daemon = Number(await readFile(join(it.repo.outside, "daemon"), "utf8"));
  assertEquals(await isProcessGroupAlive(daemon), false);
});

for (const [signal, expected] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  Deno.test(`point 9: ${signal} in the middle of a call leaves nothing within a second`, async () => {
    await using it = await suiteScene({ agents: { agent: [HANG] } });
    const call = it.start("run", "job", "-a", "agent", "--foreground");
    await agentUp(it);
    const at = performance.now();
    process.kill(call.child.pid ?? 0, signal);
    const { code, stdout } = await call.result;
    assertLess(performance.now() - at, 1_000);
    await assertNothingLeft(it.options.home);
    assertEquals(code, expected);
    assertStringIncludes(stdout, `Stopped job: ${signal}`);
    assertStringIncludes(await it.progress(), `Reason: ${signal}`);
    const status = await it.start("status", "--all", "--json").result;
    const { sessions } = JSON.parse(status.stdout) as { sessions: { status: string }[] };
    assertEquals(sessions.map((each) => each.status), ["stopped"]);
    assertEquals(await it.calls(), { agent: 1 });
  });
}

Deno.test("point 9: SIGTERM to a worker in the middle of a call leaves nothing within a second", async () => {
  await using it = await suiteScene({ agents: { agent: [HANG] } });
  const call = it.start("run", "job", "-a", "agent");
  const { worker } = await agentUp(it);
  const at = performance.now();
  process.kill(worker.pid, "SIGTERM");
  const { code } = await call.result;
  assertLess(performance.now() - at, 1_500);
  await assertNothingLeft(it.options.home);
  assertEquals(code, 143);
  assertEquals(it.sessions()[0]?.status, "stopped");
});

Deno.test("point 9: a stop in the middle of a check ends the check as well", async () => {
  await using it = await suiteScene({
    agents: { agent: ["pass US-001; work one"] },
    settings: { checks: ["touch ../up; sleep 60 & sleep 60"] },
  });
  const call = it.start("run", "job", "-a", "agent", "--foreground");
  await until(() => readFile(join(it.repo.outside, "up")).then(() => true, () => false));
  const at = performance.now();
  process.kill(call.child.pid ?? 0, "SIGTERM");
  assertEquals((await call.result).code, 143);
  assertLess(performance.now() - at, 1_500);
  await assertNothingLeft(it.options.home);
  // A check that was stopped has not passed.
  assertMatch(await readFile(it.repo.task.prdFile, "utf8"), /"passes": ?false/);
});

Deno.test("point 10: a second run is refused with the first one's pid, and its lock dies with it", async () => {
  await using it = await suiteScene({ agents: { agent: [HANG, "pass US-001; work one"] } });
  const first = it.start("run", "job", "-a", "agent", "--foreground");
  const { worker, agentProcess } = await agentUp(it);
  assertEquals(worker.pid, first.child.pid);
  for (const mode of ["--foreground", "--detach"]) {
    const { code, stderr } = await it.start("run", "job", "-a", "agent", mode).result;
    assertEquals(code, 1);
    assertMatch(stderr, new RegExp(`^error: .*already running \\(pid ${worker.pid}, since `));
  }
  assertEquals(await it.calls(), { agent: 1 });
  process.kill(worker.pid, "SIGKILL");
  await first.result;
  assert(await isProcessGroupAlive(agentProcess?.pid ?? 0));
  assertEquals((await it.run()).code, 0);
  assertEquals(await it.calls(), { agent: 2 });
});

Deno.test("point 11: after kill -9 no second agent runs beside the first, and no story is lost", async () => {
  // Each agent says whether another one runs at the same time.
  const guard = 'case "$(ps -o stat= -p "$(cat ../pid 2>/dev/null || echo 0)")" in ""|Z*) ;; ' +
    "*) touch ../twice ;; esac; echo $$ > ../pid";
  await using it = await suiteScene({
    stories: [{ id: "US-001" }, { id: "US-002" }, { id: "US-003" }],
    agents: {
      agent: [
        `${guard}; pass US-001; work one`,
        `${guard}; pass US-002; work two; touch ../up; sleep 60 & sleep 60`,
        `${guard}; pass US-003; work three`,
      ],
    },
  });
  const call = it.start("run", "job", "-a", "agent");
  const session = await agentUp(it);
  process.kill(session.worker.pid, "SIGKILL");
  await until(() => !isAlive(session.worker as Parameters<typeof isAlive>[0]));
  assertEquals((await call.result).code, 1);
  assertEquals((await it.run("--worker")).code, 0);
  assertEquals(await it.calls(), { agent: 3 });
  assertEquals(await readFile(join(it.repo.outside, "twice")).then(() => true, () => false), false);
  const [second, first] = it.sessions();
  assertEquals([first?.status, first?.stories?.done], ["failed", 2]);
  assertEquals([second?.status, second?.stories?.done], ["completed", 3]);
  const history = await it.start("history", "job", "--json").result;
  assertEquals(history.code, 0, history.stderr);
  assertEquals((await it.repo.git("log", "--format=%s")).split("\n").slice(0, 3), [
    "feat: three",
    "feat: two",
    "feat: one",
  ]);
});

Deno.test("point 16: variables of ralph and of a surrounding session do not leak into the agent", async () => {
  await using it = await suiteScene({ agents: { agent: ["env > ../env; pass US-001; work one"] } });
  // ralph must not load the .env of the project or of the user.
  await writeFile(join(it.repo.root, ".env"), "FROM_DOT_ENV=1\nANTHROPIC_API_KEY=sk-project\n");
  const env = {
    CLAUDECODE: "1",
    CLAUDE_CODE_ENTRYPOINT: "cli",
    CLAUDE_CODE_SESSION_ID: "outer",
    OPENCODE_SERVER_PASSWORD: "not-yours",
    RALPH_AGENT: "agent",
    RALPH_TEST_SETTING: "1",
    MY_OWN: "kept",
  };
  Object.assign(it.options, { env });
  assertEquals((await it.run()).code, 0);
  const lines = (await readFile(join(it.repo.outside, "env"), "utf8")).split("\n");
  const names = lines.map((line) => line.split("=")[0] ?? "");
  assert(lines.includes("MY_OWN=kept"));
  const leaked = names.filter((name) =>
    /^(CLAUDE|OPENCODE_|RALPH_|FROM_DOT_ENV|ANTHROPIC_)/.test(name)
  );
  // Only the variables that mark its processes.
  assertEquals(leaked.sort(), ["RALPH_RUN", "RALPH_SESSION"]);
});

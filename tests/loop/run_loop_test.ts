import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { isProcessGroupAlive } from "../../lib/base/end_processes.ts";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { LoopControl } from "../../lib/loop/loop_control.ts";
import type { RunLoopOptions } from "../../lib/loop/loop_options.ts";
import { PreflightError } from "../../lib/loop/start/preflight.ts";
import { runLoop } from "../../lib/loop/run_loop.ts";
import {
  AgentNotReadyError,
  NoStoriesError,
  UnfilledStoriesError,
} from "../../lib/loop/start/start_loop.ts";
import { checkPrd } from "../../lib/task/prd/check_prd.ts";
import { readPrd } from "../../lib/task/prd/read_prd.ts";
import {
  asAgent,
  collect,
  scriptedAgent,
  type StoryInput,
  type TaskRepo,
  taskRepo,
} from "../kit/scripted_agent.ts";

const env = { PATH: process.env.PATH, HOME: "/nonexistent" };
const fast = { backoffBaseMs: 1, backoffMaxMs: 2, coolDownMs: 60_000 };

interface Scene extends AsyncDisposable {
  repo: TaskRepo;
  options: RunLoopOptions;
  calls(name?: string): Promise<number>;
  prompt(call: number): Promise<string>;
}

/** A task, and scripted agents by name; the first one is the requested one. */
async function scene(
  stories: readonly StoryInput[],
  replies: Record<string, string[]> | string[],
  prd: Record<string, unknown> = {},
): Promise<Scene> {
  const repo = await taskRepo(stories, prd);
  const scripts = Array.isArray(replies) ? { one: replies } : replies;
  const agents = await Promise.all(
    Object.entries(scripts).map(async ([name, lines]) => ({
      name,
      script: await scriptedAgent(join(repo.outside, "agents", name), lines),
    })),
  );
  const names = agents.map(({ name }) => name);
  const find = (name: string | undefined) =>
    agents.find((each) => each.name === (name ?? names[0]))?.script;
  return {
    repo,
    options: {
      task: repo.task,
      agents: agents.map(({ name, script }) => asAgent(name, script)),
      fallbackAgent: names[0] ?? "",
      failover: names,
      failoverRules: fast,
      limits: { iterations: 20 },
      env,
      random: () => 0,
    },
    calls: async (name) => await find(name)?.calls() ?? 0,
    prompt: async (call) => await find(undefined)?.prompt(call) ?? "",
    [Symbol.asyncDispose]: () => repo[Symbol.asyncDispose](),
  };
}

function types(events: LoopEvent[]): string[] {
  return events.filter((event) => event.type !== "agent").map((event) => event.type);
}

function finished(events: LoopEvent[]): Extract<LoopEvent, { type: "iteration_finished" }>[] {
  return events.filter((event) => event.type === "iteration_finished");
}

Deno.test("runLoop() runs every story in order, a fresh agent each, and says what changed", async () => {
  await using it = await scene([{ id: "US-001" }, { id: "US-002" }], [
    "echo working; pass US-001; work one",
    "pass US-002; work two",
  ]);
  const { events, result } = await collect(runLoop(it.options));
  assertEquals(types(events), [
    "loop_started",
    "iteration_started",
    "iteration_finished",
    "iteration_started",
    "iteration_finished",
    "loop_finished",
  ]);
  const [first, second] = finished(events);
  assertEquals(first?.outcome, "passed");
  assertEquals(first?.passed, ["US-001"]);
  assertEquals(first?.commits, 1);
  assertEquals(first?.headAfter, second?.headBefore);
  assertEquals(result.outcome, "completed");
  assertEquals(result.commits, 2);
  assertEquals(result.filesChanged, 3);
  assertEquals(result.agents, { one: 2 });
  assertStringIncludes(await it.prompt(1), "US-001");
  assertStringIncludes(await it.prompt(2), "Story US-002");
});

Deno.test("runLoop() calls no agent when every story passes already", async () => {
  await using it = await scene([{ id: "US-001", passes: true }], ["exit 1"]);
  const { result } = await collect(runLoop(it.options));
  assertEquals(result.outcome, "completed");
  assertEquals(result.iterations, 0);
  assertEquals(await it.calls(), 0);
});

Deno.test("runLoop() believes prd.json and not a COMPLETE tag", async () => {
  await using it = await scene([{ id: "US-001" }], [
    "echo '<promise>COMPLETE</promise>'",
    "pass US-001; work one",
  ]);
  const { events, result } = await collect(runLoop(it.options));
  assertEquals(finished(events).map((each) => each.outcome), ["open", "passed"]);
  assertEquals(result.outcome, "completed");
  assertEquals(await it.calls(), 2);
});

Deno.test("runLoop() never treats a broken prd.json as a finished one", async () => {
  for (const damage of ['head -c 40 "$PRD" > x; mv x "$PRD"', 'rm -f "$PRD"', ': > "$PRD"']) {
    await using it = await scene([{ id: "US-001" }], [`PRD=tasks/job/prd.json; ${damage}`]);
    const { events, result } = await collect(runLoop(it.options));
    assertEquals(result.outcome, "failed");
    assertStringIncludes(result.reason, "prd.json is still broken");
    assertEquals(await it.calls(), 4);
    assert(types(events).includes("warning"));
    assertStringIncludes(await it.prompt(2), "Repair prd.json");
  }
});

Deno.test("runLoop() continues when an agent repairs the prd.json that another one broke", async () => {
  await using it = await scene([{ id: "US-001" }], [
    'cp "$PRD" ../good; echo broken > "$PRD"',
    'cp ../good "$PRD"; pass US-001; work one',
  ]);
  const { result } = await collect(runLoop(it.options));
  assertEquals(result.outcome, "completed");
});

Deno.test("runLoop() does not finish a task whose open stories vanished", async () => {
  await using it = await scene([{ id: "US-001" }, { id: "US-002" }], [
    `echo '{"userStories":[{"id":"US-001","passes":true}]}' > tasks/job/prd.json; work one`,
  ]);
  const { result } = await collect(runLoop(it.options));
  assertEquals(result.outcome, "failed");
  assertStringIncludes(result.reason, "US-002");
});

Deno.test("runLoop() continues past an empty list of stories only with the last good copy", async () => {
  await using it = await scene([{ id: "US-001" }], [
    `echo '{"userStories":[]}' > tasks/job/prd.json`,
  ]);
  const { result } = await collect(runLoop(it.options));
  assertEquals(result.outcome, "failed");
  assertStringIncludes(result.reason, "no longer has any stories");
});

Deno.test("runLoop() fails over at once from an agent that cannot start, and stays there", async () => {
  await using it = await scene([{ id: "US-001" }, { id: "US-002" }], {
    bad: ["exit 1"],
    good: ["pass US-001; work one", "pass US-002; work two"],
  });
  const { events, result } = await collect(runLoop(it.options));
  const switches = events.filter((event) => event.type === "failed_over");
  assertEquals(switches.length, 1);
  assertEquals([switches[0]?.from, switches[0]?.to], ["bad", "good"]);
  assertEquals(await it.calls("bad"), 1);
  assertEquals(await it.calls("good"), 2);
  assertEquals(result.outcome, "completed");
  assertEquals(result.failovers, 1);
});

Deno.test("runLoop() retries an error with a visible wait, and switches at the threshold", async () => {
  await using it = await scene([{ id: "US-001" }], {
    bad: ["sleep 0.3; echo boom >&2; exit 1"],
    good: ["pass US-001; work one"],
  });
  const failoverRules = { ...fast, backoffBaseMs: 100, backoffMaxMs: 200 };
  const { events } = await collect(runLoop({ ...it.options, failoverRules }));
  assertEquals(await it.calls("bad"), 3);
  assertEquals(await it.calls("good"), 1);
  assertEquals(events.filter((event) => event.type === "waiting").length, 2);
  assertEquals(finished(events).map((each) => each.failuresInRow), [1, 2, 3, 0]);
});

Deno.test("runLoop() ends as failed with the reason of each agent when none is left", async () => {
  await using it = await scene([{ id: "US-001" }], {
    a: ["echo 'unknown option' >&2; exit 1"],
    b: ["echo 'no licence' >&2; exit 1"],
  });
  const { result } = await collect(runLoop(it.options));
  assertEquals(result.outcome, "failed");
  assertEquals(result.reason, "no agent is left");
  assertEquals(result.details.length, 2);
  assertStringIncludes(result.details[0] ?? "", "unknown option");
  assertStringIncludes(result.details[1] ?? "", "no licence");
});

Deno.test("runLoop() stops at its iteration limit with stories open", async () => {
  await using it = await scene([{ id: "US-001" }], ["work more"]);
  const { result } = await collect(runLoop({ ...it.options, limits: { iterations: 3 } }));
  assertEquals(result.outcome, "limit");
  assertEquals(result.iterations, 3);
  assertEquals(result.open, [{ id: "US-001", title: "Story US-001", reason: "3 attempts" }]);
});

Deno.test("runLoop() stops at its time limit in the middle of an iteration", async () => {
  await using it = await scene([{ id: "US-001" }], ["work one; sleep 60"]);
  const { events, result } = await collect(
    runLoop({ ...it.options, limits: { timeMs: 400 } }),
  );
  assertEquals(result.outcome, "limit");
  assertEquals(finished(events).map((each) => each.outcome), ["aborted"]);
  assert(result.durationMs < 10_000);
});

Deno.test("runLoop() ends an iteration that takes too long, and keeps what it changed", async () => {
  await using it = await scene([{ id: "US-001" }], [
    "work one; sleep 60",
    "pass US-001; work two",
  ]);
  const { events, result } = await collect(
    runLoop({ ...it.options, limits: { iterationMs: 400 } }),
  );
  const [first] = finished(events);
  assertEquals(first?.ending.kind, "timeout");
  assertEquals(first?.commits, 1);
  assertStringIncludes(await it.prompt(2), "what it changed is kept");
  assertEquals(result.outcome, "completed");
});

Deno.test("runLoop() ends a silent agent, and not one that keeps talking", async () => {
  await using it = await scene([{ id: "US-001" }], [
    "sleep 60",
    "for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done; pass US-001; work one",
  ]);
  const { events } = await collect(runLoop({ ...it.options, limits: { stallMs: 400 } }));
  assertEquals(finished(events).map((each) => each.ending.kind), ["stalled", "ok"]);
});

Deno.test("runLoop() stagnates when nothing changes", async () => {
  await using it = await scene([{ id: "US-001" }], ["echo looking around"]);
  const { result } = await collect(runLoop({ ...it.options, stagnationLimit: 3 }));
  assertEquals(result.outcome, "stagnated");
  assertEquals(await it.calls(), 3);
});

Deno.test("runLoop() says which stories wait for which when it is blocked", async () => {
  await using it = await scene([{ id: "US-001" }, { id: "US-002", dependsOn: ["US-009"] }], [
    "pass US-001; work one",
  ]);
  const { result } = await collect(runLoop(it.options));
  assertEquals(result.outcome, "blocked");
  assertEquals(result.open.map((story) => story.reason), ["needs US-009 (not in prd.json)"]);
});

Deno.test("runLoop() reopens a story when a check fails, and tells the next agent why", async () => {
  await using it = await scene([{ id: "US-001" }], [
    "pass US-001; work one",
    "pass US-001; echo ok > fixed; work two",
  ]);
  const checks = ["test -f fixed || { echo no file fixed; exit 7; }"];
  const { events, result } = await collect(runLoop({ ...it.options, checks }));
  assertEquals(finished(events).map((each) => each.outcome), ["check_failed", "passed"]);
  assertStringIncludes(await it.prompt(2), "exit code 7");
  assertStringIncludes(await it.prompt(2), "no file fixed");
  assertEquals(result.outcome, "completed");
  // The last iteration has just run the checks: they are not run again at the end.
  assertEquals(events.filter((event) => event.type === "check_started").length, 2);
});

Deno.test("runLoop() skips a story after three failed checks, and continues with others", async () => {
  await using it = await scene([{ id: "US-001" }, { id: "US-002" }], [
    "pass US-001; work a",
    "pass US-001; work b",
    "pass US-001; work c",
    "pass US-002; work d",
  ], { checks: ["! grep -q 'US-001.*\"passes\": *true' tasks/job/prd.json"] });
  const { result } = await collect(runLoop(it.options));
  assertEquals(result.outcome, "blocked");
  assertEquals(result.stories, { done: 1, total: 2 });
  assertStringIncludes(result.open[0]?.reason ?? "", "reopened 3 times");
});

Deno.test("runLoop() is not completed while a check fails, even if every story passes", async () => {
  await using it = await scene([{ id: "US-001", passes: true }], ["exit 0"]);
  const { result } = await collect(runLoop({ ...it.options, checks: ["echo broken; false"] }));
  assertEquals(result.outcome, "failed");
  assertStringIncludes(result.reason, 'check "echo broken; false" fails');
  assertEquals(result.details, ["broken"]);
});

Deno.test("runLoop() stops at once on request, and the agent is gone", async () => {
  await using it = await scene([{ id: "US-001" }], ["echo started; sleep 60"]);
  const control = new LoopControl();
  const events: LoopEvent[] = [];
  for await (const event of runLoop({ ...it.options, control })) {
    events.push(event);
    if (event.type === "agent" && event.event.kind === "output") control.requestStop("a test");
  }
  const last = events.at(-1);
  assert(last?.type === "loop_finished");
  assertEquals(last.result.outcome, "stopped");
  assertEquals(last.result.reason, "a test");
  assertEquals(finished(events).map((each) => each.outcome), ["aborted"]);
  const pid =
    events.flatMap((event) =>
      event.type === "agent" && event.event.kind === "process" ? [event.event.pid] : []
    )[0];
  assert(pid !== undefined);
  assertEquals(await isProcessGroupAlive(pid), false);
});

Deno.test("runLoop() takes a checkpoint after the current iteration", async () => {
  await using it = await scene([{ id: "US-001" }, { id: "US-002" }], [
    "pass US-001; work one",
  ]);
  const control = new LoopControl();
  let outcome;
  for await (const event of runLoop({ ...it.options, control })) {
    if (event.type === "iteration_started") control.requestCheckpoint("lunch");
    if (event.type === "loop_finished") outcome = event.result;
  }
  assertEquals(outcome?.outcome, "checkpointed");
  assertEquals(outcome?.stories, { done: 1, total: 2 });
});

Deno.test("runLoop() waits for a limit, and retries on request", async () => {
  await using it = await scene([{ id: "US-001" }], {
    one: [
      "echo 'rate limit exceeded, retry after 3600 seconds' >&2; echo x; exit 1",
      "pass US-001; work one",
    ],
  });
  const control = new LoopControl();
  const types: string[] = [];
  for await (const event of runLoop({ ...it.options, control })) {
    types.push(event.type);
    if (event.type === "waiting") {
      assert(event.until - Date.parse(event.time) > 60_000);
      control.retryNow();
    }
  }
  assert(types.includes("waited"));
  assertEquals(await it.calls(), 2);
});

Deno.test("runLoop() puts an injected prompt before the next one, once", async () => {
  await using it = await scene([{ id: "US-001" }], ["work one", "pass US-001; work two"]);
  const control = new LoopControl();
  control.injectPrompt("Mind the gap");
  await collect(runLoop({ ...it.options, control }));
  assertStringIncludes(await it.prompt(1), "Mind the gap");
  assert(!(await it.prompt(2)).includes("Mind the gap"));
});

Deno.test("runLoop() passes a story's model only to the story's agent", async () => {
  await using it = await scene(
    [{ id: "US-001", agent: "two", model: "big" }, { id: "US-002" }],
    { one: ["pass US-002; work two"], two: ["pass US-001; work one"] },
  );
  const { events } = await collect(runLoop(it.options));
  const started = events.filter((event) => event.type === "iteration_started");
  assertEquals(started.map(({ agent, model }) => [agent, model]), [["two", "big"], [
    "one",
    undefined,
  ]]);
});

Deno.test("runLoop() refuses to start without an agent or a story, and changes nothing", async () => {
  await using it = await scene([{ id: "US-001" }], ["exit 0"], { branchName: "ralph/job" });
  await assertRejects(
    () => collect(runLoop({ ...it.options, agents: [], fallbackAgent: "claude" })),
    AgentNotReadyError,
  );
  assertEquals((await it.repo.git("branch", "--show-current")).trim(), "main");
  await using empty = await scene([], ["exit 0"]);
  await assertRejects(() => collect(runLoop(empty.options)), NoStoriesError);
});

Deno.test("runLoop() works on the branch of the task", async () => {
  await using it = await scene([{ id: "US-001" }], ["pass US-001; work one"], {
    branchName: "ralph/job",
  });
  const { result } = await collect(runLoop(it.options));
  assertEquals(result.branch, "ralph/job");
  assertEquals((await it.repo.git("branch", "--show-current")).trim(), "ralph/job");
});

Deno.test("runLoop() ends its agent when its reader leaves", async () => {
  await using it = await scene([{ id: "US-001" }], ["echo started; sleep 60"]);
  let pid = 0;
  for await (const event of runLoop(it.options)) {
    if (event.type !== "agent") continue;
    if (event.event.kind === "process") pid = event.event.pid;
    if (event.event.kind === "output") break;
  }
  assert(pid > 0);
  assertEquals(await isProcessGroupAlive(pid), false);
});

Deno.test("runLoop() sees a story that a person marks while it waits", async () => {
  await using it = await scene([{ id: "US-001" }], {
    one: ["echo 'rate limit exceeded, retry after 3600 seconds' >&2; echo x; exit 1"],
  });
  const control = new LoopControl();
  const file = it.repo.task.prdFile;
  for await (const event of runLoop({ ...it.options, control })) {
    if (event.type !== "waiting") continue;
    await writeFile(
      file,
      (await readFile(file, "utf8")).replace('"passes":false', '"passes":true'),
    );
    control.retryNow();
  }
  assertEquals((await readPrd(file)).stories[0]?.passes, true);
  assertEquals(await it.calls(), 1);
});

Deno.test("runLoop() does not fail over when the agent is pinned", async () => {
  await using it = await scene([{ id: "US-001" }], { a: ["exit 1"], b: ["pass US-001; work one"] });
  const { result } = await collect(runLoop({ ...it.options, pin: true }));
  assertEquals(result.outcome, "failed");
  assertEquals(await it.calls("b"), 0);
});

Deno.test("runLoop() flags a story that passes with no change", async () => {
  await using it = await scene([{ id: "US-001" }], ["pass US-001"]);
  const { events, result } = await collect(runLoop(it.options));
  const warnings = events.flatMap((event) => event.type === "warning" ? [event.message] : []);
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0] ?? "", "US-001 passes with no change");
  assertEquals(result.outcome, "completed");
});

Deno.test("runLoop() reopens a story that passes without a commit, if one is required", async () => {
  await using it = await scene([{ id: "US-001" }], [
    "pass US-001; echo x > not-committed",
    "pass US-001; work two",
  ]);
  const { events, result } = await collect(runLoop({ ...it.options, requireCommit: true }));
  assertEquals(finished(events).map((each) => each.outcome), ["check_failed", "passed"]);
  assertStringIncludes(await it.prompt(2), "without a commit");
  assertEquals(result.outcome, "completed");
});

Deno.test("runLoop() prints the circle in which stories wait for each other", async () => {
  await using it = await scene([{ id: "A", dependsOn: ["B"] }, { id: "B", dependsOn: ["A"] }], [
    "x",
  ]);
  const { result } = await collect(runLoop(it.options));
  assertEquals(result.outcome, "blocked");
  assertEquals(result.reason, "stories wait for each other: A -> B -> A");
});

Deno.test("runLoop() pauses between stories where prd.json asks for it", async () => {
  await using it = await scene([{ id: "US-001" }, { id: "US-002" }], [
    "pass US-001; work one",
    "pass US-002; work two",
  ], { pauseBetweenStories: true });
  const first = await collect(runLoop(it.options));
  assertEquals([first.result.outcome, first.result.stories.done], ["checkpointed", 1]);
  const second = await collect(runLoop(it.options));
  assertEquals(second.result.outcome, "completed");
});

Deno.test("runLoop() runs the verificationCommands of another dialect as its checks", async () => {
  await using it = await scene([{ id: "US-001" }], ["pass US-001; work one"], {
    verificationCommands: { typecheck: "true", test: "echo red; false", lint: null },
  });
  const { result } = await collect(runLoop({ ...it.options, maxCheckFailures: 1 }));
  assertEquals(result.outcome, "blocked");
  assertStringIncludes(result.open[0]?.reason ?? "", 'check "echo red; false" fails');
});

Deno.test("runLoop() does not treat leftovers of its checks as an agent's work", async () => {
  await using it = await scene([{ id: "US-001" }, { id: "US-002" }], [
    "pass US-001; work one",
    "echo looking around",
  ]);
  const checks = ["date +%N > artefact"];
  const { events, result } = await collect(
    runLoop({ ...it.options, checks, stagnationLimit: 2 }),
  );
  assertEquals(finished(events).map((each) => each.changed), [true, false, false]);
  assertEquals(result.outcome, "stagnated");
});

Deno.test("runLoop() ends what its agent has put into another process group", async () => {
  if (process.platform !== "linux") return;
  await using it = await scene([{ id: "US-001" }], [
    "setsid sh -c 'echo $$ > ../group; exec sleep 60' & while [ ! -s ../group ]; do sleep 0.01; done; echo up; sleep 60",
  ]);
  const control = new LoopControl();
  for await (const event of runLoop({ ...it.options, control })) {
    if (event.type === "agent" && event.event.kind === "output") control.requestStop("a test");
  }
  const group = Number(await readFile(join(it.repo.outside, "group"), "utf8"));
  assert(group > 0);
  assertEquals(await isProcessGroupAlive(group), false);
});

Deno.test("runLoop() gives prd.json precedence over the settings, and the command line over both", async () => {
  await using it = await scene([{ id: "US-001" }, { id: "US-002", model: "of-story" }], [
    "pass US-001; work one",
    "pass US-002; work two",
  ], { model: "of-prd" });
  const models = async (more: Partial<RunLoopOptions>): Promise<(string | undefined)[]> => {
    await it.repo.git("checkout", "--quiet", "HEAD", "--", "tasks");
    const { events } = await collect(
      runLoop({ ...it.options, limits: { iterations: 1 }, ...more }),
    );
    return events.flatMap((event) => event.type === "iteration_started" ? [event.model] : []);
  };
  assertEquals(await models({ fallbackModel: "of-settings", model: "of-flag" }), ["of-flag"]);
  assertEquals(await models({ fallbackModel: "of-settings" }), ["of-story"]);
});

Deno.test("runLoop() never replaces an agent that is not on the failover list", async () => {
  await using it = await scene([{ id: "US-001", agent: "b" }], {
    a: ["pass US-001; work one"],
    b: ["exit 1"],
  });
  const { result } = await collect(runLoop({ ...it.options, failover: ["a"] }));
  assertEquals(result.outcome, "failed");
  assertEquals(await it.calls("a"), 0);
});

Deno.test("runLoop() uses an installed agent if a story's agent is not installed", async () => {
  await using it = await scene([{ id: "US-001", agent: "gone" }], {
    a: ["pass US-001; work one"],
  });
  const { events, result } = await collect(runLoop(it.options));
  assertEquals(result.outcome, "completed");
  const warnings = events.flatMap((event) => event.type === "warning" ? [event.message] : []);
  assertStringIncludes(warnings[0] ?? "", 'Agent "gone" is asked for and cannot run');
});

Deno.test("runLoop() pushes the branch at the end if prd.json has a merge target", async () => {
  await using it = await scene([{ id: "US-001" }], ["pass US-001; work one"], {
    branchName: "ralph/job",
    mergeTarget: "main",
  });
  // The repository was cloned from one that takes pushes of other branches.
  const { events, result } = await collect(runLoop(it.options));
  assertEquals(result.outcome, "completed");
  const published = events.find((event) => event.type === "published");
  assertEquals([published?.branch, published?.pushed], ["ralph/job", true]);
  assertStringIncludes(await it.repo.git("ls-remote", "origin"), "refs/heads/ralph/job");
});

Deno.test("runLoop() completes even if its branch cannot be pushed, and says so", async () => {
  await using it = await scene([{ id: "US-001" }], ["pass US-001; work one"], {
    branchName: "ralph/job",
    mergeTarget: "main",
  });
  await it.repo.git("remote", "remove", "origin");
  const { events, result } = await collect(runLoop(it.options));
  assertEquals(result.outcome, "completed");
  const published = events.find((event) => event.type === "published");
  assertStringIncludes(published?.problem ?? "", "origin");
});

Deno.test("runLoop() refuses to start if a folder is not writable, and changes nothing", async () => {
  await using it = await scene([{ id: "US-001" }], ["exit 0"], { branchName: "ralph/job" });
  await assertRejects(
    () => collect(runLoop({ ...it.options, folders: ["/proc/nowhere"] })),
    PreflightError,
  );
  assertEquals((await it.repo.git("branch", "--show-current")).trim(), "main");
});

Deno.test("runLoop() does not count a check that a stop has ended as one that failed", async () => {
  await using it = await scene([{ id: "US-001" }], ["pass US-001; work one"]);
  const control = new LoopControl();
  const options = { ...it.options, checks: ["sleep 60"], maxCheckFailures: 1, control };
  const events: LoopEvent[] = [];
  for await (const event of runLoop(options)) {
    events.push(event);
    if (event.type === "check_started") control.requestStop("a test");
  }
  // It was not verified, so it is open again; one failed check would have excluded it.
  const back = events.flatMap((event) => event.type === "story_set_back" ? [event.reason] : []);
  assertEquals(back, ['check "sleep 60" was stopped']);
  assertEquals((await readPrd(it.repo.task.prdFile)).stories[0]?.passes, false);
  const last = events.at(-1);
  assert(last?.type === "loop_finished");
  assertEquals(last.result.outcome, "stopped");
  const reason = '1 attempt: check "sleep 60" was stopped';
  assertEquals(last.result.open, [{ id: "US-001", title: "Story US-001", reason }]);
});

Deno.test("runLoop() ends a check with all its processes when the loop's time is over", async () => {
  await using it = await scene([{ id: "US-001" }], ["pass US-001; work one"]);
  // The shell, a child of it, and a grandchild that ignores SIGTERM and holds the output.
  const check = "echo $$ > ../check; (trap '' TERM; sleep 61) & sleep 62";
  const started = performance.now();
  const { events, result } = await collect(
    runLoop({ ...it.options, checks: [check], limits: { timeMs: 1_500 } }),
  );
  assert(performance.now() - started < 15_000);
  assertEquals([result.outcome, result.reason], ["limit", "time limit (1.5 s) reached"]);
  assertEquals(result.stories, { done: 0, total: 1 });
  const reason = `check "${check}" was ended: time limit (1.5 s) reached`;
  const back = events.flatMap((event) => event.type === "story_set_back" ? [event.reason] : []);
  assertEquals(back, [reason]);
  assertEquals(result.open.map((story) => story.reason), [`1 attempt: ${reason}`]);
  assertEquals(finished(events).map((each) => [each.outcome, each.passed]), [["aborted", []]]);
  assertEquals((await readPrd(it.repo.task.prdFile)).stories[0]?.passes, false);
  const group = Number(await readFile(join(it.repo.outside, "check"), "utf8"));
  assert(group > 0);
  assertEquals(await isProcessGroupAlive(group), false);
});

Deno.test("runLoop() is not completed when its time is over in the last checks", async () => {
  await using it = await scene([{ id: "US-001", passes: true }], ["exit 0"]);
  const { result } = await collect(
    runLoop({ ...it.options, checks: ["sleep 60"], limits: { timeMs: 300 } }),
  );
  assertEquals([result.outcome, result.reason], ["limit", "time limit (0.3 s) reached"]);
  assertEquals(result.details, ['check "sleep 60" was ended: time limit (0.3 s) reached']);
});

Deno.test("runLoop() ends a wait when the loop's time is over", async () => {
  await using it = await scene([{ id: "US-001" }], {
    one: ["echo 'rate limit exceeded, retry after 3600 seconds' >&2; echo x; exit 1"],
  });
  const { events, result } = await collect(
    runLoop({ ...it.options, limits: { timeMs: 2_000 } }),
  );
  assertEquals(result.outcome, "limit");
  const waited = events.flatMap((event) => event.type === "waited" ? [event.cancelled] : []);
  assertEquals(waited, [false]);
});

Deno.test("runLoop() measures durations and limits by a clock that does not jump", async () => {
  await using it = await scene([{ id: "US-001" }, { id: "US-002" }], [
    "pass US-001; work one",
    "pass US-002; work two",
  ]);
  // The time of day jumps by a day at each look.
  let time = Date.now();
  const now = (): number => time += 86_400_000;
  const { events, result } = await collect(
    runLoop({ ...it.options, now, limits: { timeMs: 600_000, iterationMs: 600_000 } }),
  );
  assertEquals(result.outcome, "completed");
  assert(result.durationMs < 600_000);
  assert(finished(events).every((each) => each.durationMs < 600_000));
});

Deno.test("runLoop() tells an error once", async () => {
  await using it = await scene([{ id: "US-001" }], {
    one: ["echo working; echo starting >&2; echo boom >&2; exit 1"],
    two: ["pass US-001; work one"],
  });
  const { events } = await collect(
    runLoop({ ...it.options, failoverRules: { ...fast, threshold: 1 } }),
  );
  const [first] = finished(events);
  assert(first?.ending.kind === "error");
  const told = [first.ending.message, ...first.stderrTail].join("\n");
  assertEquals(told.match(/boom|starting/g)?.toSorted(), ["boom", "starting"]);
});

Deno.test("runLoop() says how many checks there are, also when there are none", async () => {
  for (const checks of [[], ["true", "true", ": again"]]) {
    await using it = await scene([{ id: "US-001" }], ["pass US-001; work one"]);
    const { events, result } = await collect(runLoop({ ...it.options, checks }));
    const [started] = events;
    assert(started?.type === "loop_started");
    const expected = new Set(checks).size;
    assertEquals([started.checks, result.checks], [expected, expected]);
  }
});

Deno.test("runLoop() has no event with a field that is undefined", async () => {
  await using it = await scene([{ id: "US-001" }], ["pass US-001; work one"]);
  await it.repo.git("checkout", "--quiet", "--detach");
  const { events } = await collect(runLoop({ ...it.options, limits: {}, model: undefined }));
  assertEquals(events, JSON.parse(JSON.stringify(events)));
});

Deno.test("runLoop() refuses stories of the unfilled template, in the words of ralph check", async () => {
  const acceptanceCriteria = ["Something that can be checked"];
  await using it = await scene([{ id: "US-001", acceptanceCriteria }], ["exit 0"]);
  const error = await assertRejects(() => collect(runLoop(it.options)), UnfilledStoriesError);
  assertStringIncludes(error.message, 'Story "US-001" is still the one of the template');
  const [finding] = checkPrd(await readFile(it.repo.task.prdFile, "utf8"))
    .filter(({ level }) => level === "error");
  assertEquals(finding?.message, 'Story "US-001" is still the one of the template');
  assertEquals(finding?.hint, error.hint);
  assertEquals(await it.calls(), 0);
});

Deno.test("runLoop() judges by the checks and the prompt that it started with", async () => {
  const drop = `sed -i 's/"checks":\\[[^]]*\\]/"checks":["touch evil"]/' "$PRD"`;
  await using it = await scene([{ id: "US-001" }], [
    `${drop}; echo 'Mark all' > tasks/job/prompt.md; pass US-001; work one`,
    "pass US-001; work fixed",
  ], { checks: ["test -f fixed.txt"] });
  const { events, result } = await collect(runLoop(it.options));
  assertEquals([result.outcome, result.iterations], ["completed", 2]);
  const ran = events.flatMap((event) => event.type === "check_started" ? [event.command] : []);
  assertEquals(new Set(ran), new Set(["test -f fixed.txt"]));
  const told = events.flatMap((event) => event.type === "warning" ? [event.message] : []);
  assertEquals(told, [
    'check "test -f fixed.txt" of tasks/job/prd.json was removed; ' +
    'check "touch evil" of tasks/job/prd.json was added; ' +
    "the text of tasks/job/prompt.md was changed: it does not count in this loop",
  ]);
  assert(!(await it.prompt(2)).includes("Mark all"));
});

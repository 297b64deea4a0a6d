import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { LoopEvent, LoopResult } from "../../lib/event/loop_event.ts";
import { runLoop } from "../../lib/loop/run_loop.ts";
import {
  asAgent,
  collect,
  scriptedAgent,
  type StoryInput,
  type TaskRepo,
  taskRepo,
} from "../kit/scripted_agent.ts";

/** Agents that leave the branch of their task. */

interface Played extends AsyncDisposable {
  repo: TaskRepo;
  events: LoopEvent[];
  result: LoopResult;
  calls: number;
  prompt(call: number): Promise<string>;
}

/** Runs a task on the branch `ralph/job` with an agent that replies so. */
async function play(
  replies: readonly string[],
  stories: readonly StoryInput[] = [{ id: "US-001" }],
): Promise<Played> {
  const repo = await taskRepo(stories, { branchName: "ralph/job" });
  const script = await scriptedAgent(join(repo.outside, "agent"), replies);
  const loop = runLoop({
    task: repo.task,
    agents: [asAgent("one", script)],
    agent: "one",
    limits: { iterations: 5 },
    env: { PATH: process.env.PATH, HOME: "/nonexistent" },
  });
  const { events, result } = await collect(loop);
  return {
    repo,
    events,
    result,
    calls: await script.calls(),
    prompt: script.prompt,
    [Symbol.asyncDispose]: () => repo[Symbol.asyncDispose](),
  };
}

function warnings({ events }: Played): string[] {
  return events.flatMap((event) => event.type === "warning" ? [event.message] : []);
}

function finished({ events }: Played): Extract<LoopEvent, { type: "iteration_finished" }>[] {
  return events.filter((event) => event.type === "iteration_finished");
}

async function commitsOn({ repo }: Played, branch: string): Promise<number> {
  return Number(await repo.git("rev-list", "--count", `origin/main..${branch}`)) - 1;
}

const GOOD = "pass US-001; work good";

Deno.test("runLoop() takes its branch back from an agent that left it, and its story does not count", async () => {
  await using it = await play(["git switch -qc elsewhere; work a; pass US-001; work b", GOOD]);
  const left = "left ralph/job: 2 commits on elsewhere, none on ralph/job";
  assertEquals(warnings(it), [`The agent ${left}`]);
  const [first, second] = finished(it);
  assert(first !== undefined && second !== undefined);
  assertEquals(
    [first.outcome, first.commits, first.changed, first.passed, first.headAfter],
    ["check_failed", 0, false, [], first.headBefore],
  );
  const reopened = it.events.find((event) => event.type === "story_set_back");
  assertEquals(reopened?.reason, `its agent ${left}`);
  assertStringIncludes(await it.prompt(2), left);
  assertEquals([second.outcome, second.commits], ["passed", 1]);
  assertEquals([it.result.outcome, it.result.commits], ["completed", 1]);
  assertEquals([await commitsOn(it, "elsewhere"), await commitsOn(it, "ralph/job")], [2, 1]);
});

Deno.test("runLoop() reopens a story whose mark came along without a commit", async () => {
  await using it = await play([
    "git switch -qc elsewhere; work a; pass US-001",
    "grep -q true tasks/job/prd.json && exit 1; " + GOOD,
  ]);
  assertEquals(finished(it).map(({ outcome }) => outcome), ["check_failed", "passed"]);
  assertEquals(it.result.commits, 1);
});

Deno.test("runLoop() says where to find the commits of a detached HEAD", async () => {
  await using it = await play(["work own; git switch -q --detach; work a", GOOD]);
  const [left, keep] = warnings(it);
  assertMatch(
    left ?? "",
    /^The agent left ralph\/job: 1 commit on a detached HEAD \(\w{12}\), 1 commit on ralph\/job$/,
  );
  const hash = /^To keep the commits of the detached HEAD: git branch NAME (\w{40})$/
    .exec(keep ?? "")?.[1] ?? "";
  assertEquals(await it.repo.git("log", "-1", "--format=%s", hash), "feat: a\n");
  assertEquals(finished(it).map(({ commits }) => commits), [1, 1]);
  assertStringIncludes(await it.prompt(2), "left ralph/job");
});

Deno.test("runLoop() reports work on main, and takes its branch back", async () => {
  await using it = await play(["git switch -q main; work a; pass US-001; work b", GOOD]);
  const left = "The agent left ralph/job: 2 commits on main, none on ralph/job";
  assertEquals(warnings(it), [left]);
  assertEquals([it.result.outcome, it.result.commits], ["completed", 1]);
});

Deno.test("runLoop() makes its branch again if an agent renames it", async () => {
  await using it = await play(["git branch -m moved; work a", GOOD]);
  const left = "The agent left ralph/job: 1 commit on moved, none on ralph/job";
  assertEquals(warnings(it), [left]);
  assertEquals([it.result.outcome, it.result.commits], ["completed", 1]);
});

Deno.test("runLoop() ends where files are in the way of its branch, and touches none of them", async () => {
  await using it = await play([
    "work a; git switch -qc elsewhere; work a; pass US-001; echo mine >> a.txt",
    "exit 1",
  ]);
  const reason = 'Cannot switch to branch "ralph/job": ' +
    "files that are not committed differ from those of the branch: a.txt";
  assertEquals([it.result.outcome, it.result.reason, it.calls], ["failed", reason, 1]);
  assertEquals(it.result.details, ["commit them first: git add a.txt && git commit"]);
  assertEquals([it.result.commits, it.result.stories.done], [1, 0]);
  assertEquals(finished(it).map(({ commits, passed }) => [commits, passed]), [[1, []]]);
  assertEquals(await readFile(join(it.repo.root, "a.txt"), "utf8"), "a\na\nmine\n");
  assertEquals(await it.repo.git("branch", "--show-current"), "elsewhere\n");
});

Deno.test("runLoop() does not take an unfinished rebase for another branch", async () => {
  await using it = await play([
    "work a; git rebase --quiet --exec false HEAD~1 2>&1; git branch --show-current",
    "git rebase --continue; " + GOOD,
  ]);
  assertEquals(finished(it).map(({ commits }) => commits), [1, 1]);
  assertEquals(warnings(it), []);
  assertEquals([it.result.outcome, it.result.commits], ["completed", 2]);
});

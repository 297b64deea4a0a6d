import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configure, ralph, type RalphOptions, startRalph } from "../kit/ralph_process.ts";
import { scriptedAgent, type TaskRepo, taskRepo } from "../kit/scripted_agent.ts";

/** Tasks that take turns in one work tree, as their user sees it. */

const BRANCH = "ralph/job";

/** Adds a task `other` with a branch of its own, not committed yet. */
async function addOther(repo: TaskRepo): Promise<void> {
  await mkdir(join(repo.root, "tasks", "other"));
  await writeFile(
    join(repo.root, "tasks", "other", "prd.json"),
    JSON.stringify({
      branchName: "ralph/other",
      userStories: [{ id: "US-001", title: "One", passes: false }],
    }),
  );
}

/** The subjects of the commits of a branch that main does not have, oldest first. */
async function commitsOf(repo: TaskRepo, branch: string): Promise<string[]> {
  const output = await repo.git("log", "--reverse", "--format=%s", `main..${branch}`);
  return output.split("\n").filter((line) => line !== "");
}

/** Runs job in the background until its first story is done, and ends it there. */
async function checkpointJob(repo: TaskRepo, options: RalphOptions): Promise<void> {
  const { code } = await ralph(["run", "job", "-a", "one", "--detach"], options);
  assertEquals(code, 0);
  const call = startRalph(["checkpoint", "job"], options);
  call.child.stdout?.once("data", () => void writeFile(join(repo.outside, "go"), ""));
  const { stdout } = await call.result;
  assertStringIncludes(stdout, "job is checkpointed");
}

async function agents(repo: TaskRepo): Promise<RalphOptions> {
  const one = await scriptedAgent(join(repo.outside, "one"), [
    "while [ ! -f ../go ]; do sleep 0.05; done; pass US-001; work one",
    "pass US-002; work two",
  ]);
  const two = await scriptedAgent(join(repo.outside, "two"), [
    "PRD=tasks/other/prd.json; sed -i.bak 's/false/true/' $PRD && rm $PRD.bak; work other",
  ]);
  return await configure(repo, { one, two });
}

const STORIES = [{ id: "US-001" }, { id: "US-002" }];

Deno.test("ralph run takes tasks in turn: each starts from main, and no note is lost", async () => {
  await using repo = await taskRepo(STORIES, { branchName: BRANCH });
  await addOther(repo);
  await repo.git("add", "--all");
  await repo.git("commit", "--quiet", "-m", "Another task");
  const options = await agents(repo);
  await checkpointJob(repo, options);
  const progress = await readFile(repo.task.progressFile, "utf8");
  assertStringIncludes(progress, "CHECKPOINT");

  const other = await ralph(["run", "other", "-a", "two"], options);
  assertEquals([other.code, other.stderr], [0, ""]);
  assertMatch(other.stdout, /^\S+ other started .* branch=ralph\/other base=main /);
  assertStringIncludes(
    other.stdout,
    'warning "Committed tasks/job/progress.txt on ralph/job, before leaving it"',
  );
  assertMatch(other.stdout, /1 commit\b/);
  assertEquals(await commitsOf(repo, "ralph/other"), ["feat: other"]);
  assertEquals(await commitsOf(repo, BRANCH), ["feat: one", "chore(job): what ralph noted"]);

  const again = await ralph(["run", "job", "-a", "one"], options);
  assertEquals([again.code, again.stderr], [0, ""]);
  assertMatch(again.stdout, /^\S+ job started .* branch=ralph\/job base=main /m);
  assertStringIncludes(await readFile(repo.task.progressFile, "utf8"), progress);
  assertEquals((await commitsOf(repo, BRANCH)).at(-1), "feat: two");
});

Deno.test("ralph run carries the notes of a task whose branch is not checked out, and back", async () => {
  await using repo = await taskRepo(STORIES, { branchName: BRANCH });
  await addOther(repo);
  await repo.git("add", "--all");
  await repo.git("commit", "--quiet", "-m", "Another task");
  const options = await agents(repo);
  await checkpointJob(repo, options);
  const progress = await readFile(repo.task.progressFile, "utf8");
  await repo.git("switch", "--quiet", "main");

  // Its agent commits the notes of job together with its own work.
  const other = await ralph(["run", "other", "-a", "two"], options);
  assertEquals([other.code, other.stderr], [0, ""]);
  const carried = 'warning "Carried tasks/job/progress.txt along from main"';
  assertStringIncludes(other.stdout, carried);
  const again = await ralph(["run", "job", "-a", "one"], options);
  assertEquals([again.code, again.stderr], [0, ""]);
  assertStringIncludes(await readFile(repo.task.progressFile, "utf8"), progress);
});

Deno.test("ralph run finds a task that only the other task's branch has", async () => {
  await using repo = await taskRepo(STORIES, { branchName: BRANCH });
  await addOther(repo);
  const options = await agents(repo);
  // The agent of job commits whatever it finds, the other task as well.
  await checkpointJob(repo, options);
  assertMatch(await repo.git("ls-tree", "-r", "--name-only", BRANCH), /tasks\/other\/prd\.json/);

  const other = await ralph(["run", "other", "-a", "two"], options);
  assertEquals([other.code, other.stderr], [0, ""]);
  assertMatch(other.stdout, /branch=ralph\/other base=main /);
  assertEquals(await commitsOf(repo, "ralph/other"), ["feat: other"]);
  assertMatch(
    await repo.git("show", "--format=", "--name-only", "ralph/other"),
    /tasks\/other\/prd\.json/,
  );
});

Deno.test("ralph run says in one sentence that git cannot take a branch, and exits with 1", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { branchName: "x".repeat(300) });
  await addOther(repo);
  const options = await agents(repo);
  const long = await ralph(["run", "job", "-a", "two"], options);
  assertEquals(long.code, 1);
  assertMatch(
    long.stderr,
    /^error: Cannot switch to branch "x{300}": its name is too long for the file system\nhint: give the task another branchName/,
  );
  await repo.git("add", "--all");
  await repo.git("commit", "--quiet", "-m", "Another task");
  const tree = join(repo.outside, "tree");
  await repo.git("worktree", "add", "--quiet", "-b", "ralph/other", tree);
  const busy = await ralph(["run", "other", "-a", "two"], options);
  assertEquals(busy.code, 1);
  assertEquals(
    busy.stderr,
    `error: Cannot switch to branch "ralph/other": it is checked out in another work tree: ` +
      `"${tree}"\nhint: run ralph there: cd ${tree}\n`,
  );
});

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import { isAlive } from "../../lib/base/process_identity.ts";
import { configure, ralph, type RalphOptions } from "../kit/ralph_process.ts";
import { scriptedAgent, type TaskRepo, taskRepo } from "../kit/scripted_agent.ts";

const HANG = "echo up; exec sleep 60";

/** A repository with two tasks, `job` and `other`, and an agent that does not come back. */
async function twoTasks(repo: TaskRepo): Promise<RalphOptions> {
  await cp(repo.task.dir, join(repo.root, "tasks", "other"), { recursive: true });
  await repo.git("add", "--all");
  await repo.git("commit", "--quiet", "-m", "docs: another task");
  const agent = await scriptedAgent(join(repo.outside, "agent"), [HANG]);
  return await configure(repo, { agent });
}

Deno.test("runSession() refuses a work tree in which another task runs, and names it", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await twoTasks(repo);
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  const refused = await ralph(["run", "other", "-a", "agent", "--detach"], options);
  assertEquals(refused.code, 1);
  assertMatch(
    refused.stderr,
    /^error: Cannot run other: job runs in the same work tree \(pid \d+, since [^)]+Z\): "/,
  );
  assertStringIncludes(refused.stderr, "end it: ralph stop job");
  await ralph(["stop", "job"], options);
  const { code } = await ralph(["run", "other", "-a", "agent", "--detach"], options);
  assertEquals(code, 0);
  await ralph(["stop", "other"], options);
});

Deno.test("runSession() finds the holder of a work tree whatever the state folder is", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await twoTasks(repo);
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  const elsewhere = join(repo.outside, "elsewhere");
  const env = { XDG_STATE_HOME: elsewhere, XDG_DATA_HOME: elsewhere };
  const refused = await ralph(["run", "job", "-a", "agent"], { ...options, env });
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "job runs in the same work tree");
  await ralph(["stop", "job"], options);
});

Deno.test("runSession() lets two worktrees of a repository work at once", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await twoTasks(repo);
  const other = join(repo.outside, "other");
  await repo.git("worktree", "add", "--quiet", "-b", "elsewhere", other);
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  const { code } = await ralph(["run", "other", "-a", "agent", "--detach"], {
    ...options,
    cwd: other,
  });
  assertEquals(code, 0);
  await ralph(["stop", "job"], options);
  await ralph(["stop", "other"], options);
});

Deno.test("runSession() ends what a killed session of another task left in the work tree", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await twoTasks(repo);
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  const { database } = sessionPaths({ HOME: options.home });
  using registry = openRegistry({ path: database });
  const running = () => registry.latestSession(repo.task.dir);
  while (!running()?.agentProcess) await delay(20);
  const agent = running()?.agentProcess;
  process.kill(running()?.worker?.pid ?? 0, "SIGKILL");
  const { code } = await ralph(["run", "other", "-a", "agent", "--detach"], options);
  assertEquals(code, 0);
  assertEquals(agent && isAlive(agent), false);
  const holder = await readFile(join(repo.root, ".git", "ralph", "session.json"), "utf8");
  assertEquals(JSON.parse(holder).task, "other");
  await ralph(["stop", "other"], options);
});

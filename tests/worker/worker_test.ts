import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { isProcessGroupAlive } from "../../lib/base/end_processes.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { isAlive } from "../../lib/base/process_identity.ts";
import { readSessionLog } from "../../lib/session/log/read_session_log.ts";
import type { Session } from "../../lib/session/model/session.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import { configure, ralph, type RalphOptions, startRalph } from "../kit/ralph_process.ts";
import { scriptedAgent, taskRepo } from "../kit/scripted_agent.ts";

const HANG = "echo up; exec sleep 60";

function sessions(options: RalphOptions): Session[] {
  using registry = openRegistry({ path: sessionPaths({ HOME: options.home }).database });
  return registry.findSessions({});
}

/** Waits until a condition is true; only the test's own time limit ends it otherwise. */
async function until<T>(look: () => Promise<T | undefined | false> | T | undefined | false) {
  for (;;) {
    const found = await look();
    if (found) return found;
    await delay(20);
  }
}

/** Waits until the agent of the newest session runs, and returns the session. */
function agentUp(options: RalphOptions): Promise<Session> {
  return until(() =>
    sessions(options).find(({ agentProcess }) => agentProcess !== null)
  ) as Promise<
    Session
  >;
}

Deno.test("ralph run --detach returns when the loop has started, and status shows it", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [HANG]);
  const options = await configure(repo, { agent });
  const { code, stdout } = await ralph(["run", "job", "-a", "agent", "--detach"], options);
  assertEquals(code, 0);
  assertMatch(stdout, /^Started job in the background \(pid \d+, session [0-9A-Z]{26}\)/);
  const session = await agentUp(options);
  assert(session.worker !== null && isAlive(session.worker));
  const stopped = await ralph(["stop"], options);
  assertEquals(stopped.code, 0);
  assertStringIncludes(stopped.stdout, "job is stopped (ralph stop, 0 of 1 stories)");
  assertEquals(isAlive(session.worker), false);
  assertEquals(await isProcessGroupAlive(session.agentProcess?.pid ?? 0), false);
  assertStringIncludes(await readFile(repo.task.progressFile, "utf8"), "Reason: ralph stop");
});

Deno.test("ralph run --detach prints why the worker did not start, with its exit code", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { branchName: "ralph/job" });
  const options = await configure(repo, {});
  await writeFile(join(repo.root, "dirty.txt"), "x");
  const { code, stderr } = await ralph(["run", "job", "-a", "demo", "--detach"], options);
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /^error: Cannot switch to branch "ralph\/job".*dirty\.txt\nhint: commit them/,
  );
  assertEquals(sessions(options), []);
});

Deno.test("ralph run refuses a second session of a task, and names the first", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [HANG]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  const session = await agentUp(options);
  for (const mode of ["--detach", "--foreground"]) {
    const { code, stderr } = await ralph(["run", "job", "-a", "agent", mode], options);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `already running (pid ${session.worker?.pid}, since `);
    assertStringIncludes(stderr, "hint: ralph attach job");
  }
  assertEquals(await agent.calls(), 1);
  await ralph(["stop", "job", "--now"], options);
});

Deno.test("ralph run follows its worker, and exits with the loop's code", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["work one"]);
  const options = await configure(repo, { agent });
  const { code, stdout } = await ralph(["run", "job", "-a", "agent", "-i", "2"], options);
  assertEquals(code, 3);
  assertStringIncludes(stdout, "iteration limit (2) reached");
  const again = await ralph(["run", "job", "-a", "agent", "-i", "1"], options);
  assertStringIncludes(again.stdout, "Last session stopped just now: iteration limit (2) reached");
  assertEquals(sessions(options).length, 2);
});

Deno.test("ralph run keeps running when its terminal is closed", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    "echo up; while [ ! -f ../go ]; do sleep 0.05; done; pass US-001; work one",
  ]);
  const options = await configure(repo, { agent });
  // In its own process group, as in a terminal: all of it gets the signal.
  const call = startRalph(["run", "job", "-a", "agent"], { ...options, detached: true });
  const session = await agentUp(options);
  process.kill(-(call.child.pid ?? 0), "SIGHUP");
  await call.result;
  assert(session.worker !== null && isAlive(session.worker));
  await writeFile(join(repo.outside, "go"), "");
  const ended = await until(() => sessions(options).find(({ status }) => status !== "running"));
  assertEquals((ended as Session).status, "completed");
});

Deno.test("ralph run leaves the view on Ctrl-C, and stops the loop on a second one", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [HANG]);
  const options = await configure(repo, { agent });
  const call = startRalph(["run", "job", "-a", "agent"], options);
  const awaited = ["iteration 1 US-001", "it keeps running in the background"];
  let text = "";
  call.child.stdout?.on("data", (chunk: string) => {
    text += chunk;
    if (awaited[0] === undefined || !text.includes(awaited[0])) return;
    awaited.shift();
    process.kill(call.child.pid ?? 0, "SIGINT");
  });
  const { code, stdout } = await call.result;
  assertEquals(code, 130);
  assertStringIncludes(stdout, "Stopped job: SIGINT");
  assertEquals(sessions(options)[0]?.status, "stopped");
});

Deno.test("ralph run --foreground has nothing left within a second of SIGTERM", async () => {
  // Other tests may take the machine for a moment: one quiet second of three is enough.
  const times: number[] = [];
  while (times.length < 3 && times.every((ms) => ms >= 1_000)) {
    times.push(await timeOfTermination());
  }
  assert(times.some((ms) => ms < 1_000), `${times.join(", ")} ms`);
});

/** How long a foreground run takes to end after SIGTERM, with an agent that ignores it. */
async function timeOfTermination(): Promise<number> {
  await using repo = await taskRepo([{ id: "US-001" }]);
  // It ignores SIGTERM, and so does its child.
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    "trap '' TERM; echo up; sleep 60 & wait; sleep 60",
  ]);
  const options = await configure(repo, { agent });
  const call = startRalph(["run", "job", "-a", "agent", "--foreground"], options);
  const session = await agentUp(options);
  const at = performance.now();
  process.kill(call.child.pid ?? 0, "SIGTERM");
  assertEquals((await call.result).code, 143);
  const took = performance.now() - at;
  assertEquals(await isProcessGroupAlive(session.agentProcess?.pid ?? 0), false);
  assertStringIncludes(await readFile(repo.task.progressFile, "utf8"), "Reason: SIGTERM");
  return took;
}

Deno.test("ralph recovers from a killed worker: no orphan, no lost event, and run continues", async () => {
  await using repo = await taskRepo([{ id: "US-001" }, { id: "US-002" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    // Nothing is written after the kill: a broken pipe would end it by itself.
    "pass US-001; work one; touch ../up; exec sleep 60",
    "pass US-002; work two",
  ]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  const session = await agentUp(options);
  await until(() => readFile(join(repo.outside, "up")).then(() => true, () => false));
  process.kill(session.worker?.pid ?? 0, "SIGKILL");
  await until(() => session.worker !== null && !isAlive(session.worker));
  assert(await isProcessGroupAlive(session.agentProcess?.pid ?? 0));

  const { code, stdout } = await ralph(["run", "job", "-a", "agent"], options);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "Last session failed just now: worker died, 1/2 stories");
  assertEquals(await isProcessGroupAlive(session.agentProcess?.pid ?? 0), false);
  const [second, first] = sessions(options);
  assertEquals([first?.status, first?.endReason], ["failed", "worker died"]);
  assertEquals(second?.status, "completed");
  using registry = openRegistry({ path: sessionPaths({ HOME: options.home }).database });
  const passed = [first, second].flatMap((each) =>
    registry.listIterations(each?.id ?? "").flatMap((row) => row.passed)
  );
  assertEquals(passed, ["US-001", "US-002"]);
  const dir = join(sessionPaths({ HOME: options.home }).sessionsDir, session.id);
  const log = await Array.fromAsync(readSessionLog(dir));
  assertEquals(log.map(({ seq }) => seq), log.map((_, i) => i + 1));
  assertEquals(log.at(-1)?.event.type, "loop_finished");
});

Deno.test("ralph run removes a git lock that a killed agent left behind", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    "touch .git/index.lock; echo up; exec sleep 60",
    "pass US-001; work one",
  ]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  const session = await agentUp(options);
  await until(() => readFile(join(repo.root, ".git", "index.lock")).then(() => true, () => false));
  process.kill(session.worker?.pid ?? 0, "SIGKILL");
  assertEquals((await ralph(["run", "job", "-a", "agent"], options)).code, 0);
});

Deno.test("US-001: attach says that a session is not running, and changes no status", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [HANG, "pass US-001; work one"]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  await until(async () => await agent.calls() === 1);
  await ralph(["stop"], options);
  await ralph(["run", "job", "-a", "agent"], options);
  const before = sessions(options);
  assertEquals(before.map(({ status }) => status), ["completed", "stopped"]);
  for (const { id, status } of before) {
    const { code, stderr } = await ralph(["attach", "--session", id], options);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `Session not running: job is ${status}`);
  }
  assertEquals(sessions(options), before);
});

Deno.test("US-001: attach marks a session as failed only if it ran and its worker is dead", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [HANG]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  const session = await agentUp(options);
  await ralph(["status"], options);
  assertEquals(sessions(options)[0]?.status, "running");
  process.kill(session.worker?.pid ?? 0, "SIGKILL");
  await until(() => session.worker !== null && !isAlive(session.worker));
  const { stderr } = await ralph(["attach"], options);
  assertStringIncludes(stderr, "job is failed just now (worker died)");
  assertEquals(sessions(options)[0]?.status, "failed");
});

Deno.test("US-003: a task's name is enough, from any folder of the repository", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await configure(repo, {});
  const deep = join(repo.root, "tasks", "job");
  const { code } = await ralph(["run", "job", "-a", "demo"], { ...options, cwd: deep });
  assertEquals(code, 0);
  const byPath = await ralph(["run", "tasks/job", "-a", "demo"], options);
  assertEquals(byPath.code, 0);
  const missing = await ralph(["run", "jab"], options);
  assertEquals(missing.code, 2);
  assertMatch(missing.stderr, /Cannot find task "jab": there is no folder tasks\/jab in /);
  assertStringIncludes(missing.stderr, "did you mean job?");
});

Deno.test("US-009: stop ends only the worker, and the agent's server keeps running", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const server = createServer((_, response) => response.end("{}"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as { port: number };
    const agent = await scriptedAgent(join(repo.outside, "agent"), [HANG]);
    const options = await configure(repo, { agent });
    await ralph(["run", "job", "-a", "agent", "--detach"], options);
    const { id } = await agentUp(options);
    {
      using registry = openRegistry({ path: sessionPaths({ HOME: options.home }).database });
      registry.updateSession(id, { serverPort: port });
    }
    assertEquals((await ralph(["stop", "job"], options)).code, 0);
    assertEquals(sessions(options)[0]?.status, "stopped");
    const answer = await fetch(`http://127.0.0.1:${port}/global/health`);
    assertEquals(await answer.text(), "{}");
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

Deno.test("US-009: checkpoint ends a session after its current iteration", async () => {
  await using repo = await taskRepo([{ id: "US-001" }, { id: "US-002" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    "echo up; while [ ! -f ../go ]; do sleep 0.05; done; pass US-001; work one",
  ]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  await agentUp(options);
  const call = startRalph(["checkpoint", "job"], options);
  call.child.stdout?.once("data", () => void writeFile(join(repo.outside, "go"), ""));
  const { code, stdout } = await call.result;
  assertEquals(code, 0);
  assertStringIncludes(stdout, "job is checkpointed (ralph checkpoint, 1 of 2 stories)");
  assertMatch(
    await readFile(repo.task.progressFile, "utf8"),
    /CHECKPOINT at .*\nIteration: 1\/50 \| Stories: 1\/2 \| Agent: agent\nReason: ralph checkpoint/,
  );
});

Deno.test("US-009: the help says that ralph does not stop a server", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const { stdout } = await ralph(["stop", "--help"], await configure(repo, {}));
  assertStringIncludes(stdout.replaceAll("\n", " "), "A server that the agent used");
});

Deno.test("US-010: attach finds the newest session of a task, one by its id, or the most recently active", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [HANG]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "demo", "-i", "1"], options);
  await writeFile(
    repo.task.prdFile,
    (await readFile(repo.task.prdFile, "utf8")).replace('"passes":true', '"passes":false'),
  );
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  const newest = await agentUp(options);
  const older = sessions(options).find(({ id }) => id !== newest.id);
  for (const args of [["job"], [], ["--session", newest.id]]) {
    const call = startRalph(["attach", ...args], options);
    call.child.stdout?.on("data", (text: string) => {
      if (text.includes(newest.id)) process.kill(call.child.pid ?? 0, "SIGHUP");
    });
    assertStringIncludes((await call.result).stdout, `session=${newest.id}`);
  }
  const old = await ralph(["attach", "--session", older?.id ?? ""], options);
  assertStringIncludes(old.stderr, "Session not running: job is completed");
  await ralph(["stop", "--now"], options);
  assertEquals(sessions(options)[0]?.endReason, "ralph stop");
  assertStringIncludes(await readFile(repo.task.progressFile, "utf8"), "Reason: ralph stop");
});

Deno.test("ralph reopens a story whose verification was interrupted by kill -9", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["pass US-001; work one"]);
  const options = await configure(repo, { agent });
  const check = "[ -f ../checked ] || { touch ../checked; sleep 60; }";
  const run = ["run", "job", "-a", "agent", "--check", check];
  await ralph([...run, "--detach"], options);
  await until(() => readFile(join(repo.outside, "checked")).then(() => true, () => false));
  const [session] = sessions(options);
  process.kill(session?.worker?.pid ?? 0, "SIGKILL");
  const { code } = await ralph(run, options);
  assertEquals(code, 0);
  // The story was not believed: it was retried, and then the check passed.
  assertEquals(await agent.calls(), 2);
  using registry = openRegistry({ path: sessionPaths({ HOME: options.home }).database });
  assertEquals(registry.listIterations(session?.id ?? "")[0]?.passed, []);
});

Deno.test("US-008: the registry of an older ralph is migrated once, with all of its history", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await configure(repo, {});
  const { database } = sessionPaths({ HOME: options.home });
  await mkdir(dirname(database), { recursive: true });
  {
    const old = new DatabaseSync(database);
    old.exec(`CREATE TABLE sessions (task_name TEXT PRIMARY KEY, task_dir TEXT NOT NULL,
      pid INTEGER NOT NULL, tmux_session TEXT NOT NULL, agent TEXT NOT NULL,
      status TEXT NOT NULL DEFAULT 'running', started_at TEXT NOT NULL, updated_at TEXT NOT NULL,
      iteration INTEGER NOT NULL DEFAULT 0, current_story TEXT NOT NULL DEFAULT '',
      max_iterations INTEGER NOT NULL DEFAULT 50, session_type TEXT NOT NULL DEFAULT 'tmux',
      server_port INTEGER, server_url TEXT NOT NULL DEFAULT '',
      opencode_session_id TEXT NOT NULL DEFAULT '', server_pid INTEGER);
    INSERT INTO sessions VALUES ('old-thing', '/home/me/app/tasks/old-thing', 4242, '', 'opencode',
      'completed', '2026-01-23T13:08:00', '2026-01-23T14:00:00', 9, 'US-007', 50, 'opencode', 14096,
      'http://127.0.0.1:14096', 'ses_1', 777)`);
    old.close();
  }
  for (let time = 0; time < 2; time++) {
    const { code, stdout } = await ralph(["status", "--all", "--json"], options);
    assertEquals(code, 0);
    const [session, ...others] = JSON.parse(stdout).sessions;
    assertEquals(others, []);
    assertEquals([session.task, session.status, session.iteration], ["old-thing", "completed", 9]);
    assertEquals([session.serverPort, session.agentSessionId], [14096, "ses_1"]);
    assert(!stdout.includes("777"));
  }
  const copies = (await readdir(dirname(database))).filter((name) => name.includes(".before-"));
  assertEquals(copies.length, 1);
});

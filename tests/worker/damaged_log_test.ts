import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { openRegistry, sessionPaths } from "../../mod.ts";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { eventLine } from "../../lib/event/numbered_event.ts";
import { openSessionLog } from "../../lib/session/log/session_log.ts";
import { recoverSessions } from "../../lib/worker/recover_sessions.ts";
import { configure, ralph, startRalph } from "../kit/ralph_process.ts";
import { scriptedAgent, type TaskRepo, taskRepo } from "../kit/scripted_agent.ts";

const time = "2026-11-20T18:02:11.000Z";

/** What a worker has logged that was killed in its first iteration. */
function events({ task, root }: TaskRepo): LoopEvent[] {
  const story = { id: "US-001", title: "Story US-001" };
  const list = [{ ...story, passes: false, dependsOn: [] }];
  const stories = { done: 0, total: 1 };
  const loop = { task: task.name, taskDir: task.dir, root, agent: "agent", limits: {} };
  return [
    { time, type: "loop_started", ...loop, stories, verifies: true, list },
    {
      time,
      type: "iteration_started",
      iteration: 1,
      story,
      agent: "agent",
      head: null,
      attempt: 1,
    },
    { time, type: "warning", message: "Low on disk" },
  ];
}

function deadSession(repo: TaskRepo) {
  const registry = openRegistry({ path: ":memory:" });
  const session = { task: "job", taskDir: repo.task.dir, root: repo.root, agent: "agent" };
  const { id } = registry.createSession(session);
  const stateDir = join(repo.outside, "state");
  const paths = { stateDir, sessionsDir: join(stateDir, "sessions") };
  return { registry, id, paths, dir: join(paths.sessionsDir, id) };
}

const DAMAGE: [what: string, line: Uint8Array | string][] = [
  ["garbage", "!§$ garbage\n"],
  ["zeros", new Uint8Array(4096)],
  ["zeros that end", Buffer.concat([new Uint8Array(4096), Buffer.from("\n")])],
  ["invalid UTF-8", Buffer.from([0x7b, 0xff, 0xfe, 0x80, 0x0a])],
  ["no object", "null\n"],
  ["an event of a newer ralph", `{"seq":3,"time":"${time}","type":"moon_rose","phase":1}\n`],
  ["an event that lacks all that its type says", '{"seq":3,"type":"iteration_finished"}\n'],
];

for (const [what, line] of DAMAGE) {
  for (const place of ["in the middle", "at the end", "at the start"]) {
    Deno.test(`recoverSessions() passes over ${what} ${place} of a log`, async () => {
      await using repo = await taskRepo([{ id: "US-001", passes: true }]);
      const { registry, id, paths, dir } = deadSession(repo);
      using _registry = registry;
      await mkdir(dir, { recursive: true });
      const [started = "", begun = "", warning = ""] = events(repo)
        .map((event, i) => eventLine({ seq: i + 1, event }));
      const parts = place === "in the middle"
        ? [started, begun, line, warning]
        : place === "at the end"
        ? [started, begun, line]
        : [
          typeof line === "string" ? line.replace('"seq":3', '"seq":0') : line,
          started,
          begun,
          warning,
        ];
      await writeFile(
        join(dir, "events.ndjson"),
        Buffer.concat(parts.map((part) => Buffer.from(part))),
      );
      const warnings: string[] = [];
      await recoverSessions(registry, { paths, onWarning: (message) => warnings.push(message) });
      const session = registry.getSession(id);
      assertEquals(
        [session?.status, session?.endReason],
        ["failed", "worker died"],
        warnings.join(),
      );
      const prd = await readFile(repo.task.prdFile, "utf8");
      // Zeros take the line that follows them in the same line with them.
      if (what !== "zeros" || place !== "at the start") {
        assert(prd.includes('"passes":false'), "a story that nobody verified has to be open again");
      }
    });
  }
}

Deno.test("recoverSessions() knows what was in a part of the log that was deleted", async () => {
  await using repo = await taskRepo([{ id: "US-001", passes: true }]);
  const { registry, id, paths, dir } = deadSession(repo);
  using _registry = registry;
  {
    await using log = await openSessionLog(dir, { maxBytes: 2_000, maxFiles: 2 });
    for (const event of events(repo)) log.append(event);
    for (let i = 0; i < 100; i++) {
      log.append({ time, type: "warning", message: "x".repeat(100) });
      await log.flush();
    }
  }
  assertEquals(
    (await readFile(join(dir, "events.ndjson"), "utf8")).includes("loop_started"),
    false,
  );
  await recoverSessions(registry, { paths });
  assertEquals(registry.getSession(id)?.status, "failed");
  assertEquals(registry.listIterations(id).map(({ outcome }) => outcome), ["aborted"]);
  assert((await readFile(repo.task.prdFile, "utf8")).includes('"passes":false'));
});

Deno.test("a registry that is locked when a story is marked ends no loop", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    "touch ../marked; while [ ! -f ../go ]; do sleep 0.05; done; pass US-001; work one",
  ]);
  const options = await configure(repo, { agent });
  const { database } = sessionPaths({ HOME: options.home });
  const call = startRalph(
    ["run", "job", "-a", "agent", "--foreground", "--check", "true"],
    options,
  );
  while (!(await readdir(repo.outside)).includes("marked")) await delay(20);
  {
    using db = new DatabaseSync(database, { timeout: 5_000 });
    db.exec("BEGIN IMMEDIATE");
    await writeFile(join(repo.outside, "go"), "");
    await delay(6_500);
    db.exec("ROLLBACK");
  }
  const { code, stdout, stderr } = await call.result;
  assertEquals(code, 0, stdout + stderr);
  assert(stderr.includes("warning: Another process has sessions.db locked"), stderr);
  using registry = openRegistry({ path: database });
  const [session] = registry.findSessions();
  assertEquals([session?.status, session?.stories], ["completed", { done: 1, total: 1 }]);
});

Deno.test("a worker that does not start leaves no folder behind", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { branchName: "ralph/job" });
  const options = await configure(repo, {});
  await writeFile(join(repo.root, "dirty.txt"), "x");
  assertEquals((await ralph(["run", "job", "-a", "demo", "--detach"], options)).code, 1);
  const { sessionsDir } = sessionPaths({ HOME: options.home });
  assertEquals(await readdir(sessionsDir), []);
  await rm(join(repo.root, "dirty.txt"));
});

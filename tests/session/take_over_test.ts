import { assert, assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DatabaseSync } from "node:sqlite";
import { MIGRATIONS } from "../../lib/session/legacy/migrations.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { processIdentity } from "../../lib/base/process_identity.ts";
import { LEGACY_TABLES, oldRow, writeLegacy } from "../testdata/legacy_databases.ts";
import { tempDir } from "../kit/testing.ts";

const CHILD = fileURLToPath(new URL("../testdata/open_registry_child.ts", import.meta.url));

for (const layout of Object.keys(LEGACY_TABLES)) {
  Deno.test(`openRegistry() migrates every row and value of layout ${layout}`, async () => {
    await using dir = await tempDir();
    const path = `${dir.path}/sessions.db`;
    const rows = Array.from({ length: 5 }, (_, index) => oldRow(layout, index + 1));
    writeLegacy(path, layout, rows);
    const before = await readFile(path);

    using registry = openRegistry({ path, timeZone: "Europe/Berlin" });
    const sessions = registry.findSessions().reverse();
    assertEquals(sessions.length, 5);
    for (const [index, session] of sessions.entries()) {
      const { server_pid: _, ...row } = rows[index] ?? {};
      assertEquals(session.legacy?.row, row);
      assertEquals(session.task, `task-${index + 1}`);
      assertEquals(session.taskDir, row["task_dir"] as string);
      assertEquals(session.root, "/home/me/app");
      assertEquals(session.status, row["status"] as never);
      assertEquals(session.serverPort, (row["server_port"] ?? null) as number | null);
      assertEquals(session.transport, (row["transport"] ?? "local") as string);
      assertEquals(session.agentSessionId, (row["opencode_session_id"] ?? null) as string | null);
      assertEquals(session.worker?.pid, row["pid"] as number);
      assertEquals(session.maxIterations, row["max_iterations"] as number);
      // Berlin is one hour ahead in January, two in July; the bash layout is UTC.
      const bash = layout === "bash";
      const minute = `0${index + 1}`;
      assertEquals(
        [session.startedAt, session.endedAt],
        bash
          ? [`2026-01-16T12:${minute}:00.000Z`, `2026-01-16T12:${minute}:00.000Z`]
          : [`2026-01-16T11:${minute}:00.123Z`, `2026-07-16T11:${minute}:00.654Z`],
      );
      assertEquals(session.iteration, row[bash ? "current_iteration" : "iteration"] as number);
      assertEquals(
        session.stories,
        bash
          ? { done: row["completed_stories"] as number, total: row["total_stories"] as number }
          : null,
      );
    }
    // The copy contains everything that the old file did.
    using copy = new DatabaseSync(`${path}.before-1`, { readOnly: true });
    assertEquals(
      copy.prepare("SELECT * FROM sessions ORDER BY rowid").all().map((row) => ({ ...row })),
      rows as never,
    );
    assert(before.length > 0);
  });
}

Deno.test("openRegistry() gives the rows of a copy the same ids again", async () => {
  await using dir = await tempDir();
  const ids = [1, 2].map((attempt) => {
    const path = `${dir.path}/${attempt}.db`;
    writeLegacy(path, "P8", [oldRow("P8", 1), oldRow("P8", 2)]);
    using registry = openRegistry({ path, timeZone: "UTC" });
    return registry.findSessions().map((session) => session.id);
  });
  assertEquals(ids[0], ids[1]);
  assert(ids[0]?.every((id) => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(id)));
});

Deno.test("openRegistry() marks old rows of dead processes as failed", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/sessions.db`;
  const running = { ...oldRow("P1", 1), status: "running" };
  const later = new Date(Date.now() + 60_000).toISOString().slice(0, 19);
  writeLegacy(path, "P1", [
    { ...running, task_name: "gone", pid: 2 ** 30 },
    // This process started long after the row did: it only has the number of the old worker.
    { ...running, task_name: "reused", pid: process.pid },
    { ...running, task_name: "alive", pid: process.pid, started_at: later, updated_at: later },
    { ...running, task_name: "odd", status: "paused" },
  ]);
  using registry = openRegistry({ path, timeZone: "UTC" });
  const of = (task: string) => {
    const session = registry.findSessions({ task })[0];
    return [session?.status, session?.endReason];
  };
  assertEquals(of("gone"), ["failed", "worker died"]);
  assertEquals(of("reused"), ["failed", "worker died"]);
  assertEquals(of("odd"), ["failed", 'unknown status "paused"']);
  assertEquals(of("alive"), ["running", null]);
  assertEquals(registry.runningSessions()[0]?.worker, processIdentity(process.pid) ?? null);
});

Deno.test("openRegistry() marks a dead bash session as failed", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/sessions.db`;
  writeLegacy(path, "bash", [{
    ...oldRow("bash", 1),
    status: "dead",
    started_at: "2026-01-16 12:00:00",
  }, {
    ...oldRow("bash", 2),
    pid: null,
    started_at: "long ago",
  }]);
  using registry = openRegistry({ path, timeZone: "Asia/Tokyo" });
  const dead = registry.findSessions({ task: "task-1" })[0];
  assertEquals([dead?.status, dead?.endReason], ["failed", "worker died"]);
  assertEquals(dead?.startedAt, "2026-01-16T12:00:00.000Z");
  const odd = registry.findSessions({ task: "task-2" })[0];
  assertEquals([odd?.worker, odd?.startedAt], [null, "1970-01-01T00:00:00.000Z"]);
  assertEquals(odd?.legacy?.row["started_at"], "long ago");
});

Deno.test("openRegistry() copies what is still in the write-ahead log of an old file", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/sessions.db`;
  writeLegacy(path, "P1", [oldRow("P1", 1)]);
  // Open all the while, so that nothing is folded into the file.
  using old = new DatabaseSync(path);
  old.exec("PRAGMA journal_mode = WAL; UPDATE sessions SET agent = 'from the log'");
  using registry = openRegistry({ path, timeZone: "UTC" });
  assertEquals(registry.findSessions()[0]?.agent, "from the log");
  using copy = new DatabaseSync(`${path}.before-1`, { readOnly: true });
  assertEquals({ ...copy.prepare("SELECT agent FROM sessions").get() }, { agent: "from the log" });
});

Deno.test("openRegistry() never overwrites an existing copy", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/sessions.db`;
  writeLegacy(path, "P1", [oldRow("P1", 1)]);
  await writeFile(`${path}.before-1`, "precious");
  await writeFile(`${dir.path}/.sessions.db.copy-1`, "left by a killed process");
  openRegistry({ path, timeZone: "UTC" })[Symbol.dispose]();
  assertEquals(await readFile(`${path}.before-1`, "utf8"), "precious");
  const names = await readdir(dir.path);
  assertEquals(names.sort(), ["sessions.db", "sessions.db.before-1", "sessions.db.before-1-2"]);
});

/** Starts a child that opens the registry on request. */
async function startChild(path: string): Promise<
  { open: () => void; kill: () => void; exit: Promise<unknown> }
> {
  const child = spawn(process.execPath, ["run", "-A", "--no-check", CHILD, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exit = once(child, "close");
  await once(child.stdout, "data");
  child.stdout.resume();
  // The child may be gone before it has read the request.
  child.stdin.on("error", () => {});
  return {
    open: () => child.stdin.write("go\n"),
    kill: () => child.kill("SIGKILL"),
    exit,
  };
}

/** The version of a database, and how many rows it has in its table `sessions`. */
function stateOf(path: string): { version: unknown; rows: unknown; columns: number } {
  using db = new DatabaseSync(path);
  assertEquals({ ...db.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
  return {
    version: db.prepare("PRAGMA user_version").get()?.["user_version"],
    rows: db.prepare("SELECT count(*) AS n FROM sessions").get()?.["n"],
    columns: db.prepare("SELECT name FROM pragma_table_info('sessions')").all().length,
  };
}

Deno.test("openRegistry() killed at any moment leaves the old or the new state", async () => {
  await using dir = await tempDir();
  const rows = Array.from({ length: 2000 }, (_, index) => oldRow("P8", index + 1));
  writeLegacy(`${dir.path}/old.db`, "P8", rows);
  const old = await readFile(`${dir.path}/old.db`);
  const oldState = stateOf(`${dir.path}/old.db`);
  const seen = new Set<unknown>();
  for (let attempt = 0; attempt < 12; attempt++) {
    const path = `${dir.path}/${attempt}.db`;
    await writeFile(path, old);
    const child = await startChild(path);
    child.open();
    const gone = new AbortController();
    await Promise.race([
      setTimeout(attempt * 15, undefined, { signal: gone.signal }).catch(() => {}),
      child.exit,
    ]);
    gone.abort();
    child.kill();
    await child.exit;
    const state = stateOf(path);
    seen.add(state.version);
    if (state.version === 0) assertEquals(state, oldState);
    else assertEquals([state.version, state.rows], [MIGRATIONS.length, rows.length]);
    // The next process finishes the job, and all copies hold the old rows.
    using registry = openRegistry({ path, timeZone: "UTC" });
    assertEquals(registry.findSessions().length, rows.length);
    const copies = (await readdir(dir.path)).filter((name) => name.startsWith(`${attempt}.db.b`));
    assertEquals(copies, [`${attempt}.db.before-1`]);
    assertEquals(stateOf(`${dir.path}/${copies[0]}`), oldState);
  }
  assert(seen.has(0), "no child was killed before the end");
});

Deno.test("openRegistry() in two processes at once migrates once", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/sessions.db`;
  const rows = Array.from({ length: 500 }, (_, index) => oldRow("P6", index + 1));
  writeLegacy(path, "P6", rows);
  const children = await Promise.all([1, 2, 3].map(() => startChild(path)));
  for (const child of children) child.open();
  const codes = await Promise.all(children.map((child) => child.exit));
  assertEquals(codes, [[0, null], [0, null], [0, null]]);
  using registry = openRegistry({ path });
  assertEquals(registry.findSessions().length, rows.length);
  const copies = (await readdir(dir.path)).filter((name) => name.includes("before"));
  assertEquals(copies, ["sessions.db.before-1"]);
});

Deno.test("openRegistry() in two processes at once creates one registry", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/deep/er/sessions.db`;
  const children = await Promise.all([1, 2, 3].map(() => startChild(path)));
  for (const child of children) child.open();
  const codes = await Promise.all(children.map((child) => child.exit));
  assertEquals(codes, [[0, null], [0, null], [0, null]]);
  using registry = openRegistry({ path });
  assertEquals(registry.findSessions(), []);
});

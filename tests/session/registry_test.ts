import { assert, assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { IterationSummary } from "../../lib/event/loop_event.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { SessionNotFoundError } from "../../lib/session/registry/registry_error.ts";
import type { Registry } from "../../lib/session/registry/registry.ts";
import { endedStatus, type NewSession } from "../../lib/session/model/session.ts";
import type { SessionStatus } from "../../lib/event/vocabulary.ts";
import { tempDir } from "../kit/testing.ts";

const SESSION: NewSession = {
  task: "login",
  taskDir: "/app/tasks/login",
  root: "/app",
  agent: "claude",
};

const SUMMARY: IterationSummary = {
  iteration: 1,
  story: { id: "US-001", title: "Log in" },
  agent: "opencode",
  model: "a/b",
  agentSessionId: "ses_1",
  outcome: "failed",
  ending: { kind: "error", message: "exit code 1" },
  stderrTail: ["boom"],
  denials: [{ tool: "Bash", detail: "rm" }],
  headBefore: null,
  headAfter: "abc",
  commits: 2,
  changed: true,
  passed: ["US-002"],
  stories: { done: 1, total: 3 },
  durationMs: 12.5,
  usage: { inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheWriteTokens: 4, costUsd: 0.5 },
};

/** A registry in memory whose clock advances a second with every reading. */
function tickingRegistry(): Registry {
  let time = Date.UTC(2026, 0, 1);
  return openRegistry({ path: ":memory:", now: () => new Date(time += 1000) });
}

Deno.test("createSession() records what is known and reads it back", () => {
  using registry = tickingRegistry();
  const session = registry.createSession({
    ...SESSION,
    branch: "ralph/login",
    worker: { pid: 7, start: "boot:1" },
    limits: { iterations: 50, costUsd: 2 },
    stories: { done: 0, total: 3 },
    serverPort: 14096,
  });
  assertEquals(session.status, "running");
  assertEquals(session.worker, { pid: 7, start: "boot:1" });
  assertEquals(session.limits, { iterations: 50, costUsd: 2 });
  assertEquals(session.maxIterations, 50);
  assertEquals(session.startedAt, "2026-01-01T00:00:01.000Z");
  assertEquals(registry.getSession(session.id), session);
});

Deno.test("updateSession() changes what the patch names and nothing else", () => {
  using registry = tickingRegistry();
  const { id, ...before } = registry.createSession({ ...SESSION, branch: "b" });
  const patch = {
    agentProcess: { pid: 9, start: "x" },
    iteration: 3,
    currentStory: "US-002",
    usage: { inputTokens: 5, outputTokens: 6, cacheReadTokens: 7, cacheWriteTokens: 8, costUsd: 1 },
    updatedAt: "2026-02-01T00:00:00.000Z",
  };
  assert(registry.updateSession(id, patch));
  assertEquals(registry.getSession(id), { id, ...before, ...patch });
  assert(registry.updateSession(id, { branch: null, agentProcess: null }));
  const after = registry.getSession(id);
  assertEquals([after?.branch, after?.agentProcess, after?.iteration], [null, null, 3]);
});

Deno.test("updateSession() refuses a session that does not exist", () => {
  using registry = tickingRegistry();
  assertThrows(
    () => registry.updateSession("nope", { iteration: 1 }),
    SessionNotFoundError,
    'Cannot find session "nope"',
  );
});

Deno.test("endSession() is final for every status", () => {
  for (const status of ["completed", "failed", "stopped", "checkpointed"] as const) {
    using registry = tickingRegistry();
    const { id } = registry.createSession(SESSION);
    assert(registry.endSession(id, status, "why", { outcome: "limit" }));
    const ended = registry.getSession(id);
    assertEquals([ended?.status, ended?.endReason, ended?.endOutcome], [status, "why", "limit"]);
    assertEquals(registry.endSession(id, "failed", "other"), false);
    assertEquals(registry.updateSession(id, { iteration: 9 }), false);
    assertEquals(registry.beginIteration(id, { ...SUMMARY, iteration: 5 }), false);
    assertEquals(registry.getSession(id), ended);
    assertEquals(registry.listIterations(id), []);
  }
});

Deno.test("endSession() forgets the socket, which is gone with its worker", () => {
  using registry = tickingRegistry();
  const { id } = registry.createSession(SESSION);
  assert(registry.updateSession(id, { socket: "/run/a.sock" }));
  assertEquals(registry.getSession(id)?.socket, "/run/a.sock");
  registry.endSession(id, "stopped", "ralph stop");
  assertEquals(registry.getSession(id)?.socket, null);
});

Deno.test("endSession() ends the iteration that was under way", () => {
  using registry = tickingRegistry();
  const { id } = registry.createSession(SESSION);
  registry.beginIteration(id, SUMMARY);
  registry.updateSession(id, { agentProcess: { pid: 1, start: "" } });
  registry.endSession(id, "failed", "worker died");
  const [iteration] = registry.listIterations(id);
  assertEquals([iteration?.outcome, iteration?.error], ["failed", "worker died"]);
  assertEquals(registry.getSession(id)?.agentProcess, null);
  assertEquals(registry.finishIteration(id, SUMMARY), false);
});

Deno.test("openRegistry() creates a database that itself refuses to reopen a session", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/sessions.db`;
  {
    using registry = openRegistry({ path });
    registry.endSession(registry.createSession(SESSION).id, "completed", "done");
  }
  using db = new DatabaseSync(path);
  assertThrows(
    () => db.exec("UPDATE sessions SET status = 'running', ended_at = NULL"),
    Error,
    "The end of a session is final",
  );
  assertEquals({ ...db.prepare("PRAGMA journal_mode").get() }, { journal_mode: "wal" });
});

Deno.test("finishIteration() records everything of an iteration, once", () => {
  using registry = tickingRegistry();
  const { id } = registry.createSession(SESSION);
  registry.beginIteration(id, {
    iteration: 1,
    story: SUMMARY.story,
    agent: "claude",
    attempt: 2,
    startedAt: "2026-01-01T01:00:00.000Z",
  });
  assertEquals(registry.getSession(id)?.currentStory, "US-001");
  assertEquals(registry.listIterations(id)[0]?.outcome, null);
  assert(registry.finishIteration(id, SUMMARY, { endedAt: "2026-01-01T02:00:00.000Z" }));
  const { stories, ending, ...rest } = SUMMARY;
  const expected = {
    ...rest,
    sessionId: id,
    ending: ending.kind,
    error: "exit code 1",
    attempt: 2,
    startedAt: "2026-01-01T01:00:00.000Z",
    endedAt: "2026-01-01T02:00:00.000Z",
  };
  assertEquals(registry.listIterations(id).map((row) => ({ ...row })), [expected as never]);
  assertEquals(registry.getSession(id)?.stories, stories);
  assertEquals(registry.finishIteration(id, { ...SUMMARY, outcome: "passed" }), false);
  assertEquals(registry.listIterations(id)[0]?.outcome, "failed");
});

Deno.test("findSessions() filters, sorts newest first and limits", () => {
  using registry = tickingRegistry();
  const ids: string[] = [];
  for (const task of ["a", "b", "a", "c"]) {
    ids.push(registry.createSession({ ...SESSION, task, taskDir: `/app/tasks/${task}` }).id);
  }
  const [a1 = "", b = "", a2 = "", c = ""] = ids;
  registry.endSession(a1, "stopped", "x");
  const found = (options: Parameters<Registry["findSessions"]>[0]) =>
    registry.findSessions(options).map((session) => session.id);
  assertEquals(found({}), [c, a2, b, a1]);
  assertEquals(found({ limit: 2 }), [c, a2]);
  assertEquals(found({ task: "a" }), [a2, a1]);
  assertEquals(found({ task: "a", status: "stopped" }), [a1]);
  assertEquals(found({ root: "/other" }), []);
  assertEquals(found({ latestOnly: true }), [c, a2, b]);
  assertEquals(found({ latestOnly: true, status: "stopped" }), []);
  assertEquals(found({ since: registry.getSession(a2)?.startedAt ?? "" }), [c, a2]);
  assertEquals(registry.runningSessions().map((session) => session.id), [c, a2, b]);
});

Deno.test("latestSession() prefers the later of two sessions of the same millisecond", () => {
  using registry = openRegistry({ path: ":memory:", now: () => new Date(0) });
  assertEquals(registry.latestSession(SESSION.taskDir), undefined);
  let last = "";
  for (let i = 0; i < 20; i++) last = registry.createSession(SESSION).id;
  assertEquals(registry.latestSession(SESSION.taskDir)?.id, last);
});

Deno.test("deleteSessions() deletes ended sessions with their iterations, never running ones", () => {
  using registry = tickingRegistry();
  const ended = registry.createSession(SESSION).id;
  registry.beginIteration(ended, SUMMARY);
  registry.endSession(ended, "stopped", "x");
  const running = registry.createSession(SESSION).id;
  assertEquals(registry.deleteSessions([ended, running, "unknown"]), [ended]);
  assertEquals(registry.findSessions().map((session) => session.id), [running]);
  assertEquals(registry.listIterations(ended), []);
});

Deno.test("transaction() undoes everything when the work throws", () => {
  using registry = tickingRegistry();
  assertThrows(
    () =>
      registry.transaction(() => {
        registry.createSession(SESSION);
        throw new Error("no");
      }),
    Error,
    "no",
  );
  assertEquals(registry.findSessions(), []);
});

Deno.test("findSessions() answers from indexes with 10,000 sessions", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/sessions.db`;
  using registry = openRegistry({ path });
  registry.transaction(() => {
    for (let i = 0; i < 10_000; i++) {
      const taskDir = `/app/tasks/${i % 50}`;
      const { id } = registry.createSession({ ...SESSION, task: `${i % 50}`, taskDir });
      if (i < 9990) registry.endSession(id, "completed", "done");
    }
  });
  assertEquals(registry.findSessions({ latestOnly: true }).length, 50);
  // Not the clock but the query plan proves that no table is scanned or sorted.
  using db = new DatabaseSync(path, { readOnly: true });
  const { findSessionsQuery } = await import("../../lib/session/registry/find_sessions_query.ts");
  for (
    const options of [
      { taskDir: "/app/tasks/7", limit: 1 },
      { status: "running" as SessionStatus },
      { root: "/app", limit: 20 },
      { limit: 20 },
    ]
  ) {
    const { sql, values } = findSessionsQuery(options);
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values)
      .map((row) => String(row["detail"]));
    assert(plan.every((step) => step.includes("USING INDEX")), plan.join("\n"));
  }
});

Deno.test("endedStatus() calls a limit a stop and stagnation a failure", () => {
  assertEquals(
    (["completed", "failed", "stagnated", "limit", "blocked", "stopped", "checkpointed"] as const)
      .map(endedStatus),
    ["completed", "failed", "failed", "stopped", "stopped", "stopped", "checkpointed"],
  );
});

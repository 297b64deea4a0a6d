import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { serverAnswers } from "../../lib/cli/sessions/open_sessions.ts";
import { watchScreen } from "../../lib/cli/terminal/watch_screen.ts";
import { statusSchema } from "../../lib/session/session_schema.ts";
import { FakeTerminal } from "../kit/fake_terminal.ts";
import { ralph } from "../kit/ralph_process.ts";
import { recorded } from "../kit/recorded_sessions.ts";
import { taskRepo } from "../kit/scripted_agent.ts";

const DAY = 86_400;

/** A server that gives one answer to everything; `undefined` for none at all. */
async function serve(status: number | undefined): Promise<{ port: number } & AsyncDisposable> {
  const server: Server = createServer((_, response) => {
    if (status !== undefined) response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function closedPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

Deno.test("ralph status says what to do when there is no session", async () => {
  await using home = await recorded();
  const { code, stdout } = await ralph(["status"], home.options);
  assertEquals([code, stdout], [0, "No session yet. Start one: ralph run my-feature\n"]);
  const json = await ralph(["status", "--json"], home.options);
  assertEquals(json.stdout, '{"sessions":[]}\n');
});

Deno.test("ralph status shows running tasks first, then what ended lately, and why", async () => {
  await using home = await recorded();
  const story = { id: "US-006", title: "Pass the directory" };
  home.add({
    task: "old-thing",
    startedAgo: 4 * DAY,
    stories: { done: 9, total: 9 },
    end: { status: "completed", reason: "Every story passes", outcome: "completed", ago: 3 * DAY },
    iterations: [{ outcome: "passed", stories: { done: 9, total: 9 } }],
  });
  home.add({ task: "ancient", end: { status: "failed", reason: "no", ago: 8 * DAY } });
  home.add({
    startedAgo: 1900,
    iterations: [{ story, outcome: "failed" }, { story, outcome: "failed", attempt: 2 }, {
      story,
      attempt: 3,
    }],
  });
  home.add({
    task: "fix-auth",
    end: { status: "failed", reason: "No agent is left", outcome: "failed", ago: 7200 },
    startedAgo: 8000,
  });
  const { stdout, stderr } = await ralph(["status"], home.options);
  assertEquals(stderr, "");
  assertEquals(
    stdout,
    `TASK         STATUS      STORY              STORIES   ITERATION   AGENT    PORT   SINCE    REASON
my-feature   running     US-006 (3rd try)   1/11      3/50        claude   —      31m
fix-auth     failed      —                  0/11      0/50        claude   —      2h ago   No agent is left
old-thing    completed   —                  9/9       1/50        claude   —      3d ago
1 older task: ralph status --all
`,
  );
  const all = await ralph(["status", "--all"], home.options);
  assertMatch(all.stdout, /^ancient +failed .* 8d ago +no$/m);
});

Deno.test("ralph status shows fifty ended tasks at most, and all of them as JSON", async () => {
  await using home = await recorded();
  for (let n = 1; n <= 52; n++) {
    home.add({ task: `task-${n}`, end: { status: "completed", reason: "done", ago: 60 * n } });
  }
  home.add({ task: "busy", startedAgo: 90 });
  const { stdout } = await ralph(["status"], home.options);
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines.length, 1 + 1 + 50 + 1);
  assertMatch(lines[1] ?? "", /^busy +running/);
  assertEquals(lines.at(-1), "2 older tasks: ralph status --all");
  const json = await ralph(["status", "--json"], home.options);
  assertEquals(JSON.parse(json.stdout).sessions.length, 53);
});

Deno.test("ralph status --all shows every session of every task", async () => {
  await using home = await recorded();
  for (const ago of [30, 20, 10]) {
    home.add({ startedAgo: ago * DAY, end: { status: "stopped", reason: "x", ago: ago * DAY } });
  }
  const { stdout } = await ralph(["status", "--all"], home.options);
  const since = [...stdout.matchAll(/(\d+d) ago/g)].map(([, age]) => age);
  assertEquals(since, ["10d", "20d", "30d"]);
  const none = await ralph(["status"], home.options);
  assertEquals(
    none.stdout,
    "No session in the last 7 days, and 1 before: ralph status --all\n",
  );
});

Deno.test("ralph status distinguishes tasks of the same name by their repositories", async () => {
  await using home = await recorded();
  home.add({ root: "/home/me/app" });
  home.add({ root: "/home/me/site", startedAgo: 60 });
  const { stdout } = await ralph(["status"], home.options);
  assertMatch(stdout, /^my-feature \(site\) +running .*\nmy-feature \(app\) +running /m);
});

Deno.test("ralph status TASK shows its newest session with details, also if it is gone", async () => {
  await using home = await recorded();
  const older = home.add({ end: { status: "stopped", reason: "SIGINT", ago: 3000 } });
  const { id } = home.add({ startedAgo: 60, branch: "ralph/my-feature" });
  const { stdout, stderr } = await ralph(["status", "my-feature"], home.options);
  assertEquals(stderr, "");
  assertMatch(stdout, new RegExp(`^my-feature {2}running {2}${id}$`, "m"));
  assertMatch(stdout, /^ {2}branch {8}ralph\/my-feature$/m);
  assertMatch(stdout, /^ {2}worker {8}pid \d+$/m);
  assertEquals(stdout.includes(older.id), false);
});

Deno.test("ralph status TASK prefers the task of this repository, else the one that ran last", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  await using home = await recorded();
  const inside = { ...home.options, cwd: repo.root };
  const never = await ralph(["status", "job"], inside);
  assertEquals(never.code, 2);
  assertStringIncludes(never.stderr, "No session of job: it was never run");
  home.add({ task: "job", root: repo.root, branch: "here" });
  home.add({ task: "job", root: "/elsewhere", branch: "there", startedAgo: 60 });
  assertStringIncludes((await ralph(["status", "job"], inside)).stdout, "branch        here");
  const outside = await ralph(["status", "job"], home.options);
  assertStringIncludes(outside.stdout, "branch        there");
  assertEquals(
    outside.stderr,
    "note: 2 task folders are called job; this is /elsewhere/tasks/job, which ran last\n",
  );
});

Deno.test("ralph status refuses an unknown task", async () => {
  await using home = await recorded();
  home.add();
  const { code, stderr } = await ralph(["status", "my-featur"], home.options);
  assertEquals(code, 2);
  assertStringIncludes(stderr, 'error: Cannot find task "my-featur": it has no session');
  assertStringIncludes(stderr, "hint: did you mean my-feature?");
});

Deno.test("ralph status ends sessions that are recorded as running but whose worker is dead", async () => {
  await using home = await recorded();
  const { id } = home.add({ worker: { pid: 2 ** 22 + 1, start: "gone" } });
  const { stdout } = await ralph(["status"], home.options);
  assertMatch(stdout, /^my-feature +failed .* worker died$/m);
  assertEquals(home.get(id)?.status, "failed");
});

Deno.test("ralph status --json matches its schema", async () => {
  await using home = await recorded();
  await using server = await serve(200);
  const { id } = home.add({ serverPort: server.port, iterations: [{ attempt: 2 }] });
  const { stdout } = await ralph(["status", "--json"], home.options);
  const { sessions } = statusSchema.parse(JSON.parse(stdout));
  assertEquals(sessions.map((each) => [each.id, each.attempt, each.serverLive]), [[id, 2, true]]);
});

Deno.test("US-002, FR-4: sessions with status running show the port of a server that answers", async () => {
  await using home = await recorded();
  await using open = await serve(200);
  await using locked = await serve(401);
  home.add({ task: "open", serverPort: open.port });
  home.add({ task: "locked", serverPort: locked.port });
  const { stdout } = await ralph(["status"], home.options);
  assertMatch(stdout, new RegExp(`^open +running .* ${open.port} +1h$`, "m"));
  assertMatch(stdout, new RegExp(`^locked +running .* ${locked.port} +1h$`, "m"));
});

Deno.test("US-002: sessions with status running show no port where no server answers", async () => {
  await using home = await recorded();
  await using silent = await serve(undefined);
  home.add({ task: "dead", serverPort: await closedPort() });
  home.add({ task: "silent", serverPort: silent.port });
  const { stdout } = await ralph(["status"], home.options);
  assertMatch(stdout, /^dead +running .* — +1h$/m);
  assertMatch(stdout, /^silent +running .* — +1h$/m);
});

Deno.test("US-002: sessions that ended show no port, even if a server answers there", async () => {
  await using home = await recorded();
  await using server = await serve(200);
  for (const status of ["stopped", "completed", "failed", "checkpointed"] as const) {
    const end = { status, reason: "why", ago: 60 };
    home.add({ task: status, serverPort: server.port, end });
  }
  const { stdout } = await ralph(["status"], home.options);
  assertEquals(stdout.includes(String(server.port)), false);
  assertEquals(stdout.match(/ — +1m ago/g)?.length, 4);
});

Deno.test("US-002: the last port is noted for reference in the details", async () => {
  await using home = await recorded();
  home.add({ serverPort: 14096, end: { status: "stopped", reason: "SIGINT", ago: 60 } });
  for (const command of ["status", "show"]) {
    const { stdout } = await ralph([command, "my-feature"], home.options);
    assertMatch(stdout, /^ {2}last port {5}14096$/m);
  }
});

Deno.test("serverAnswers() waits no longer than its time limit", async () => {
  await using silent = await serve(undefined);
  assertEquals(await serverAnswers(silent.port, { timeoutMs: 20 }), false);
});

Deno.test("ralph status --watch requires a terminal", async () => {
  await using home = await recorded();
  const { code, stderr } = await ralph(["status", "--watch"], home.options);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "Cannot watch: standard output is not a terminal");
  assertStringIncludes(stderr, "hint: ");
});

Deno.test("watchScreen() writes only changes, and restores the cursor", async () => {
  const terminal = new FakeTerminal(20, 5);
  const controller = new AbortController();
  const frames = [["a", "b"], ["a", "b"], ["a", "c".repeat(30)], ["1", "2", "3", "4", "5"]];
  const written: number[] = [];
  await watchScreen(() => {
    written.push(terminal.writes.length);
    const lines = frames[written.length - 1] ?? [];
    if (written.length === frames.length) controller.abort();
    return Promise.resolve(lines);
  }, { terminal, signal: controller.signal, intervalMs: 1 });
  assertEquals(written, [1, 2, 2, 3]);
  assertEquals(terminal.text, ["1", "2", "3", "4"]);
  assertEquals(terminal.cursorVisible, true);
});

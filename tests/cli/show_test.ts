import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { showSchema } from "../../lib/session/session_schema.ts";
import { ralph } from "../kit/ralph_process.ts";
import { recorded } from "../kit/recorded_sessions.ts";

const USAGE = {
  inputTokens: 9000,
  outputTokens: 950,
  cacheReadTokens: 1,
  cacheWriteTokens: 0,
  costUsd: 1.2,
};

Deno.test("ralph show reports how each iteration went, and what went wrong", async () => {
  await using home = await recorded();
  const { id } = home.add({
    startedAgo: 3700,
    branch: "ralph/my-feature",
    end: { status: "failed", reason: "No agent is left", outcome: "failed", ago: 100 },
    iterations: [
      {
        outcome: "passed",
        headBefore: "0123456789",
        headAfter: "abcdef0123",
        commits: 2,
        usage: USAGE,
      },
      {
        story: { id: "US-002", title: "Log out" },
        agent: "opencode",
        outcome: "check_failed",
        denials: [{ tool: "Bash", detail: "rm -rf /" }],
      },
      {
        story: { id: "US-002", title: "Log out" },
        outcome: "failed",
        ending: { kind: "error", message: "Exit code 1" },
        stderrTail: ["boom", "\x1b[31mred\x1b[m"],
        durationMs: 3000,
      },
    ],
  });
  const { stdout, stderr } = await ralph(["show", "my-feature"], home.options);
  assertEquals(stderr, "");
  const [head = "", table = ""] = stdout.split(/\n\n([^]*)/);
  assertMatch(
    head.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d/g, "TIME"),
    new RegExp(`^my-feature  failed  ${id}
  why           No agent is left
  branch        ralph/my-feature
  agent         claude
  stories       1 of 11
  iteration     3 of 50
  started       TIME, 1h ago
  ended         TIME, 1m ago
  elapsed       1h 00m
  task          /home/me/app/tasks/my-feature$`),
  );
  assertEquals(
    table,
    `#   STORY    AGENT      OUTCOME        COMMITS             TIME   SPENT
1   US-001   claude     passed         0123456..abcdef0   6m40s   $1.20 est., 9.9k tokens
2   US-002   opencode   check failed   —                  6m40s   —
3   US-002   claude     failed         —                     3s   —

#2 US-002: permissions were refused
    denied: Bash rm -rf /

#3 US-002: Exit code 1
    boom
    red
`,
  );
});

Deno.test("ralph show without an argument takes the session that was most recently active", async () => {
  await using home = await recorded();
  home.add({ task: "ended", startedAgo: 60, end: { status: "stopped", reason: "x", ago: 1 } });
  const { id } = home.add({ task: "runs" });
  const running = await ralph(["show"], home.options);
  assertStringIncludes(running.stdout, `runs  running  ${id}`);
  assertMatch(running.stdout, /^ {2}worker {8}pid \d+$/m);
});

Deno.test("ralph show finds a session by the start of its id, in upper or lower case", async () => {
  await using home = await recorded();
  const older = home.add({
    id: "01KA3QXJ5M0000000000000001",
    end: { status: "stopped", reason: "x", ago: 60 },
  });
  home.add({ id: "01KA3QXZZZ0000000000000002" });
  const { stdout } = await ralph(["show", "01ka3qxj5"], home.options);
  assertStringIncludes(stdout, older.id);
  const several = await ralph(["show", "01KA3Q"], home.options);
  assertEquals([several.code, several.stdout], [2, ""]);
  assertStringIncludes(several.stderr, 'Ambiguous session id "01KA3Q"');
  const none = await ralph(["show", "01KA3QXJ5M0000000000000009"], home.options);
  assertEquals(none.code, 2);
  assertStringIncludes(none.stderr, 'Cannot find session "01KA3QXJ5M0000000000000009"');
});

Deno.test("ralph show says what to do when there is no session", async () => {
  await using home = await recorded();
  const { code, stderr } = await ralph(["show"], home.options);
  assertEquals(code, 2);
  assertEquals(stderr, "error: There is no session yet\nhint: ralph run my-feature\n");
});

Deno.test("ralph show --json matches its schema", async () => {
  await using home = await recorded();
  const session = home.add({ iterations: [{ outcome: "passed", usage: USAGE }, {}] });
  const { stdout } = await ralph(["show", "--json"], home.options);
  const shown = showSchema.parse(JSON.parse(stdout));
  assertEquals(shown.session, session);
  assertEquals(shown.iterations.map((each) => each.outcome), ["passed", null]);
});

import { assertEquals } from "@std/assert";
import type { AgentEvent } from "../../lib/event/agent_event.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import type { Session } from "../../lib/session/model/session.ts";
import { formatBytes } from "../../lib/ui/text/numbers.ts";
import { logLines } from "../../lib/ui/report/log_lines.ts";
import { sessionReason, taskLabels } from "../../lib/ui/report/session_details.ts";
import { statusTable } from "../../lib/ui/report/status_table.ts";

const START = Date.UTC(2026, 10, 20, 18);

function session(task: string, root = "/home/me/app"): Session {
  using registry = openRegistry({ path: ":memory:", now: () => new Date(START) });
  const taskDir = `${root}/tasks/${task}`;
  return registry.createSession({ task, taskDir, root, agent: "claude" });
}

Deno.test("statusTable() cuts long names and the reason at the width of a terminal", () => {
  const failed: Session = {
    ...session("a-task-whose-name-takes-up-the-line"),
    status: "failed",
    endReason: "No agent is left after 3 failures",
    endedAt: new Date(START).toISOString(),
  };
  const states = [{ session: failed, attempt: null, serverLive: false }];
  assertEquals(statusTable(states, { now: START + 7_200_000, width: 110 }), [
    "TASK                           STATUS   STORY   STORIES   ITERATION   AGENT    PORT   SINCE    REASON",
    "a-task-whose-name-takes-up-…   failed   —       —         0           claude   —      2h ago   No agent is le…",
  ]);
});

Deno.test("statusTable() shows the attempt, unless it is the first", () => {
  const now = START + 1000;
  const running = { ...session("t"), currentStory: "US-1" };
  const cells = [1, 2, 3, 4, 11, 12, 21, 103, 111].map((attempt) => {
    const [, line = ""] = statusTable([{ session: running, attempt, serverLive: false }], { now });
    return line.split(/ {3,}/)[2];
  });
  assertEquals(cells, [
    "US-1",
    "US-1 (2nd try)",
    "US-1 (3rd try)",
    "US-1 (4th try)",
    "US-1 (11th try)",
    "US-1 (12th try)",
    "US-1 (21st try)",
    "US-1 (103rd try)",
    "US-1 (111th try)",
  ]);
});

Deno.test("taskLabels() shows whole paths if the repositories have the same name", () => {
  const labels = taskLabels([
    session("login", "/a/app"),
    session("login", "/b/app"),
    session("login", "/c/site"),
    session("other", "/a/app"),
  ]);
  assertEquals([...labels.values()], [
    "login (/a/app/tasks/login)",
    "login (/b/app/tasks/login)",
    "login (site)",
    "other",
  ]);
});

Deno.test("sessionReason() is given if the status does not say enough", () => {
  const reason = (status: Session["status"], endOutcome: Session["endOutcome"]) =>
    sessionReason({ status, endOutcome, endReason: "why" });
  assertEquals(reason("completed", "completed"), undefined);
  assertEquals(reason("stopped", "stopped"), undefined);
  assertEquals(reason("checkpointed", null), undefined);
  assertEquals(reason("stopped", "limit"), "why");
  assertEquals(reason("stopped", "blocked"), "why");
  assertEquals(reason("failed", "failed"), "why");
  assertEquals(reason("failed", null), "why");
});

Deno.test("logLines() keeps long lines, and names refusals and errors", () => {
  const line = (event: AgentEvent) =>
    logLines({ type: "agent", time: "2026-11-20T18:02:11Z", iteration: 1, event });
  const long = "x".repeat(8000);
  assertEquals(line({ kind: "text", text: long }), [long]);
  assertEquals(line({ kind: "output", stream: "stderr", line: "a\x07b" }), ["ab"]);
  assertEquals(line({ kind: "denial", denial: { tool: "Bash", detail: "rm" } }), ["denied: $ rm"]);
  assertEquals(line({ kind: "process", pid: 1 }), []);
  assertEquals(logLines({ type: "warning", time: "", message: "m" }), []);
});

Deno.test("formatBytes() never shows four digits before the point", () => {
  const sizes = [0, 1, 999, 1000, 999_949, 999_950, 1e9, 1e13];
  assertEquals(sizes.map(formatBytes), [
    "0 bytes",
    "1 byte",
    "999 bytes",
    "1.0 kB",
    "999.9 kB",
    "1.0 MB",
    "1.0 GB",
    "10.0 TB",
  ]);
});

Deno.test("findSessions() finds ids by their start", () => {
  using registry = openRegistry({ path: ":memory:" });
  const add = (id: string) =>
    registry.createSession({ id, task: "t", taskDir: "/t", root: "/", agent: "x" }).id;
  const ids = ["01KA3QXJ5M0000000000000001", "01KA3QXJ5MZZZZZZZZZZZZZZZZ"].map(add);
  add("01KA3QXJ5N0000000000000001");
  const found = registry.findSessions({ idPrefix: "01KA3QXJ5M" });
  assertEquals(found.map(({ id }) => id).sort(), ids);
});

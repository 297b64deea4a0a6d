import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { openProject } from "../../lib/agent/opencode/server/opencode_client.ts";
import { serverFetch } from "../../lib/agent/opencode/server/fetch.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import { readPrd } from "../../lib/task/prd/read_prd.ts";
import { configure, ralph } from "../kit/ralph_process.ts";
import { taskRepo } from "../kit/scripted_agent.ts";
import { chatModel } from "./opencode_model.ts";
import {
  configureOpencode,
  OPENCODE,
  recordingProxy,
  serveOpencode,
  workOnStory,
} from "./opencode_testing.ts";

const { ignore, why } = OPENCODE;
const PASSWORD = "correct horse battery staple";

function eventsOf(stdout: string): LoopEvent[] {
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as LoopEvent);
}

Deno.test({
  name:
    `US-005, US-006, FR-2: a task of 3 stories through one server, every request with ?directory=${why}`,
  ignore,
  async fn() {
    await using repo = await taskRepo([{ id: "US-001" }, { id: "US-002" }, { id: "US-003" }]);
    await using model = await chatModel(workOnStory);
    const options = await configure(repo, {});
    await configureOpencode(options.home, model.url);
    await using server = await serveOpencode({
      home: options.home,
      cwd: repo.outside,
      password: PASSWORD,
    });
    await using proxy = await recordingProxy(server.address);
    const env = { RALPH_OPENCODE_URL: proxy.url, OPENCODE_SERVER_PASSWORD: PASSWORD };
    const { code, stdout, stderr } = await ralph(
      ["run", "job", "-a", "opencode", "--yolo", "--json"],
      { ...options, cwd: join(repo.root, "tasks"), env },
    );
    assertEquals(code, 0, stderr + stdout.slice(-3_000));
    assert((await readPrd(repo.task.prdFile)).stories.every(({ passes }) => passes));
    const asked = proxy.requests.filter(({ path }) => path !== "/global/health");
    assert(asked.length > 10);
    assertEquals(new Set(asked.map(({ directory }) => directory)), new Set([repo.root]));

    const finished = eventsOf(stdout).filter((event) => event.type === "iteration_finished");
    assertEquals(finished.map(({ outcome, commits }) => [outcome, commits]), [
      ["passed", 1],
      ["passed", 1],
      ["passed", 1],
    ]);
    const last = eventsOf(stdout).at(-1);
    assert(last?.type === "loop_finished");
    assertEquals(last.result.usage.outputTokens, 3 * 400);
    assertEquals(last.result.usage.costUsd, 3 * (2 * 1_000 * 1e-6 + 400 * 2e-6));

    const project = await openProject(server.address, repo.root);
    const ids = finished.map(({ agentSessionId = "" }) => agentSessionId);
    const titles = await Promise.all(ids.map(async (id) => (await project.getSession(id))?.title));
    assertEquals(titles, [
      "job US-001, iteration 1: Story US-001",
      "job US-002, iteration 2: Story US-002",
      "job US-003, iteration 3: Story US-003",
    ]);
    using registry = openRegistry({ path: sessionPaths({ HOME: options.home }).database });
    const [session] = registry.findSessions({});
    assertEquals(session?.serverPort, Number(new URL(proxy.url).port));
    assertEquals([session?.transport, session?.agentSessionId], ["local", ids[2] ?? ""]);
    assertStringIncludes(session?.endReason ?? "", "every story passes");
  },
});

Deno.test({
  name:
    `US-006: two tasks of two repositories at once through one server, each in its project${why}`,
  ignore,
  async fn() {
    await using model = await chatModel(workOnStory);
    await using one = await taskRepo([{ id: "US-001" }, { id: "US-002" }]);
    await using two = await taskRepo([{ id: "US-001" }, { id: "US-002" }]);
    const options = await configure(one, {});
    await configureOpencode(options.home, model.url);
    await using server = await serveOpencode({ home: options.home, cwd: one.outside });
    const env = { RALPH_OPENCODE_URL: server.address.url };
    const runs = await Promise.all(
      [one, two].map(({ root: cwd }) =>
        ralph(["run", "job", "-a", "opencode", "--yolo", "--json"], { ...options, cwd, env })
      ),
    );
    for (const [i, { root, git }] of [one, two].entries()) {
      const { code = null, stdout = "", stderr = "" } = runs[i] ?? {};
      assertEquals(code, 0, stderr + stdout.slice(-2_000));
      const messages = await git("log", "--format=%s", "-2");
      assertEquals(messages, "feat: US-002\nfeat: US-001\n");
      const listed = await serverFetch({ directory: root })(`${server.address.url}/session`);
      const sessions = await listed.json() as { id: string; directory: string }[];
      assertEquals(sessions.map(({ directory }) => directory), [root, root]);
      const ids = eventsOf(stdout).flatMap((event) =>
        event.type === "iteration_finished" ? [event.agentSessionId] : []
      );
      assertEquals(sessions.map(({ id }) => id).sort(), ids.sort());
    }
  },
});

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { once } from "node:events";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { connectSession } from "../../lib/rpc/client/connect_session.ts";
import { loopEventSchema } from "../../lib/event/event_schema.ts";
import { commandTransport } from "../../lib/rpc/client/transports.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import type { Session } from "../../lib/session/model/session.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import {
  configure,
  ralph,
  ralphCommand,
  type RalphOptions,
  startRalph,
} from "../kit/ralph_process.ts";
import { scriptedAgent, taskRepo } from "../kit/scripted_agent.ts";

/** An agent that waits for a file `go` beside the repository. */
const WAIT = "echo waiting; while [ ! -f ../go ]; do sleep 0.05; done; pass US-001; work one";

const exists = (path: string) => stat(path).then(() => true, () => false);

function running(options: RalphOptions): Session {
  using registry = openRegistry({ path: sessionPaths({ HOME: options.home }).database });
  const [session] = registry.findSessions({});
  assert(session !== undefined);
  return session;
}

Deno.test("ralph run serves clients from its first event to its last", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [WAIT]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  const { socket } = running(options);
  assertEquals(socket, join(sessionPaths({ HOME: options.home }).socketsDir, "job.sock"));
  await using client = await connectSession(socket ?? "");
  const types: string[] = [];
  for await (const { seq, event } of client.events()) {
    types.push(event.type);
    assertEquals(seq, types.length);
    // The page of the protocol matches real events.
    assertEquals(loopEventSchema.parse(event), event);
    if (event.type === "iteration_started") {
      const status = await client.call("get_status", {});
      assertEquals([status.current_story, status.agent, status.status], [
        "US-001",
        "agent",
        "running",
      ]);
      await writeFile(join(repo.outside, "go"), "");
    }
  }
  assertEquals([types[0], types.at(-1)], ["loop_started", "loop_finished"]);
  const ended = running(options);
  assertEquals([ended.status, ended.socket], ["completed", null]);
  while (await exists(socket ?? "")) await delay(5);
});

Deno.test("ralph run obeys clients: a prompt, and a stop", async () => {
  await using repo = await taskRepo([{ id: "US-001" }, { id: "US-002" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    WAIT,
    "echo up; exec sleep 60",
  ]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  await using client = await connectSession(running(options).socket ?? "");
  let reason = "";
  for await (const { event } of client.events()) {
    if (event.type === "iteration_started" && event.iteration === 1) {
      await client.call("inject_prompt", { prompt: "Mind the gap" });
      await writeFile(join(repo.outside, "go"), "");
    }
    if (event.type === "agent" && event.iteration === 2 && event.event.kind === "output") {
      await client.call("stop", {});
    }
    if (event.type === "loop_finished") reason = event.result.reason;
  }
  assertEquals(reason, "RPC client");
  assertStringIncludes(await agent.prompt(2), "Mind the gap");
});

Deno.test({
  name: "ralph rpc relays the protocol, and ends with the session",
  // The process behind the transport of the first ends a moment after its connection is closed.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using repo = await taskRepo([{ id: "US-001" }]);
    const agent = await scriptedAgent(join(repo.outside, "agent"), [WAIT]);
    const options = await configure(repo, { agent });
    await ralph(["run", "job", "-a", "agent", "--detach"], options);
    const { command, env } = ralphCommand(["rpc", "job"], options);
    await using client = await connectSession(commandTransport(command, { cwd: repo.root, env }));
    assertEquals(client.session.task_name, "job");
    const types: string[] = [];
    for await (const { event } of client.events()) {
      types.push(event.type);
      if (event.type === "iteration_started") {
        assertEquals((await client.call("get_status", {})).task_name, "job");
        await writeFile(join(repo.outside, "go"), "");
      }
    }
    assertEquals(types.at(-1), "loop_finished");
  },
});

Deno.test({
  name: "ralph rpc ends with its input, and observes on request",
  // The process behind the transport of the first ends a moment after its connection is closed.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using repo = await taskRepo([{ id: "US-001" }]);
    const agent = await scriptedAgent(join(repo.outside, "agent"), [WAIT]);
    const options = await configure(repo, { agent });
    await ralph(["run", "job", "-a", "agent", "--detach"], options);
    const ask = async (args: string[], method: string) => {
      const call = startRalph(["rpc", ...args], { ...options, stdin: true });
      call.child.stdin?.end(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method })}\n`);
      const { code, stdout, stderr } = await call.result;
      assertEquals([code, stderr], [0, ""]);
      return JSON.parse(stdout);
    };
    assertEquals((await ask([], "get_status")).result.task_name, "job");
    assertEquals((await ask(["--observe"], "get_status")).result.status, "running");
    assertEquals((await ask(["job", "--observe"], "stop")).error.code, -32602);
    const { id } = running(options);
    assertEquals((await ask(["--session", id.slice(0, 20)], "checkpoint")).result, {
      status: "checkpoint_requested",
    });
    await writeFile(join(repo.outside, "go"), "");
    await ralph(["stop", "job"], options);
    const { code, stderr } = await ralph(["rpc", "job"], options);
    assertEquals(code, 1);
    assertMatch(stderr, /^error: Session not running: job is \w+\nhint: ralph show /);
    assertEquals((await ralph(["rpc", "job", "--session", id], options)).code, 2);
  },
});

Deno.test("a client stays connected until the end while the worker is killed, and its socket goes", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [WAIT]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  const { worker, socket } = running(options);
  const call = startRalph(["rpc", "job"], { ...options, stdin: true });
  call.child.stdin?.write('{"jsonrpc":"2.0","id":1,"method":"get_status"}\n');
  await once(call.child.stdout ?? process.stdin, "data");
  process.kill(worker?.pid ?? 0, "SIGKILL");
  assertEquals((await call.result).code, 0);
  assertEquals(await exists(socket ?? ""), true);
  await ralph(["status"], options);
  assertEquals(await exists(socket ?? ""), false);
  assertEquals([running(options).status, running(options).socket], ["failed", null]);
});

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { attach, openRegistry, type Session, sessionPaths, SessionRefError } from "../../mod.ts";
import { steer } from "../../lib/worker/steer.ts";
import { configure, ralph } from "../kit/ralph_process.ts";
import { scriptedAgent, taskRepo } from "../kit/scripted_agent.ts";

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await delay(20);
}

/** A session whose agent works until it is told to go on. */
async function running() {
  const repo = await taskRepo([{ id: "US-001" }, { id: "US-002" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    "while [ ! -f ../go ]; do sleep 0.05; done; pass US-001; work one",
  ]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  await until(async () => await agent.calls() === 1);
  const paths = sessionPaths({ HOME: options.home });
  const look = (): Session => {
    using registry = openRegistry({ path: paths.database });
    const [session] = registry.findSessions();
    if (session === undefined) throw new Error("There is no session");
    return session;
  };
  return { repo, options, paths, look, [Symbol.asyncDispose]: () => repo[Symbol.asyncDispose]() };
}

for (const way of ["the socket", "the control file, where the socket does not answer"]) {
  Deno.test(`steer() reaches a loop by ${way}`, async () => {
    await using it = await running();
    const session = it.look();
    const socket = way === "the socket" ? session.socket : join(it.repo.outside, "no.sock");
    await steer({ ...session, socket }, { kind: "checkpoint", reason: "a key" }, it);
    await writeFile(join(it.repo.outside, "go"), "");
    await until(() => it.look().status !== "running");
    assertEquals([it.look().status, it.look().endReason], ["checkpointed", "a key"]);
  });
}

Deno.test("attach() connects to the session that a command would find", async () => {
  await using it = await running();
  const { root: cwd, outside } = it.repo;
  const { paths } = it;
  for (const ref of ["job", it.look().id.slice(0, 12), undefined]) {
    await using session = await attach(ref, { cwd, paths });
    assertEquals((await session.call("get_status")).task_name, "job");
  }
  await using elsewhere = await taskRepo([{ id: "US-001" }]);
  const error = await assertRejects(
    () => attach("job", { cwd: elsewhere.root, paths }),
    SessionRefError,
    "No running session of job is here",
  );
  assertStringIncludes(error.hint, `ralph attach ${it.look().id}`);
  {
    await using session = await attach("job", { cwd, paths });
    await session.call("stop", { reason: "enough" });
    await writeFile(join(outside, "go"), "");
    for await (const _ of session.events());
  }
  await until(() => it.look().status !== "running");
  assertEquals(it.look().endReason, "enough");
  await assertRejects(() => attach("job", { cwd, paths }), SessionRefError, "job is stopped");
  await assertRejects(() => attach(undefined, { cwd, paths }), SessionRefError, "No session");
});

Deno.test("a session that several commands end at once is as the last of them said", async () => {
  await using it = await running();
  const calls = ["checkpoint", "attach", "checkpoint"].map((name) =>
    ralph([name, "job"], it.options)
  );
  calls.push(ralph(["stop", "job", "--now"], it.options));
  await Promise.all(calls);
  assertEquals([it.look().status, it.look().endReason], ["stopped", "ralph stop"]);
});

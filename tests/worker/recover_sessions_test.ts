import { assert, assertEquals } from "@std/assert";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import type { NewSession } from "../../lib/session/model/session.ts";
import { recoverSessions } from "../../lib/worker/recover_sessions.ts";
import { tempDir } from "../kit/testing.ts";

/** Sessions without a worker, as a kill -9 leaves them, and where their files are. */
async function scene(...sessions: Partial<NewSession>[]) {
  const dir = await tempDir();
  const registry = openRegistry({ path: ":memory:" });
  const ids = sessions.map((session, i) =>
    registry.createSession({
      task: `task-${i}`,
      taskDir: join(dir.path, "tasks", `task-${i}`),
      root: "",
      agent: "claude",
      ...session,
    }).id
  );
  const paths = {
    sessionsDir: join(dir.path, "sessions"),
    stateDir: join(dir.path, "state"),
  };
  return {
    registry,
    ids,
    paths,
    async [Symbol.asyncDispose]() {
      registry[Symbol.dispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

Deno.test("recoverSessions() leaves a session alone that runs on another machine", async () => {
  await using it = await scene({ transport: "ssh" }, {});
  const [remote = "", local = ""] = it.ids;
  const before = it.registry.getSession(remote);
  const recovered = await recoverSessions(it.registry, { paths: it.paths });
  assertEquals(recovered.map(({ id, status }) => [id, status]), [[local, "failed"]]);
  assertEquals(it.registry.getSession(remote), before);
  assertEquals(await readdir(it.paths.sessionsDir), [local]);
});

Deno.test("recoverSessions() leaves a session alone that has ended before it had the lock", async () => {
  await using it = await scene({}, {});
  const [first, second] = it.registry.runningSessions();
  assert(first && second);
  // Both are found at once, and then recovered one after the other.
  const recovery = recoverSessions(it.registry, { paths: it.paths });
  it.registry.endSession(second.id, "stopped", "somebody else was here");
  const ended = it.registry.getSession(second.id);
  assertEquals((await recovery).map(({ id }) => id), [first.id]);
  assertEquals(it.registry.getSession(second.id), ended);
  assertEquals(await readdir(it.paths.sessionsDir), [first.id]);
});

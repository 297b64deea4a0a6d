import { assertEquals, assertThrows } from "@std/assert";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { lockTask, TaskLockedError } from "../../lib/base/lock.ts";
import { tempDir } from "../kit/testing.ts";

Deno.test("lockTask() gives a task to one at a time, and other tasks to others", async () => {
  await using dir = await tempDir();
  const options = { stateDir: dir.path };
  {
    using _lock = lockTask("/app/tasks/a", options);
    using _other = lockTask("/app/tasks/b", options);
    const error = assertThrows(() => lockTask("/app/tasks/a", options), TaskLockedError);
    assertEquals(error.taskDir, "/app/tasks/a");
  }
  using _again = lockTask("/app/tasks/a", options);
});

Deno.test({
  name: "lockTask() lets no other user into the folder of locks (not on Windows)",
  ignore: process.platform === "win32",
  fn: async () => {
    await using dir = await tempDir();
    const stateDir = join(dir.path, "state", "ralph");
    using _lock = lockTask("/app/tasks/a", { stateDir });
    // Whoever can open a lock can hold it, and keep the owner of the task from running it.
    assertEquals((await stat(join(stateDir, "locks"))).mode & 0o777, 0o700);
    assertEquals((await stat(stateDir)).mode & 0o777, 0o700);
  },
});

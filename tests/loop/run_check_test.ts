import { assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import process from "node:process";
import { RUN_VARIABLE } from "../../lib/base/end_processes.ts";
import { runCheck } from "../../lib/loop/run_check.ts";

const PATH = process.env.PATH ?? "";

Deno.test("runCheck() keeps the last 40 lines of what a check prints", async () => {
  const lines = (count: number) =>
    runCheck(`seq 1 ${count}; exit 3`, { cwd: tmpdir(), env: { PATH } });
  const long = await lines(100);
  assertEquals([long.ok, long.reason], [false, "exit code 3"]);
  assertEquals(long.outputTail, Array.from({ length: 40 }, (_, i) => `${i + 61}`));
  assertEquals((await lines(40)).outputTail.length, 40);
});

Deno.test({
  name: "runCheck() ends what belongs to it and has a smaller pid than the check (Linux)",
  // Elsewhere nobody may look at the environment of another process.
  ignore: process.platform !== "linux",
  fn: async () => {
    // Pids begin anew when they are used up, so what a check leaves behind may have a smaller one.
    const env = { PATH, [RUN_VARIABLE]: crypto.randomUUID() };
    const left = spawn("sleep", ["600"], { env, detached: true, stdio: "ignore" });
    const exit = once(left, "exit");
    await once(left, "spawn");
    try {
      assertEquals((await runCheck("true", { cwd: tmpdir(), env })).ok, true);
    } finally {
      left.kill("SIGKILL");
    }
    // The signal that came first: the check's own, and not the one that cleans up here.
    assertEquals((await exit)[1], "SIGTERM");
  },
});

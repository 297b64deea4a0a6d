import { assertEquals, assertRejects } from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { endProcessGroup, isProcessGroupAlive } from "../../lib/base/end_processes.ts";

async function group(script: string): Promise<number> {
  const child = spawn("sh", ["-c", script], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  child.stdout.destroy();
  return child.pid ?? 0;
}

Deno.test("endProcessGroup() ends all processes of a group", async () => {
  const pgid = await group("sleep 60 & sleep 60 & echo ready; wait");
  assertEquals(await isProcessGroupAlive(pgid), true);
  assertEquals(await endProcessGroup(pgid), true);
  assertEquals(await isProcessGroupAlive(pgid), false);
});

Deno.test("endProcessGroup() kills what ignores SIGTERM", async () => {
  const pgid = await group("trap '' TERM; echo ready; while :; do sleep 0.1; done");
  assertEquals(await endProcessGroup(pgid, { graceMs: 100 }), true);
  assertEquals(await isProcessGroupAlive(pgid), false);
});

Deno.test("endProcessGroup() returns at once for a group that is gone", async () => {
  const pgid = await group("echo ready");
  await endProcessGroup(pgid);
  assertEquals(await endProcessGroup(pgid, { graceMs: 60_000 }), true);
});

Deno.test("endProcessGroup() refuses ids that mean every process", async () => {
  for (const pgid of [0, 1, -5, NaN]) {
    await assertRejects(() => endProcessGroup(pgid), RangeError, "expected a pid above 1");
  }
});

import { assert, assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { isAlive, processIdentity, processStartTime } from "../../lib/base/process_identity.ts";

Deno.test("processIdentity() stays the same while the process lives", () => {
  const identity = processIdentity(process.pid);
  assert(identity);
  assertEquals(processIdentity(process.pid), identity);
  assert(isAlive(identity));
});

Deno.test("isAlive() recognises another process with the same number", () => {
  const identity = processIdentity(process.pid);
  assert(identity);
  assertEquals(isAlive({ ...identity, start: `${identity.start}0` }), false);
});

Deno.test("isAlive() knows when a process has been killed", async () => {
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  await once(child, "spawn");
  const identity = processIdentity(child.pid ?? 0);
  assert(identity && isAlive(identity));
  const exit = once(child, "close");
  child.kill("SIGKILL");
  await exit;
  assertEquals(isAlive(identity), false);
  assertEquals(processIdentity(identity.pid), undefined);
});

Deno.test("processIdentity() finds no process with an impossible number", () => {
  for (const pid of [0, -1, 1.5, NaN, 2 ** 40]) assertEquals(processIdentity(pid), undefined);
});

Deno.test("processStartTime() says when a process started", async () => {
  const before = Date.now();
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  await once(child, "spawn");
  const startedAt = processStartTime(child.pid ?? 0);
  assert(startedAt && Math.abs(startedAt - before) < 3000, `${startedAt} is not near ${before}`);
  const exit = once(child, "close");
  child.kill("SIGKILL");
  await exit;
});

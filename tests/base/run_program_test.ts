import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isProcessGroupAlive } from "../../lib/base/end_processes.ts";
import { runProgram, type RunProgramOptions } from "../../lib/base/run_program.ts";
import { TEST_ENV } from "../kit/agent_testing.ts";
import { tempDir } from "../kit/testing.ts";

const sh = (script: string, options: Partial<RunProgramOptions> = {}) =>
  runProgram(["sh", "-c", script], { cwd: "/", env: TEST_ENV, timeoutMs: 60_000, ...options });

Deno.test("runProgram() says why a program failed, and what it wrote", async () => {
  assertEquals(await sh("cat; echo no >&2; exit 3", { stdin: "yes" }), {
    reason: "exit code 3",
    stdout: "yes",
    stderr: "no\n",
  });
  assertEquals((await sh("kill -9 $$")).reason, "was ended by SIGKILL");
});

Deno.test("runProgram() tolerates a program that does not read its stdin", async () => {
  const { reason } = await sh("exec 0<&-; exit 0", { stdin: "x".repeat(5_000_000) });
  assertEquals(reason, "");
});

Deno.test("runProgram() says that a program is not there", async () => {
  const options = { cwd: "/", env: TEST_ENV, timeoutMs: 60_000 };
  const { reason } = await runProgram(["no-such-program"], options);
  assertEquals(reason, "cannot start: there is no such program");
});

Deno.test("runProgram() finds a relative path in its folder, not in that of this process", async () => {
  await using dir = await tempDir();
  await mkdir(join(dir.path, "bin"));
  await writeFile(join(dir.path, "bin", "hi"), "#!/bin/sh\necho hi\n");
  await chmod(join(dir.path, "bin", "hi"), 0o755);
  const options = { cwd: dir.path, env: TEST_ENV, timeoutMs: 60_000 };
  assertEquals((await runProgram(["./bin/hi"], options)).stdout, "hi\n");
});

Deno.test("runProgram() keeps the beginning of a long output and reads it all", async () => {
  const { reason, stdout } = await sh("printf first; head -c 5000000 /dev/zero | tr '\\0' x");
  assertEquals([reason, stdout.length, stdout.slice(0, 6)], ["", 65_536, "firstx"]);
});

Deno.test("runProgram() ends the whole group of a program that takes too long", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "pid");
  const { reason } = await sh(`echo $$ > ${file}; sleep 60 & sleep 60`, { timeoutMs: 300 });
  assertEquals(reason, "took longer than 0.3 s");
  assertEquals(await isProcessGroupAlive(Number(await readFile(file, "utf8"))), false);
});

Deno.test("runProgram() ends what a program has left behind", async () => {
  const startedAt = performance.now();
  const { reason, stdout } = await sh("echo $$; sleep 60 & exit 0");
  assertEquals(reason, "");
  assertEquals(await isProcessGroupAlive(Number(stdout)), false);
  assertLess(performance.now() - startedAt, 10_000);
});

Deno.test("runProgram() rejects with the reason of its signal, and leaves nothing", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "pid");
  const controller = new AbortController();
  const running = sh(`echo $$ > ${file}; sleep 60`, { signal: controller.signal });
  const timer = setInterval(async () => {
    const pid = await readFile(file, "utf8").catch(() => "");
    if (pid !== "") controller.abort(new Error("enough"));
  }, 10);
  await assertRejects(() => running, Error, "enough");
  clearInterval(timer);
  assertEquals(await isProcessGroupAlive(Number(await readFile(file, "utf8"))), false);
  const aborted = AbortSignal.abort(new Error("before"));
  await assertRejects(() => sh("true", { signal: aborted }), Error, "before");
});

Deno.test("runProgram() gives a program no terminal to ask on", async () => {
  const { stdout } = await sh("(: < /dev/tty) 2>/dev/null && echo terminal || echo none");
  assertEquals(stdout, "none\n");
});

/**
 * Prints the resident memory, in bytes, of a process that has loaded what a worker needs; with
 * `pty` as its argument while a program that has filled its screen runs in a PTY.
 *
 * @module
 */
import process from "node:process";
import { openPty } from "../../lib/agent/pty/pty.ts";
import { runSession } from "../../lib/worker/run_session.ts";

if (typeof runSession !== "function") throw new Error("Cannot measure a worker that is not there");
if (process.argv[2] === "pty") {
  const env = { PATH: process.env.PATH ?? "/usr/bin:/bin" };
  const pty = await openPty(["sh", "-c", "seq 1 100000; printf full; read _"], { cwd: "/", env });
  const full = Promise.withResolvers<void>();
  const stop = pty.terminal.subscribe((data) => data.includes("full") && full.resolve());
  await full.promise;
  stop();
  process.stdout.write(`${process.memoryUsage.rss()}\n`);
  pty.terminal.write("\r");
  await pty.exited;
} else {
  process.stdout.write(`${process.memoryUsage.rss()}\n`);
}

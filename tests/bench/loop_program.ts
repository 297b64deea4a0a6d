/**
 * Runs a loop over a task with a program as its agent, and prints its cost as JSON: in a
 * separate process, so that only the memory of one loop is measured.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createCommand } from "../../lib/agent/command/command.ts";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { progressSink } from "../../lib/task/progress/progress_sink.ts";
import { runLoop } from "../../lib/loop/run_loop.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { Recorder } from "../../lib/session/recorder.ts";
import { openSessionLog } from "../../lib/session/log/session_log.ts";
import { resolveTask } from "../../lib/task/resolve_task.ts";

/** What the program prints. */
export interface LoopCost {
  /** Iterations run. */
  iterations: number;
  /** Time from the first event to the end, for each iteration, in milliseconds. */
  iterationMs: number;
  /** The peak resident memory of the process, in megabytes; 0 if it is not Linux. */
  peakMb: number;
}

/** Drives a loop to its end. */
async function measure(
  root: string,
  options: { agent: string; iterations: number; record: boolean },
): Promise<LoopCost> {
  const task = await resolveTask("bench", { cwd: root });
  const progress = progressSink({ task });
  await using recording = options.record ? await startRecording(root, task.dir) : undefined;
  const events = runLoop({
    task,
    agents: [createCommand("program", { command: [options.agent] })],
    agent: "program",
    limits: { iterations: options.iterations },
    stagnationLimit: 0,
  });
  let begun = 0;
  let iterations = 0;
  for await (const event of events) {
    if (event.type === "loop_started") begun = performance.now();
    if (event.type === "iteration_finished") iterations++;
    await progress.write(event);
    await recording?.write(event);
  }
  const iterationMs = (performance.now() - begun) / iterations;
  return { iterations, iterationMs, peakMb: await peakMb() };
}

async function startRecording(
  root: string,
  taskDir: string,
): Promise<AsyncDisposable & { write: (event: LoopEvent) => Promise<unknown> }> {
  await using stack = new AsyncDisposableStack();
  const registry = stack.use(openRegistry({ path: join(root, ".git", "sessions.db") }));
  const { id } = registry.createSession({ task: "bench", taskDir, root, agent: "program" });
  const log = stack.use(await openSessionLog(join(root, ".git", "session", id)));
  const recorder = stack.use(new Recorder(id, { registry, log }));
  const kept = stack.move();
  return {
    write: (event) => recorder.write(event),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function peakMb(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}

if (import.meta.main) {
  const { _: [root], agent, iterations, record } = parseArgs(process.argv.slice(2), {
    string: ["agent", "iterations"],
    boolean: ["record"],
  });
  const cost = await measure(String(root), {
    agent: String(agent),
    iterations: Number(iterations),
    record: record === true,
  });
  process.stdout.write(`${JSON.stringify(cost)}\n`);
}

/**
 * Records what a benchmark asks for in a separate process, and prints what it took:
 * `record_program.ts events N FOLDER` or `record_program.ts output FILE FOLDER`.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createCommand, type LoopEvent, openRegistry } from "../../mod.ts";
import { openSessionLog } from "../../lib/session/log/session_log.ts";
import { Recorder } from "../../lib/session/recorder.ts";
import { testStart } from "../kit/agent_testing.ts";

/** What recording took. */
export interface RecordCost {
  /** The time, in milliseconds. */
  ms: number;
  /** The peak memory of the process, in megabytes. */
  peakMb: number;
}

if (import.meta.main) {
  const [mode = "", what = "", folder = ""] = process.argv.slice(2);
  using registry = openRegistry({ path: join(folder, "sessions.db") });
  const { id } = registry.createSession({ task: "b", taskDir: folder, root: folder, agent: "b" });
  await using log = await openSessionLog(join(folder, id));
  await using recorder = new Recorder(id, { registry, log });
  const stamp = (): { time: string } => ({ time: new Date().toISOString() });
  const start = performance.now();
  if (mode === "events") {
    const event: LoopEvent = {
      ...stamp(),
      type: "agent",
      iteration: 1,
      event: { kind: "text", text: "x" },
    };
    for (let i = 0; i < Number(what); i++) await recorder.write(event);
  } else {
    const env = { PATH: process.env.PATH ?? "" };
    await using run = createCommand("cat", { command: ["cat", what] })
      .start(testStart({ cwd: folder, env }));
    for await (const event of run.events) {
      await recorder.write({ ...stamp(), type: "agent", iteration: 1, event });
    }
  }
  await recorder.flush();
  const ms = performance.now() - start;
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const peakMb = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1_024;
  process.stdout.write(JSON.stringify({ ms, peakMb } satisfies RecordCost));
}

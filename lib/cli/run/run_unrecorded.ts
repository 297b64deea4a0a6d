import { LoopControl } from "../../loop/loop_control.ts";
import { progressSink } from "../../task/progress/progress_sink.ts";
import { runLoop } from "../../loop/run_loop.ts";
import type { CommandContext } from "../kit/command.ts";
import type { RunForegroundOptions } from "./run_foreground.ts";
import { showRun } from "./show_run.ts";
import { stopOnSignals } from "../terminal/signals.ts";

/**
 * Runs a loop in this process without recording a session, for a throw-away repository.
 *
 * @returns The exit code.
 */
export async function runUnrecorded(
  context: CommandContext,
  { loop, json = false }: RunForegroundOptions,
): Promise<number> {
  const control = new LoopControl();
  using _signals = stopOnSignals(control);
  await using progress = progressSink({ task: loop.task });
  const keys = [{ key: "Ctrl-C", label: "stop" }];
  const output = showRun(context, { task: loop.task.name, json, keys });
  {
    await using _output = output;
    for await (const event of runLoop({ ...loop, control })) {
      await progress.write(event);
      output.write(event);
    }
  }
  return output.finish();
}

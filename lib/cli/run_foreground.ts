import process from "node:process";
import { LoopControl } from "../loop/loop_control.ts";
import type { LoopOutcome, LoopResult } from "../loop/loop_event.ts";
import type { RunLoopOptions } from "../loop/loop_options.ts";
import { progressSink } from "../loop/progress_sink.ts";
import { runLoop } from "../loop/run_loop.ts";
import { supportsColor } from "../ui/style.ts";
import { renderSummary } from "../ui/summary.ts";
import type { CommandContext } from "./command.ts";
import { exitCodeOf, SIGNAL_EXIT_CODES, type StopSignal } from "./exit_code.ts";
import { eventOutput } from "./follow_events.ts";

/** Options for {@linkcode runForeground}. */
export interface RunForegroundOptions {
  /** How the loop runs. */
  loop: RunLoopOptions;
  /** One JSON object a line instead of something for people. @default {false} */
  json?: boolean;
}

/**
 * Runs a loop in this process, shows it, and stops it when a signal says so.
 *
 * @param context The world.
 * @param options How the loop runs and is shown.
 * @returns The exit code.
 */
export async function runForeground(
  context: CommandContext,
  { loop, json = false }: RunForegroundOptions,
): Promise<number> {
  const control = loop.control ?? new LoopControl();
  await using stop = stopOnSignals(control);
  const record = progressSink({ task: loop.task });
  const checks = new Map<string, boolean>();
  let result: LoopResult | undefined;
  {
    const keys = [{ key: "Ctrl-C", label: "stop" }];
    await using output = eventOutput(context, { json, keys });
    for await (const event of runLoop({ ...loop, control })) {
      await record(event);
      output.write(event);
      if (event.type === "check_finished") checks.set(event.command, event.ok);
      if (event.type === "loop_finished") result = event.result;
    }
  }
  if (result === undefined) throw new Error("The loop ended without a result");
  const exitCode = exitCodeOf(result.outcome, stop.signal);
  if (!json) {
    const { stdout, env } = context;
    const lines = renderSummary(result, {
      task: loop.task.name,
      exitCode,
      color: supportsColor({ env, isTTY: stdout.isTTY ?? false }),
      ...(stdout.columns === undefined ? {} : { columns: stdout.columns }),
      checks: [...checks].map(([command, ok]) => ({ command, ok })),
      ...nextStep(result.outcome, loop.task.name),
    });
    stdout.write(lines.map((line) => `${line}\n`).join(""));
  }
  return exitCode;
}

/** The command to go on with, where there is one. */
function nextStep(outcome: LoopOutcome, task: string): { next?: string } {
  switch (outcome) {
    case "limit":
      return { next: `ralph run ${task} -i 20` };
    case "stopped":
    case "checkpointed":
      return { next: `ralph run ${task}` };
    case "blocked":
    case "failed":
    case "stagnated":
      return { next: `ralph check ${task}` };
    case "completed":
      return {};
  }
}

/** The first signal stops the loop and lets it say its last word; a second one ends the process. */
function stopOnSignals(control: LoopControl): AsyncDisposable & { signal: StopSignal | undefined } {
  const names = Object.keys(SIGNAL_EXIT_CODES) as StopSignal[];
  const stop = {
    signal: undefined as StopSignal | undefined,
    [Symbol.asyncDispose](): Promise<void> {
      for (const [name, listener] of listeners) process.off(name, listener);
      return Promise.resolve();
    },
  };
  const listeners = new Map(names.map((name) => [name, (): void => {
    if (stop.signal !== undefined && name === "SIGINT") process.exit(SIGNAL_EXIT_CODES[name]);
    stop.signal ??= name;
    control.requestStop(name);
  }]));
  for (const [name, listener] of listeners) process.on(name, listener);
  return stop;
}

import { ulid } from "@std/ulid";
import { LoopControl } from "../../loop/loop_control.ts";
import type { RunLoopOptions } from "../../loop/loop_options.ts";
import { sanitizeText } from "../../ui/text/sanitize_text.ts";
import type { Hook } from "../../worker/hook_sink.ts";
import { sessionPaths } from "../../session/model/session_paths.ts";
import { runSession } from "../../worker/run_session.ts";
import type { CommandContext } from "../kit/command.ts";
import { showRun } from "./show_run.ts";
import { stopOnSignals } from "../terminal/signals.ts";

/** Options for {@linkcode runForeground}. */
export interface RunForegroundOptions {
  /** How the loop runs. */
  loop: RunLoopOptions & { hooks?: readonly Hook[] | undefined };
  /** Whether to print one JSON object a line. @default {false} */
  json?: boolean | undefined;
}

/**
 * Runs a session in this process and shows it; a signal stops it.
 *
 * @param options How the loop runs and is shown.
 * @returns The exit code.
 */
export async function runForeground(
  context: CommandContext,
  { loop, json = false }: RunForegroundOptions,
): Promise<number> {
  const control = new LoopControl();
  using _signals = stopOnSignals(control);
  const id = ulid();
  const keys = [{ key: "Ctrl-C", label: "stop" }];
  const output = showRun(context, { task: loop.task.name, session: id, json, keys });
  const warnings: string[] = [];
  const onWarning = (message: string): void => {
    const text = `warning: ${sanitizeText(message)}\n`;
    // Printing now would tear the live view.
    if (context.stdout.isTTY && !json) warnings.push(text);
    else context.stderr.write(text);
  };
  {
    await using _output = output;
    await runSession({
      id,
      loop: { ...loop, control },
      paths: sessionPaths(context.env),
      hooks: loop.hooks ?? [],
      sinks: [output],
      onWarning,
    });
  }
  context.stderr.write(warnings.join(""));
  return output.finish();
}

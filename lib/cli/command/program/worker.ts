import { LoopControl } from "../../../loop/loop_control.ts";
import { sessionPaths } from "../../../session/model/session_paths.ts";
import { resolveTask } from "../../../task/resolve_task.ts";
import { sanitizeText } from "../../../ui/text/sanitize_text.ts";
import { runSession } from "../../../worker/run_session.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { exitCodeOf, UsageError } from "../../kit/usage.ts";
import { RUN_OPTIONS } from "../../run/run_option_specs.ts";
import { runOptions } from "../../run/run_options.ts";
import { stopOnSignals } from "../../terminal/signals.ts";

/** `ralph worker`: the background process of a session, which `ralph run` starts. */
export const command: Command = {
  usage: "TASK --session ID [options of ralph run]",
  description: "Runs one session in the background, with what it prints in its worker.log.\n" +
    "ralph run starts it; there is no reason to call it by hand.",
  operands: 1,
  examples: [],
  options: [
    ...RUN_OPTIONS,
    { name: "session", value: "ID", help: "the id of the session, a ULID" },
  ],
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const id = line.value("session");
    const [given] = line.operands;
    if (id === undefined || given === undefined) {
      throw new UsageError("No session or task for the worker", "ralph run TASK");
    }
    const task = await resolveTask(given, { cwd: context.cwd });
    const control = new LoopControl();
    using _signals = stopOnSignals(control);
    const loop = { ...await runOptions(line, context, task), control };
    const { result } = await runSession({
      id,
      loop,
      paths: sessionPaths(context.env),
      hooks: loop.hooks,
      onWarning: (message) => context.stderr.write(`warning: ${sanitizeText(message)}\n`),
    });
    return exitCodeOf(result);
  },
};

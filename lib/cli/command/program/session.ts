import { text } from "node:stream/consumers";
import process from "node:process";
import { LoopControl } from "../../../loop/loop_control.ts";
import { sessionPaths } from "../../../session/model/session_paths.ts";
import { resolveTask } from "../../../task/resolve_task.ts";
import { sanitizeText } from "../../../ui/text/sanitize_text.ts";
import { runSession } from "../../../worker/run_session.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { exitCodeOf, UsageError } from "../../kit/usage.ts";
import type { WorkerOrder } from "../../run/run_background.ts";
import { trustedRun } from "../../trust/ensure_trusted.ts";
import { stopOnSignals } from "../../terminal/signals.ts";

/** `ralph __session`: the background process of a session, which `ralph run` starts. */
export const command: Command = {
  usage: "ID",
  description: "Runs one session in the background, with what it prints in its worker.log.\n" +
    "ralph run starts it, with the task and its flags as JSON on stdin; do not call it by hand.",
  operands: 1,
  examples: [],
  options: [],
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const [id] = line.operands;
    if (id === undefined) throw new UsageError("No id of a session", "ralph run TASK");
    const order = await readOrder();
    const task = await resolveTask(order.taskDir, { cwd: context.cwd });
    const control = new LoopControl();
    using _signals = stopOnSignals(control);
    const options = await trustedRun(task, { flags: order.flags, env: context.env });
    await using _judge = options.judge;
    const { result } = await runSession({
      id,
      loop: { ...options, control },
      paths: sessionPaths(context.env),
      hooks: options.hooks,
      onWarning: (message) => context.stderr.write(`warning: ${sanitizeText(message)}\n`),
    });
    return exitCodeOf(result);
  },
};

/** What the starter wrote; nothing if it died before that, and then nobody waits for a session. */
async function readOrder(): Promise<WorkerOrder> {
  const written = process.stdin.isTTY ? "" : await text(process.stdin);
  if (written === "") throw new UsageError("No task on stdin", "ralph run TASK");
  return JSON.parse(written);
}

import { confirm, isCancel } from "@clack/prompts";
import { chooseTask } from "./choose_task.ts";
import type { Command, CommandContext, CommandLine } from "./command.ts";
import { runForeground } from "./run_foreground.ts";
import { RUN_OPTIONS, runOptions } from "./run_options.ts";
import { UsageError } from "./usage_error.ts";

/** `ralph run`: runs an agent over the open stories of a task. */
export const command: Command = {
  usage: "[TASK] [options]",
  description:
    "Runs an agent over the open stories of a task, a fresh one each iteration, until\n" +
    "every story passes or a limit is reached. TASK is the name of a folder in tasks/, or a\n" +
    "path; it may be left out where there is only one.",
  operands: 1,
  examples: [
    ["ralph run my-feature", "with the task's agent, or Claude Code"],
    ["ralph run my-feature -i 20 --max-time 2h", "with limits"],
    ['ralph run --check "npm test" --yolo', "verify each story; ask for nothing"],
  ],
  options: [
    ...RUN_OPTIONS,
    { name: "yes", short: "y", help: "do not ask for confirmation", group: "Output" },
    { name: "json", help: "one event a line, as JSON", group: "Output" },
  ],
  notes:
    "Exit codes: 0 every story passes; 1 failed; 2 usage; 3 a limit was reached; 4 blocked;\n" +
    "5 not ready; 130, 143, 129 stopped by Ctrl-C, SIGTERM, SIGHUP.",
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const task = await chooseTask(line.operands[0], context, { command: "ralph run" });
    const loop = await runOptions(line, context, task);
    const json = line.has("json");
    if (loop.yolo && context.interactive && !json && !line.has("yes")) {
      const sure = await confirm({
        message: `With --yolo the agent may do anything that you may, unasked. Run ${task.name}?`,
      });
      if (isCancel(sure) || !sure) throw new UsageError("Not confirmed");
    }
    return await runForeground(context, { loop, json });
  },
};

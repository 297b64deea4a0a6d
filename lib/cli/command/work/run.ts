import type { Command } from "../../kit/command.ts";
import { RUN_OPTIONS } from "../../run/run_option_specs.ts";

/** `ralph run`: runs an agent over the open stories of a task. */
export const command: Command = {
  usage: "[TASK] [options]",
  description:
    "Runs an agent over the open stories of a task, a fresh one each iteration, until\n" +
    "every story passes or a limit is reached. TASK is the name of a folder in tasks/, or a\n" +
    "path; it is optional if there is only one. A worker runs the loop in the background,\n" +
    "and ralph run shows it: Ctrl-C leaves the view, a second Ctrl-C stops the loop.",
  operands: 1,
  examples: [
    ["ralph run my-feature", "with the task's agent, or Claude Code"],
    ["ralph run my-feature -i 20 --max-time 2h", "with limits"],
    ['ralph run --check "npm test" --yolo', "verify each story; never ask for permission"],
    ["ralph run my-feature --detach", "return as soon as the loop has started"],
  ],
  options: [
    ...RUN_OPTIONS,
    { name: "detach", short: "d", help: "return as soon as the loop has started", group: "Output" },
    {
      name: "foreground",
      help: "run in this process, for CI, containers and systemd units",
      group: "Output",
    },
    { name: "trust", help: "allow what the repository runs, as ralph trust does", group: "Task" },
    { name: "yes", short: "y", help: "do not ask for confirmation", group: "Output" },
    { name: "json", help: "one event a line, as JSON", group: "Output" },
  ],
  notes:
    "Exit codes: 0 every story passes; 1 failed; 2 usage; 3 a limit was reached; 4 blocked;\n" +
    "5 not ready; 130, 143, 129 stopped by Ctrl-C, SIGTERM, SIGHUP.",
  // Loaded only here: the help needs none of it.
  run: async (line, context) => (await import("../../run/run_task.ts")).runTask(line, context),
};

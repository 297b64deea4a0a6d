import { openRegistry } from "../../../session/registry/open_registry.ts";
import type { Session } from "../../../session/model/session.ts";
import { type SessionPaths, sessionPaths } from "../../../session/model/session_paths.ts";
import type { Task } from "../../../task/task.ts";
import { formatAgo } from "../../../ui/text/times.ts";
import { recoverSessions } from "../../../worker/recover_sessions.ts";
import { chooseTask } from "../../sessions/choose_task.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { runBackground } from "../../run/run_background.ts";
import { runForeground } from "../../run/run_foreground.ts";
import { RUN_OPTIONS } from "../../run/run_option_specs.ts";
import { runOptions, workerArguments } from "../../run/run_options.ts";
import { UsageError } from "../../kit/usage.ts";

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
    { name: "yes", short: "y", help: "do not ask for confirmation", group: "Output" },
    { name: "json", help: "one event a line, as JSON", group: "Output" },
  ],
  notes:
    "Exit codes: 0 every story passes; 1 failed; 2 usage; 3 a limit was reached; 4 blocked;\n" +
    "5 not ready; 130, 143, 129 stopped by Ctrl-C, SIGTERM, SIGHUP.",
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    if (line.has("detach") && line.has("foreground")) {
      throw new UsageError("Options --detach and --foreground exclude each other");
    }
    const task = await chooseTask(line.operands[0], context, { command: "ralph run" });
    // Read here too, so that a mistake is reported before anything is started.
    const loop = await runOptions(line, context, task);
    const json = line.has("json");
    if (loop.yolo && context.interactive && !json && !line.has("yes")) await confirmYolo(task);
    if (!json) await sayWhatWasBefore(context, task, sessionPaths(context.env));
    if (line.has("foreground")) return await runForeground(context, { loop, json });
    const args = workerArguments(line);
    return await runBackground(context, { task, args, detach: line.has("detach"), json });
  },
};

async function confirmYolo(task: Task): Promise<void> {
  const { confirm, isCancel } = await import("@clack/prompts");
  const message =
    `With --yolo the agent may do anything that you may, without asking. Run ${task.name}?`;
  const sure = await confirm({ message });
  if (isCancel(sure) || !sure) throw new UsageError("Not confirmed");
}

/** Reminds the user how the task's last session ended. */
async function sayWhatWasBefore(
  { stdout }: CommandContext,
  task: Task,
  paths: SessionPaths,
): Promise<void> {
  using registry = openRegistry({ path: paths.database });
  await recoverSessions(registry, { paths, taskDir: task.dir });
  const last: Session | undefined = registry.latestSession(task.dir);
  if (last === undefined || last.status === "running" || last.endedAt === null) return;
  const ago = formatAgo(Date.now() - Date.parse(last.endedAt));
  const stories = last.stories === null
    ? ""
    : `, ${last.stories.done}/${last.stories.total} stories`;
  stdout.write(`Last session ${last.status} ${ago}: ${last.endReason ?? "no reason"}${stories}\n`);
}

import { findGitRoot } from "../../git/find_git_root.ts";
import { listTasks } from "../../task/list_tasks.ts";
import { resolveTask } from "../../task/resolve_task.ts";
import type { Task } from "../../task/task.ts";
import { sanitizeText } from "../../ui/text/sanitize_text.ts";
import type { CommandContext } from "../kit/command.ts";
import { UsageError } from "../kit/usage.ts";

/** Options for {@linkcode chooseTask}. */
export interface ChooseTaskOptions {
  /** The command, as people call it: `ralph run`. */
  command: string;
  /** Whether a menu may be shown. @default {true} */
  menu?: boolean | undefined;
}

/**
 * Finds the task for a command: the named one, else the only one, else the one that the user picks
 * from a menu.
 *
 * @throws {UsageError} If there are several, and nobody to ask.
 */
export async function chooseTask(
  name: string | undefined,
  context: CommandContext,
  options: ChooseTaskOptions,
): Promise<Task> {
  const { cwd } = context;
  if (name !== undefined) return await resolveTask(name, { cwd });
  const root = await findGitRoot(cwd);
  const names = (await listTasks(root)).filter((task) => task.hasPrd).map((task) => task.name);
  const [only] = names;
  if (only === undefined) {
    throw new UsageError(
      `No task in ${root}: there is no tasks/*/prd.json`,
      "ralph init my-feature",
    );
  }
  if (names.length === 1) return await resolveTask(only, { cwd: root });
  if (context.interactive && options.menu !== false) {
    const { isCancel, select } = await import("@clack/prompts");
    const picked = await select({
      message: "Which task?",
      options: names.map((value) => ({ value, label: sanitizeText(value) })),
    });
    if (isCancel(picked)) throw new UsageError("No task was chosen");
    return await resolveTask(picked, { cwd: root });
  }
  throw new UsageError(
    `Several tasks in ${root}: ${names.join(", ")}`,
    `${options.command} ${only}`,
  );
}

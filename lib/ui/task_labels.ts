import { basename } from "node:path";
import type { Session } from "../session/model/session.ts";

/**
 * Names the tasks of sessions so that two of the same name are told apart: by the
 * folder of their repository in parentheses, or its whole path where that does not help.
 *
 * @example Usage
 * ```ts
 * import { taskLabels } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const labels = taskLabels([
 *   { task: "login", taskDir: "/home/me/app/tasks/login", root: "/home/me/app" },
 *   { task: "login", taskDir: "/home/me/site/tasks/login", root: "/home/me/site" },
 * ]);
 * assertEquals([...labels.values()], ["login (app)", "login (site)"]);
 * ```
 *
 * @param sessions The sessions.
 * @returns The label of each task folder.
 */
export function taskLabels(
  sessions: readonly Pick<Session, "task" | "taskDir" | "root">[],
): Map<string, string> {
  const folders = new Map(sessions.map((session) => [session.taskDir, session]));
  const labels = new Map<string, string>();
  for (const { task, taskDir, root } of folders.values()) {
    const place = root || taskDir;
    const others = [...folders.values()]
      .filter((other) => other.task === task && other.taskDir !== taskDir)
      .map((other) => other.root || other.taskDir);
    const isSame = others.some((other) => basename(other) === basename(place));
    const where = isSame ? taskDir : basename(place);
    labels.set(taskDir, others.length === 0 ? task : `${task} (${where})`);
  }
  return labels;
}

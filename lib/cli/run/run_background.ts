import { join } from "node:path";
import { ulid } from "@std/ulid";
import { openRegistry } from "../../session/registry/open_registry.ts";
import type { Session } from "../../session/model/session.ts";
import { sessionPaths } from "../../session/model/session_paths.ts";
import type { Task } from "../../task/task.ts";
import { startWorker } from "../../worker/start_worker.ts";
import type { CommandContext } from "../kit/command.ts";
import { shellWord } from "../../base/shell_word.ts";
import { followRun } from "./follow_run.ts";
import type { RunFlags } from "./option_sources.ts";
import { Interrupts } from "../terminal/signals.ts";
import { jsonLine } from "../kit/json_line.ts";

/** What a worker reads from its stdin. */
export interface WorkerOrder {
  /** The folder of the task. */
  taskDir: string;
  /** The flags of `ralph run`. */
  flags: RunFlags;
}

/** Options for {@linkcode runBackground}. */
export interface RunBackgroundOptions {
  /** The task. */
  task: Task;
  /** The flags of `ralph run` for the worker, as they were given. */
  flags: RunFlags;
  /** Whether to return as soon as the loop has started. @default {false} */
  detach?: boolean | undefined;
  /** Whether to print one JSON object a line. @default {false} */
  json?: boolean | undefined;
}

/**
 * Starts a worker for a task, and follows it unless `detach` is set.
 *
 * @returns The exit code: the loop's if it was followed.
 * @throws {WorkerStartError} If the worker ended before its loop started.
 */
export async function runBackground(
  context: CommandContext,
  { task, flags, detach = false, json = false }: RunBackgroundOptions,
): Promise<number> {
  const { cwd, env, program, stdout } = context;
  const paths = sessionPaths(env);
  using registry = openRegistry({ path: paths.database });
  const id = ulid();
  const dir = join(paths.sessionsDir, id);
  // Not on the command line, which every user of the machine can read.
  const input = JSON.stringify({ taskDir: task.dir, flags } satisfies WorkerOrder);
  // From here on, Ctrl-C must not leave a worker behind without telling the user.
  using interrupts = new Interrupts();
  const pid = await startWorker([...program, "__session", id], { id, dir, cwd, env, input });
  const session = registry.getSession(id) as Session;
  if (!detach) return await followRun(context, session, { registry, paths, json, interrupts });
  stdout.write(
    json ? jsonLine({ session: id, task: task.name, pid }) : [
      `Started ${task.name} in the background (pid ${pid}, session ${id})`,
      `  see   ralph attach ${shellWord(task.name)}`,
      `  stop  ralph stop ${shellWord(task.name)}`,
      "",
    ].join("\n"),
  );
  return 0;
}

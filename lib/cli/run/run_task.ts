import { openRegistry } from "../../session/registry/open_registry.ts";
import type { Session } from "../../session/model/session.ts";
import { type SessionPaths, sessionPaths } from "../../session/model/session_paths.ts";
import type { Task } from "../../task/task.ts";
import { formatAgo } from "../../ui/text/times.ts";
import { recoverSessions } from "../../worker/recover_sessions.ts";
import type { CommandContext, CommandLine } from "../kit/command.ts";
import { UsageError } from "../kit/usage.ts";
import { ensureTrusted, trustedRun } from "../trust/ensure_trusted.ts";
import { chooseTask } from "../sessions/choose_task.ts";
import { runBackground } from "./run_background.ts";
import { runForeground } from "./run_foreground.ts";
import { runFlags } from "./run_option_specs.ts";
import { runOptions } from "./run_options.ts";
import { sanitizeText } from "../../ui/text/sanitize_text.ts";

/** What `ralph run` does. Returns the exit code. */
export async function runTask(line: CommandLine, context: CommandContext): Promise<number> {
  if (line.has("detach") && line.has("foreground")) {
    throw new UsageError("Options --detach and --foreground exclude each other");
  }
  const task = await chooseTask(line.operands[0], context, { command: "ralph run" });
  const flags = runFlags(line);
  // Read before a question is asked, so that a mistake is reported first. Starts nothing.
  const wanted = await runOptions(task, { flags, env: context.env });
  const json = line.has("json");
  const ask = !json && !line.has("yes");
  // First of all, what a killed session left running is ended: it could still write.
  const before = await lastSession(task, sessionPaths(context.env));
  // A session that runs is the answer already; it goes by what was allowed before.
  if (before?.status !== "running") {
    await ensureTrusted(task, context, { trust: line.has("trust"), ask });
  }
  if (wanted.yolo && context.interactive && !json && !line.has("yes")) await confirmYolo(task);
  if (!json && before !== undefined) sayWhatWasBefore(before, context);
  if (line.has("foreground")) {
    const loop = await trustedRun(task, { flags, env: context.env });
    await using _judge = loop.judge;
    return await runForeground(context, { loop, json });
  }
  return await runBackground(context, { task, flags, detach: line.has("detach"), json });
}

async function confirmYolo(task: Task): Promise<void> {
  const { confirm, isCancel } = await import("@clack/prompts");
  const message =
    `With --yolo the agent may do anything that you may, without asking. Run ${task.name}?`;
  const sure = await confirm({ message: sanitizeText(message) });
  if (isCancel(sure) || !sure) throw new UsageError("Not confirmed");
}

async function lastSession(task: Task, paths: SessionPaths): Promise<Session | undefined> {
  using registry = openRegistry({ path: paths.database });
  await recoverSessions(registry, { paths, taskDir: task.dir });
  return registry.latestSession(task.dir);
}

/** Reminds the user how the task's last session ended. */
function sayWhatWasBefore(last: Session, { stdout }: CommandContext): void {
  if (last.status === "running" || last.endedAt === null) return;
  const ago = formatAgo(Date.now() - Date.parse(last.endedAt));
  const stories = last.stories === null
    ? ""
    : `, ${last.stories.done}/${last.stories.total} stories`;
  stdout.write(`Last session ${last.status} ${ago}: ${last.endReason ?? "no reason"}${stories}\n`);
}

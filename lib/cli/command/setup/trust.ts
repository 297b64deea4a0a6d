import { findGitRoot } from "../../../git/find_git_root.ts";
import { difference, differs } from "../../../guard/trust/difference.ts";
import { executables, hashExecutables } from "../../../guard/trust/executables.ts";
import { accept, acceptedContent } from "../../../guard/trust/trust_record.ts";
import { taskPath, type TrustedContent } from "../../../guard/trust/trusted_content.ts";
import { listTasks } from "../../../task/list_tasks.ts";
import { PrdError } from "../../../task/prd/prd.ts";
import { readPrd } from "../../../task/prd/read_prd.ts";
import { resolveTask } from "../../../task/resolve_task.ts";
import type { Task } from "../../../task/task.ts";
import { sanitizeText } from "../../../ui/text/sanitize_text.ts";
import { changeLines, executableLines } from "../../../ui/report/trust_lines.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { UsageError } from "../../kit/usage.ts";
import {
  isInsideSession,
  openTrust,
  readContent,
  type WorkTreeTrust,
} from "../../trust/open_trust.ts";

/** `ralph trust`: allows what a repository runs. */
export const command: Command = {
  usage: "[TASK] [options]",
  description:
    "Shows what a repository makes ralph run for a task (checks, hooks, agents), and allows it,\n" +
    "until one of these commands changes. Without TASK it does so for all tasks. Limits, rules\n" +
    "and the prompt of the project are accepted with it, also for a loop that is running.",
  operands: 1,
  examples: [
    ["ralph trust my-feature", "show and allow"],
    ["ralph trust --show", "only show, for all tasks"],
    ["ralph trust --forget", "ask again before anything runs"],
  ],
  options: [
    { name: "show", help: "only show, and allow nothing" },
    { name: "forget", help: "forget all that was allowed in this repository" },
    { name: "json", help: "one JSON object" },
  ],
  notes:
    "A running loop goes by the new checks and prompt from its next iteration on; hooks, agents\n" +
    "and limits take effect with the next session. Allowed without a question: what you give as\n" +
    'a flag, your own config.toml, and repositories below a folder of trust = ["~/code"] there.',
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const { env, cwd, stdout } = context;
    if (!line.has("show") && isInsideSession(env)) {
      throw new UsageError(
        "Cannot allow commands from within a session: that is for a person to do",
        "ralph trust --show",
      );
    }
    const [given] = line.operands;
    const named = given === undefined ? undefined : await resolveTask(given, { cwd });
    const root = named?.root ?? await findGitRoot(cwd);
    const trust = await openTrust(root, env);
    if (line.has("forget")) return await forget(trust, { root, json: line.has("json") }, context);
    const tasks = named === undefined ? await readableTasks(root, context) : [named];
    const reports: TaskReport[] = [];
    for (const task of tasks) reports.push(await report(task, trust, line.has("show")));
    const lines = line.has("json")
      ? [JSON.stringify({ repository: root, tasks: reports.map(toJson) })]
      : reports.length === 0
      ? [`${root} has no tasks, so nothing of it runs`]
      : reports.flatMap((each) => toLines(each, line.has("show")));
    stdout.write(lines.map((each) => `${each}\n`).join(""));
    return 0;
  },
};

/** What a task runs, and what has changed since that was last allowed. */
interface TaskReport {
  task: Task;
  now: TrustedContent;
  first: boolean;
  change: ReturnType<typeof difference>;
  allowed: boolean;
}

async function report(task: Task, trust: WorkTreeTrust, showOnly: boolean): Promise<TaskReport> {
  // A prd.json that cannot be read is reported here: nothing of it could be shown.
  await readPrd(task.prdFile);
  const name = taskPath(task);
  const now = await readContent(task, trust);
  const record = await trust.store.read();
  const change = difference(acceptedContent(record, { task: name, prdFile: now.prdFile }), now);
  const first = record.tasks[name] === undefined;
  if (!showOnly) await trust.store.update((newest) => accept(newest, name, now));
  return { task, now, first, change, allowed: !showOnly || (!first && !differs(change)) };
}

function toJson({ task, now, change, allowed }: TaskReport): Record<string, unknown> {
  const list = executables(now);
  return { task: task.name, allowed, hash: hashExecutables(list), executables: list, change };
}

function toLines({ task, now, first, change, allowed }: TaskReport, showOnly: boolean): string[] {
  const list = executables(now);
  const name = sanitizeText(task.name);
  const state = allowed ? (showOnly ? "allowed" : "allowed from now on") : "not allowed yet";
  const heading = list.length === 0
    ? `${name}: the repository brings no commands (${state})`
    : `${name}: the repository runs (${state})`;
  const changes = first || !differs(change)
    ? []
    : ["  changed since it was last allowed:", ...changeLines(change).map((each) => `    ${each}`)];
  return [heading, ...executableLines(list).map((each) => `  ${each}`), ...changes];
}

async function readableTasks(root: string, { stderr }: CommandContext): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const { name, hasPrd } of await listTasks(root)) {
    if (!hasPrd) continue;
    const task = await resolveTask(name, { cwd: root });
    try {
      await readPrd(task.prdFile);
      tasks.push(task);
    } catch (error) {
      if (!(error instanceof PrdError)) throw error;
      stderr.write(`warning: ${sanitizeText(error.message)}\n`);
    }
  }
  return tasks;
}

async function forget(
  { store }: WorkTreeTrust,
  { root, json }: { root: string; json: boolean },
  { stdout }: CommandContext,
): Promise<number> {
  const { repository, identity } = await store.read();
  await store.update(({ sessions }) => ({
    version: 1,
    repository,
    identity,
    tasks: {},
    hashes: [],
    sessions,
  }));
  stdout.write(
    json
      ? `${JSON.stringify({ repository: root, forgotten: true })}\n`
      : `Nothing of ${root} is allowed any more\n`,
  );
  return 0;
}

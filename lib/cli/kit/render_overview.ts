import { existsSync } from "node:fs";
import { shellWord } from "../../base/shell_word.ts";
import { findGitRoot } from "../../git/find_git_root.ts";
import { sessionPaths } from "../../session/model/session_paths.ts";
import { listTasks } from "../../task/list_tasks.ts";
import { sanitizeText } from "../../ui/text/sanitize_text.ts";
import type { CommandContext } from "./command.ts";

/** Longer lists are cut, so that all of it stays on one screen. */
const MOST_ROWS = 10;

const INTRODUCTION = [
  "ralph runs a coding agent over the user stories of a task until every story passes.",
  "Each iteration is a fresh agent; git, prd.json and progress.txt are what they remember.",
  "A story is done when your checks hold, whatever the agent says.",
];

type Row = [what: string, command: string];

/**
 * Renders what `ralph` alone prints: the tasks here and what is running anywhere, each with the
 * command to type. Outside of a repository, or with a registry that cannot be read, that part is
 * left out: this never fails.
 */
export async function renderOverview(context: CommandContext): Promise<string> {
  const running = await runningRows(context).catch((): Row[] => []);
  const tasks = await taskRows(context).catch((): Row[] | undefined => undefined);
  const rows = [...running, ...tasks ?? []];
  const width = Math.max(0, ...rows.map(([what]) => what.length));
  const section = (title: string, rows: readonly Row[], all: string): string[] => {
    if (rows.length === 0) return [];
    const more = rows.length - MOST_ROWS;
    return [
      "",
      title,
      ...rows.slice(0, MOST_ROWS).map(([what, command]) => `  ${what.padEnd(width)}  ${command}`),
      ...more > 0 ? [`  and ${more} more: ${all}`] : [],
    ];
  };
  const lines = [
    ...INTRODUCTION,
    ...section("Running:", running, "ralph status"),
    ...section("Tasks here:", tasks ?? [], "ralph tasks"),
    ...tasks?.length === 0 ? ["", "No tasks here yet: ralph init my-feature"] : [],
    ...tasks === undefined ? ["", "Not in a git repository. See ralph work: ralph demo"] : [],
    "",
    "Every command: ralph --help",
  ];
  return lines.map((line) => `${line}\n`).join("");
}

async function taskRows({ cwd }: CommandContext): Promise<Row[]> {
  const tasks = await listTasks(await findGitRoot(cwd));
  return tasks.map(({ name, hasPrd }) => [
    sanitizeText(name),
    `ralph ${hasPrd ? "run" : "convert"} ${shellWord(sanitizeText(name))}`,
  ]);
}

/** Only looks: a session whose worker is dead is left to the commands that recover it. */
async function runningRows({ env }: CommandContext): Promise<Row[]> {
  const { database } = sessionPaths(env);
  if (!existsSync(database)) return [];
  const { openRegistry } = await import("../../session/registry/open_registry.ts");
  const { isAlive } = await import("../../base/process_identity.ts");
  using registry = openRegistry({ path: database });
  const sessions = registry.runningSessions()
    .filter(({ worker }) => worker === null || isAlive(worker));
  return sessions.map(({ id, task, stories }) => {
    const done = stories === null ? "" : `, ${stories.done} of ${stories.total} stories`;
    const isOnly = sessions.filter((session) => session.task === task).length === 1;
    const which = isOnly ? shellWord(sanitizeText(task)) : `--session ${id}`;
    return [`${sanitizeText(task)}${done}`, `ralph attach ${which}`];
  });
}

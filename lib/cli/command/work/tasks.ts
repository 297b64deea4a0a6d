import { relative } from "node:path";
import { findGitRoot } from "../../../git/find_git_root.ts";
import { shellWord } from "../../../base/shell_word.ts";
import { listTasks, type TaskListing } from "../../../task/list_tasks.ts";
import { PrdError } from "../../../task/prd/prd.ts";
import { readPrd } from "../../../task/prd/read_prd.ts";
import { renderTable } from "../../../ui/text/table.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { jsonLine } from "../../kit/json_line.ts";

interface TaskRow {
  name: string;
  dir: string;
  done: number | null;
  total: number | null;
  branch: string | null;
  /** The reason why the task cannot be run; `null` if it can. */
  problem: string | null;
}

/** `ralph tasks`: lists the tasks of the repository. */
export const command: Command = {
  usage: "[options]",
  description: "Lists the tasks in tasks/ of this repository, with how many of their stories pass.",
  operands: 0,
  examples: [["ralph tasks", "as a table"], ["ralph tasks --json", "for scripts"]],
  options: [{ name: "json", help: "one JSON object" }],
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const { stdout, cwd } = context;
    const root = await findGitRoot(cwd);
    const rows = await Promise.all((await listTasks(root)).map((task) => describe(task, root)));
    if (line.has("json")) {
      stdout.write(jsonLine({ root, tasks: rows }));
    } else if (rows.length === 0) {
      stdout.write(`No tasks in ${root}. Create one: ralph init my-feature\n`);
    } else {
      const cells = rows.map((row) => [
        row.name,
        row.total === null ? "—" : `${row.done}/${row.total}`,
        row.branch ?? "—",
        row.problem ?? (row.done === row.total ? "done" : "open"),
      ]);
      const table = renderTable(cells, {
        columns: [
          { header: "task" },
          { header: "stories", align: "right" },
          { header: "branch" },
          { header: "state" },
        ],
        width: stdout.columns,
      });
      stdout.write(table.map((each) => `${each}\n`).join(""));
    }
    return 0;
  },
};

async function describe(task: TaskListing, root: string): Promise<TaskRow> {
  const row: TaskRow = {
    name: task.name,
    dir: relative(root, task.dir),
    done: null,
    total: null,
    branch: null,
    problem: null,
  };
  if (!task.hasPrd) {
    return { ...row, problem: `not converted: ralph convert ${shellWord(task.name)}` };
  }
  try {
    const prd = await readPrd(`${task.dir}/prd.json`, { within: root });
    const done = prd.stories.filter((story) => story.passes).length;
    const problem = prd.stories.length === 0 ? "no stories" : null;
    return { ...row, done, total: prd.stories.length, branch: prd.branchName, problem };
  } catch (error) {
    if (!(error instanceof PrdError)) throw error;
    return { ...row, problem: `broken: ralph check ${shellWord(task.name)}` };
  }
}

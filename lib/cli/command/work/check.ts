import { stat } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { shellWord } from "../../../base/shell_word.ts";
import { inspectPrd } from "../../../task/prd/parse_prd.ts";
import type { Task } from "../../../task/task.ts";
import { readTextFile } from "../../../base/read_text_file.ts";
import { checkPrd, type PrdFinding } from "../../../task/prd/check_prd.ts";
import { restorePrd } from "../../../task/prd/edit_prd.ts";
import { sessionPaths } from "../../../session/model/session_paths.ts";
import { formatCount } from "../../../ui/text/numbers.ts";
import { chooseTask } from "../../sessions/choose_task.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { goodCopyFile } from "../../run/run_options.ts";
import { UsageError } from "../../kit/usage.ts";
import { jsonLine } from "../../kit/json_line.ts";

/** `ralph check`: reports errors and oddities in a prd.json. */
export const command: Command = {
  usage: "[TASK|FILE.json] [options]",
  description:
    "Finds errors and oddities in a prd.json: broken syntax, duplicate and unknown ids,\n" +
    "circular dependencies, stories without criteria, pending decisions.",
  operands: 1,
  examples: [
    ["ralph check my-feature", "tasks/my-feature/prd.json"],
    ["ralph check some/prd.json", "any file"],
    ["ralph check my-feature --restore", "restore the last good copy"],
  ],
  options: [
    { name: "restore", help: "replace a broken prd.json with the last good copy of a run" },
    { name: "json", help: "one JSON object" },
  ],
  notes: "Exit codes: 0 no errors (there may be warnings); 1 errors; 2 usage.",
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const { stdout, cwd } = context;
    const [given] = line.operands;
    if (line.has("restore")) return await restore(given, line.has("json"), context);
    const task = given?.endsWith(".json")
      ? undefined
      : await chooseTask(given, context, { command: "ralph check" });
    const file = task?.prdFile ?? resolve(cwd, given ?? "");
    const text = await readTextFile(file, { within: task?.root }).catch(
      (error: Error & { code?: string }) => {
        if (error.code !== "ENOENT") throw error;
        throw new UsageError(`Cannot check ${file}: there is no such file`);
      },
    );
    const path = relative(cwd, file);
    const name = path.startsWith("..") ? file : path;
    const findings = checkPrd(text, { file: name });
    const errors = findings.filter((finding) => finding.level === "error").length;
    if (line.has("json")) {
      stdout.write(jsonLine({ file, ok: errors === 0, findings }));
    } else {
      const lines = findings.flatMap((finding) => describe(finding, name));
      const warnings = formatCount(findings.length - errors, "warning");
      lines.push(
        findings.length === 0
          ? `${name}: nothing is wrong`
          : `${name}: ${formatCount(errors, "error")}, ${warnings}`,
      );
      if (task !== undefined && await canRestore(task, text, context)) {
        lines.push(`a good copy is kept: ralph check ${shellWord(task.name)} --restore`);
      }
      stdout.write(lines.map((each) => `${each}\n`).join(""));
    }
    return errors === 0 ? 0 : 1;
  },
};

function describe({ level, line, message, hint }: PrdFinding, name: string): string[] {
  const place = line === undefined ? name : `${name}:${line}`;
  const first = `${place}: ${level}: ${message}`;
  return hint === undefined ? [first] : [first, `  hint: ${hint}`];
}

/** Whether the stories are gone, all of them, and the last run has kept a copy. */
async function canRestore(task: Task, text: string, context: CommandContext): Promise<boolean> {
  const { prd } = inspectPrd(text);
  if (prd !== undefined && prd.stories.length > 0) return false;
  const copy = goodCopyFile(task, sessionPaths(context.env).stateDir);
  return await stat(copy).then((found) => found.isFile(), () => false);
}

async function restore(
  given: string | undefined,
  json: boolean,
  context: CommandContext,
): Promise<number> {
  const task = await chooseTask(given, context, { command: "ralph check" });
  const copy = goodCopyFile(task, sessionPaths(context.env).stateDir);
  const { broken } = await restorePrd(task.prdFile, copy, { within: task.root });
  const kept = broken === null ? "" : `; what was there is in ${broken}`;
  context.stdout.write(
    json
      ? jsonLine({ file: task.prdFile, restored: true, kept: broken })
      : `${task.prdFile}: restored${kept}\n`,
  );
  return 0;
}

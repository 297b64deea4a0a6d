import { basename, dirname, join, relative, resolve } from "node:path";
import { type ConvertedPrd, convertPrd } from "../../../task/markdown/convert_prd.ts";
import { findGitRoot } from "../../../git/find_git_root.ts";
import { parsePrd } from "../../../task/prd/parse_prd.ts";
import { parseTaskName } from "../../../task/task_name.ts";
import { shellWord } from "../../../base/shell_word.ts";
import { readTextFile } from "../../../base/read_text_file.ts";
import { writeAtomic } from "../../../base/write_atomic.ts";
import { formatCount } from "../../../ui/text/numbers.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { acceptConverted } from "../../trust/accept_converted.ts";
import { UsageError } from "../../kit/usage.ts";
import { escapeJson, jsonLine } from "../../kit/json_line.ts";

/** `ralph convert`: creates prd.json from prd.md. */
export const command: Command = {
  usage: "TASK|FILE.md [options]",
  description:
    "Creates prd.json (schema 2.5) from a PRD in markdown, without any agent. Converting\n" +
    "again keeps what was done: passes, notes, agent and model of stories that still exist.\n" +
    "A FILE.md from elsewhere becomes a task of its name: it is copied to tasks/NAME/prd.md.",
  operands: 1,
  examples: [
    ["ralph convert my-feature", "tasks/my-feature/prd.md to prd.json"],
    ["ralph convert ~/login.prd.md", "create the task login from a file"],
    ["ralph convert my-feature --output -", "only print it"],
  ],
  options: [
    {
      name: "output",
      short: "o",
      value: "FILE",
      help: "write only this file; - prints it",
    },
    { name: "json", help: "report the changes as one JSON object" },
  ],
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const [given] = line.operands;
    if (given === undefined) {
      throw new UsageError("No task or file to convert", "ralph convert my-feature");
    }
    const { stdout, stderr, cwd } = context;
    const output = line.value("output");
    const source = await findSource(given, cwd, output);
    const markdown = await readText(source.markdown);
    const target = output === undefined ? source.target : resolve(cwd, output);
    if (source.copy !== undefined) await checkCopy(source.copy, markdown, source.name);
    const previous = output === "-" ? undefined : await readIfThere(target);
    const file = shown(source.markdown, cwd);
    const result = convertPrd(markdown, {
      task: source.name,
      taskDir: source.taskDir,
      file,
      previous,
    });
    for (const { line, message } of result.warnings) {
      stderr.write(`warning: ${file}:${line}: ${message}\n`);
    }
    if (output === "-") {
      stdout.write(escapeJson(result.text));
      return 0;
    }
    if (source.copy !== undefined) await writeAtomic(source.copy, markdown, { makeDirs: true });
    const unchanged = result.text === previous;
    if (!unchanged) await writeAtomic(target, result.text, { makeDirs: true });
    if (output === undefined) {
      const root = await findGitRoot(dirname(target));
      const { taskDir: task } = source;
      const before = previous === undefined ? undefined : parsePrd(previous, { file });
      await acceptConverted({ root, task, previous: before, prd: result.prd }, context.env);
    }
    if (line.has("json")) {
      const { changes, warnings } = result;
      const report = { file: target, task: source.name, unchanged, ...changes, warnings };
      stdout.write(jsonLine(report));
    } else {
      const lines = describe(result, { file: shown(target, cwd), unchanged });
      if (output === undefined) lines.push(`next: ralph run ${shellWord(source.name)}`);
      stdout.write(lines.map((each) => `${each}\n`).join(""));
    }
    return 0;
  },
};

interface Source {
  /** The name of the task. */
  name: string;
  /** Its folder, from the git root. */
  taskDir: string;
  /** The markdown to read. */
  markdown: string;
  /** The prd.json to write. */
  target: string;
  /** Where the markdown is copied to, if it comes from outside the task's folder. */
  copy?: string | undefined;
}

async function findSource(
  given: string,
  cwd: string,
  output: string | undefined,
): Promise<Source> {
  if (!given.endsWith(".md")) {
    const reference = parseTaskName(given);
    const root = await findGitRoot(cwd);
    const dir = reference.kind === "name"
      ? join(root, "tasks", reference.name)
      : resolve(cwd, reference.path);
    return inFolder(dir, root);
  }
  const markdown = resolve(cwd, given);
  if (basename(markdown) === "prd.md") {
    const dir = dirname(markdown);
    return inFolder(dir, output === undefined ? await findGitRoot(dir) : dir);
  }
  const name = basename(markdown).replace(/(\.prd)?\.md$/, "");
  const reference = parseTaskName(name);
  if (reference.kind !== "name") throw new UsageError(`No task name in "${given}"`);
  const taskDir = `tasks/${name}`;
  if (output !== undefined) return { name, taskDir, markdown, target: resolve(cwd, output) };
  const dir = join(await findGitRoot(cwd), "tasks", name);
  return { name, taskDir, markdown, target: join(dir, "prd.json"), copy: join(dir, "prd.md") };
}

function inFolder(dir: string, root: string): Source {
  return {
    name: basename(dir),
    taskDir: relative(root, dir).replaceAll("\\", "/") || ".",
    markdown: join(dir, "prd.md"),
    target: join(dir, "prd.json"),
  };
}

/** A prd.md that was edited is not overwritten by the file that it was once copied from. */
async function checkCopy(copy: string, markdown: string, name: string): Promise<void> {
  const there = await readIfThere(copy);
  if (there === undefined || there === markdown) return;
  throw new UsageError(
    `Cannot copy the markdown to ${copy}: a different one already exists`,
    `ralph convert ${shellWord(name)} converts the existing one`,
  );
}

async function readText(file: string): Promise<string> {
  const text = await readIfThere(file);
  if (text !== undefined) return text;
  throw new UsageError(`Cannot convert ${file}: there is no such file`);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readTextFile(file);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

function describe(
  { prd, changes }: ConvertedPrd,
  { file, unchanged }: { file: string; unchanged: boolean },
): string[] {
  const criteria = prd.stories.reduce((sum, story) => sum + story.criteria.length, 0);
  const counts = `${formatCount(prd.stories.length, "story", { plural: "stories" })}, ` +
    formatCount(criteria, "criterion", { plural: "criteria" });
  const lines = [`${file}: ${counts}${unchanged ? ", unchanged" : ""}`];
  for (const kind of ["added", "changed", "removed"] as const) {
    const list = changes[kind].map((each) =>
      typeof each === "string" ? each : describeChange(each)
    );
    if (list.length > 0) lines.push(`  ${kind.padEnd(8)} ${list.join(", ")}`);
  }
  return lines;
}

function describeChange({ id, fields }: { id: string; fields: string[] }): string {
  return `${id} (${fields.join(", ")})`;
}

function shown(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path.startsWith("..") ? file : path;
}

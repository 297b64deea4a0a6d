import { isAbsolute, join, relative } from "node:path";
import type { Prd, Story } from "../prd/prd.ts";
import { findPromptTemplate, renderTemplate } from "./prompt_template.ts";
import type { Task } from "../task.ts";
import { isNotFound } from "../../base/error_code.ts";
import { openRegularFile, readStart } from "../../base/read_text_file.ts";
import { reasonOf } from "../prd/read_prd.ts";

/** Options for {@linkcode buildPrompt}. */
export interface BuildPromptOptions {
  /** The task. */
  task: Task;
  /** Its PRD. */
  prd: Prd;
  /** The story to work on. */
  story: Story;
  /** The name of the agent. */
  agent: string;
  /** The branch that is checked out. @default {none: a detached HEAD} */
  branch?: string | undefined;
  /** The user's config folder, which may hold a `prompt.md`. @default {none} */
  configDir?: string | undefined;
  /** The template. @default {what `findPromptTemplate` finds} */
  template?: string | undefined;
  /** Messages from the user to the agent. @default {[]} */
  extra?: readonly string[] | undefined;
  /** Why the story was reopened, or what else the agent must know first. @default {[]} */
  reasons?: readonly string[] | undefined;
}

/**
 * Builds the prompt of one iteration: where things are, the notes of the PRD, the `AGENTS.md` of
 * the project and of the task, the user's messages, the story, and the template. The story replaces
 * `{STORY}` in the template, or comes before the template if it has no such placeholder. Paths are
 * relative to the root of the repository where they can be.
 *
 * @example Usage
 * ```ts ignore
 * import { buildPrompt, readPrd, resolveTask } from "@ralph/cli";
 *
 * const task = await resolveTask("my-feature");
 * const prd = await readPrd(task.prdFile);
 * const [story] = prd.stories;
 * if (story) console.log(await buildPrompt({ task, prd, story, agent: "claude" }));
 * ```
 *
 * @param options The task, the story and the other parts of the prompt.
 * @throws {Error} If a file that goes into it exists and cannot be read.
 */
export async function buildPrompt(options: BuildPromptOptions): Promise<string> {
  const { task, prd, story, agent, branch, configDir, extra = [], reasons = [] } = options;
  const [template, projectText, taskText] = await Promise.all([
    options.template ??
      findPromptTemplate({ task, configDir })
        .then((found) => found.text),
    readInstructions(task.root, task.root),
    task.dir === task.root ? "" : readInstructions(task.dir, task.root),
  ]);
  const paths = {
    task: pathFrom(task.root, task.dir),
    prd: pathFrom(task.root, task.prdFile),
    progress: pathFrom(task.root, task.progressFile),
  };
  const text = storyText(story);
  // Checked after the blocks of other agents are removed.
  const hasStory = renderTemplate(template, { agent, values: {} }).includes("{STORY}");
  const values = {
    TASK_DIR: paths.task,
    PRD_FILE: paths.prd,
    PROGRESS_FILE: paths.progress,
    BRANCH_NAME: branch ?? prd.branchName ?? "HEAD",
    AGENT: agent,
    STORY_ID: story.id,
    STORY_TITLE: oneLine(story.title),
    STORY: text,
  };
  const front = [
    [
      `# Task ${task.name}`,
      "",
      `- Root of the repository, where you are: ${task.root}`,
      `- Task folder: ${paths.task}`,
      `- PRD: ${paths.prd}, with this story at \`${jsonPath(story.path)}\``,
      `- Progress log: ${paths.progress}`,
      `- Branch: ${branch ?? "none (detached HEAD)"}`,
      `- Agent: ${agent}`,
    ].join("\n"),
    section("Notes on the whole task", prd.notes),
    fileSection("Instructions of the project", "AGENTS.md", projectText),
    fileSection("Instructions of the task", pathFrom(task.root, `${task.dir}/AGENTS.md`), taskText),
    section("From the user", extra.map((each) => each.trim()).join("\n\n")),
    section("Deal with this first", reasons.map(bullet).join("\n")),
    hasStory ? "" : section("Your story", text),
    renderTemplate(template, { agent, values }).trim(),
  ];
  return front.filter((part) => part !== "").join("\n\n") + "\n";
}

/** A path from the root, with slashes; the path itself where it is outside. */
function pathFrom(root: string, path: string): string {
  const from = relative(root, path).replaceAll("\\", "/");
  return from.startsWith("../") || isAbsolute(from) ? path : from || ".";
}

function section(title: string, text: string): string {
  return text.trim() === "" ? "" : `## ${title}\n\n${text.trim()}`;
}

/** Tags keep the headings of a file apart from those of the prompt. */
function fileSection(title: string, path: string, text: string): string {
  return text === "" ? "" : section(title, `<file path="${path}">\n${text}\n</file>`);
}

function bullet(text: string): string {
  return `- ${text.trim().replaceAll("\n", "\n  ")}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function jsonPath(path: readonly (string | number)[]): string {
  return path.map((key) => typeof key === "number" ? `[${key}]` : `.${key}`).join("")
    .replace(/^\./, "");
}

/**
 * Formats a story for an agent: id and title, description, criteria and notes.
 *
 * @example Usage
 * ```ts
 * import { type Story } from "@ralph/cli";
 * import { storyText } from "./build_prompt.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const story: Story = {
 *   id: "US-001",
 *   title: "Add a button",
 *   description: "",
 *   criteria: [{ description: "It is green", passes: false }],
 *   priority: 1,
 *   passes: false,
 *   notes: "",
 *   dependsOn: [],
 *   blocks: [],
 *   path: ["userStories", 0],
 * };
 * assertEquals(storyText(story).split("\n").at(-1), "- [ ] It is green");
 * ```
 *
 * @returns Markdown, without a final line end.
 */
export function storyText(story: Story): string {
  const { id, title, description, criteria, notes } = story;
  const parts = [title === "" || title === id ? `**${id}**` : `**${id}: ${title}**`];
  if (description.trim() !== "" && description !== title) parts.push(description.trim());
  if (criteria.length > 0) {
    const lines = criteria.map((each) => {
      // Indented, so that further lines stay part of their bullet.
      const text = each.description.trim().replaceAll("\n", "\n  ");
      return `- [${each.passes ? "x" : " "}] ${text}`;
    });
    parts.push(["Acceptance criteria:", "", ...lines].join("\n"));
  }
  if (notes.trim() !== "") parts.push(`Notes on this story:\n\n${notes.trim()}`);
  return parts.join("\n\n");
}

/** Maximum bytes of an AGENTS.md in a prompt. */
const MOST_INSTRUCTION_BYTES: number = 64 * 1024;

/**
 * Reads the `AGENTS.md` of a folder. A file over 64 KiB is cut at the end of a line, with a note
 * that says so.
 *
 * @param root The repository: a link that leads out of it is refused.
 * @returns Its text; empty if there is none.
 * @throws {Error} If a file exists but cannot be read.
 */
async function readInstructions(dir: string, root: string): Promise<string> {
  const file = join(dir, "AGENTS.md");
  try {
    await using handle = await openRegularFile(file, { within: root });
    const { size } = await handle.stat();
    const bytes = await readStart(handle, Math.min(size, MOST_INSTRUCTION_BYTES));
    if (size <= MOST_INSTRUCTION_BYTES) return bytes.toString().trim();
    const newline = bytes.lastIndexOf(10);
    const kept = newline > 0 ? bytes.subarray(0, newline) : bytes;
    const kib = (count: number) => `${Math.ceil(count / 1024)} KiB`;
    const note = `[Cut after ${kib(kept.length)} of ${kib(size)}: read the rest in the file]`;
    // Removes a character that was cut in half, if there was no line end to cut at.
    return `${kept.toString().replace(/\uFFFD+$/, "").trim()}\n\n${note}`;
  } catch (cause) {
    if (isNotFound(cause)) return "";
    throw new Error(`Cannot read "${file}": ${reasonOf(cause)}`, { cause });
  }
}

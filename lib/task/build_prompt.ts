import { isAbsolute, relative } from "node:path";
import type { Prd, Story } from "./prd.ts";
import { findPromptTemplate } from "./prompt_template.ts";
import { readInstructions } from "./read_instructions.ts";
import { renderTemplate } from "./render_template.ts";
import { storyText } from "./story_text.ts";
import type { Task } from "./task.ts";

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
  branch?: string;
  /** The user's config folder, which may hold a `prompt.md`. @default {none} */
  configDir?: string;
  /** The template. @default {what `findPromptTemplate` finds} */
  template?: string;
  /** What a person wants to say to the agent. @default {[]} */
  extra?: readonly string[];
  /** Why the story is open again, or what else the agent must know first. @default {[]} */
  reasons?: readonly string[];
}

/**
 * Builds the prompt of one iteration: where things are, the notes of the PRD, the
 * `AGENTS.md` of the project and of the task, what else is to be said, the story,
 * and the template. The story stands where the template has `{STORY}`, else in
 * front of it. Paths are relative to the root of the repository where they can be.
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
 * @param options The task, the story and what else goes into it.
 * @returns The prompt.
 * @throws {Error} If a file that goes into it is there and cannot be read.
 */
export async function buildPrompt(options: BuildPromptOptions): Promise<string> {
  const { task, prd, story, agent, branch, configDir, extra = [], reasons = [] } = options;
  const [template, projectText, taskText] = await Promise.all([
    options.template ??
      findPromptTemplate({ task, ...(configDir !== undefined && { configDir }) })
        .then((found) => found.text),
    readInstructions(task.root),
    task.dir === task.root ? "" : readInstructions(task.dir),
  ]);
  const paths = {
    task: pathFrom(task.root, task.dir),
    prd: pathFrom(task.root, task.prdFile),
    progress: pathFrom(task.root, task.progressFile),
  };
  const text = storyText(story);
  // Looked for after the blocks of other agents are gone.
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

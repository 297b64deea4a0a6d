import { join } from "node:path";
import { isNotFound } from "../../base/error_code.ts";
import { readTextFile } from "../../base/read_text_file.ts";
import { reasonOf } from "../prd/read_prd.ts";
import type { Task } from "../task.ts";

/** The template of a prompt. */
export interface PromptTemplate {
  /** Its text. */
  text: string;
  /** The absolute path of its file, or `built-in`. */
  source: string;
}

/** Options for {@linkcode findPromptTemplate}. */
export interface FindPromptTemplateOptions {
  /** The task. @default {none: the project's own templates do not count} */
  task?: Task | undefined;
  /** The user's config folder. @default {none: the user has no template} */
  configDir?: string | undefined;
}

/**
 * Finds the template of a task's prompts. Precedence: `prompt.md` in the task's folder,
 * `ralph/prompt.md` at the root of the repository, `prompt.md` in the user's config folder, the
 * built-in template. Empty files do not count.
 *
 * @example Usage
 * ```ts
 * import { type Task } from "@ralph/cli";
 * import { findPromptTemplate } from "./prompt_template.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const dir = "/tmp/no-such-repository/tasks/x";
 * const task: Task = {
 *   name: "x",
 *   dir,
 *   root: "/tmp/no-such-repository",
 *   prdFile: `${dir}/prd.json`,
 *   progressFile: `${dir}/progress.txt`,
 * };
 * assertEquals((await findPromptTemplate({ task })).source, "built-in");
 * ```
 *
 * @param options The task, and where the user's config is.
 * @returns The template and where it comes from.
 * @throws {Error} If a file exists but cannot be read.
 */
export async function findPromptTemplate(
  options: FindPromptTemplateOptions,
): Promise<PromptTemplate> {
  const { task, configDir } = options;
  return (task && await readProjectTemplate(task)) ??
    (configDir === undefined
      ? undefined
      : await firstTemplate([{ source: join(configDir, "prompt.md") }])) ??
    { text: BUILT_IN_PROMPT, source: "built-in" };
}

/**
 * Reads the template that a task or its project brings.
 *
 * @returns The template; `undefined` if there is none.
 * @throws {Error} If a file exists but cannot be read, or is a link that leads out of the project.
 */
export function readProjectTemplate(
  { dir, root }: Pick<Task, "dir" | "root">,
): Promise<PromptTemplate | undefined> {
  return firstTemplate([
    { source: join(dir, "prompt.md"), within: root },
    { source: join(root, "ralph", "prompt.md"), within: root },
  ]);
}

/** A place for a template; `within` is the folder that a link must not lead out of. */
interface TemplatePlace {
  source: string;
  within?: string | undefined;
}

async function firstTemplate(
  places: readonly TemplatePlace[],
): Promise<PromptTemplate | undefined> {
  const texts = await Promise.all(places.map(readTemplate));
  const index = texts.findIndex((text) => text.trim() !== "");
  const [text, place] = [texts[index], places[index]];
  return text === undefined || place === undefined ? undefined : { text, source: place.source };
}

async function readTemplate({ source, within }: TemplatePlace): Promise<string> {
  try {
    return await readTextFile(source, { within });
  } catch (cause) {
    if (isNotFound(cause)) return "";
    throw new Error(`Cannot read the prompt template "${source}": ${reasonOf(cause)}`, { cause });
  }
}

/** Options for {@linkcode renderTemplate}. */
export interface RenderTemplateOptions {
  /** The agent whose blocks are kept. */
  agent: string;
  /** The replacement of each `{NAME}`. */
  values: Readonly<Record<string, string>>;
}

const BLOCK =
  /([ \t]*)<!--[ \t]*agent:([^\s>]+)[ \t]*-->([ \t]*\r?\n)?([\s\S]*?)<!--[ \t]*\/agent:\2[ \t]*-->([ \t]*\r?\n)?/g;

/**
 * Fills in the template of a prompt. Blocks `<!-- agent:NAME --> ... <!-- /agent:NAME -->` are kept
 * for the agent of that name, and with the name `*` for all; then each `{NAME}` that has a value is
 * replaced. Unknown placeholders stay. Values are inserted as they are: placeholders and blocks in
 * a value are not expanded.
 *
 * @example Usage
 * ```ts
 * import { renderTemplate } from "./prompt_template.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const template = "{STORY_ID} by {AGENT}<!-- agent:claude --> on {BRANCH_NAME}<!-- /agent:claude -->";
 * const values = { STORY_ID: "US-001", AGENT: "demo" };
 * assertEquals(renderTemplate(template, { agent: "demo", values }), "US-001 by demo");
 * ```
 *
 * @param template The text of the template.
 * @param options The agent and the values.
 */
export function renderTemplate(template: string, options: RenderTemplateOptions): string {
  const { agent, values } = options;
  return keepBlocks(template, agent).replace(
    /\{([A-Z][A-Z0-9_]*)\}/g,
    (placeholder, name: string) => Object.hasOwn(values, name) ? values[name] ?? "" : placeholder,
  );
}

function keepBlocks(text: string, agent: string): string {
  return text.replace(BLOCK, (...match) => {
    const [, indent, name, lineEnd = "", body, lastLineEnd = "", offset] = match as Block;
    const kept = name === agent || name === "*" ? keepBlocks(body, agent) : "";
    // A marker alone on its line is removed with the line; one within a line is removed alone.
    const opensLine = lineEnd !== "" && (offset === 0 || text[offset - 1] === "\n");
    const closesLine = /(^|\n)[ \t]*$/.test(body);
    if (opensLine && closesLine) return kept.replace(/[ \t]*$/, "");
    return indent + lineEnd + kept + lastLineEnd;
  });
}

/** A match of {@linkcode BLOCK}, as the callback of `replace` gets it. */
type Block = [
  match: string,
  indent: string,
  name: string,
  lineEnd: string | undefined,
  body: string,
  lastLineEnd: string | undefined,
  offset: number,
];

/**
 * The prompt template for tasks that have none. See {@linkcode renderTemplate} for its
 * placeholders.
 */
export const BUILT_IN_PROMPT = `# How to work

You are one run in a loop. Your context is new: git, {PRD_FILE} and {PROGRESS_FILE} are all that is
remembered from earlier runs, and all that later runs will know of yours. Nobody can answer questions.

Work on one story only. It is chosen already:

{STORY}

## Steps

1. Read {PROGRESS_FILE}, "Codebase Patterns" first, and look at \`git log\` and \`git status\`. If an
   earlier run has left work on this story unfinished, go on from there.
2. Check that you are on branch \`{BRANCH_NAME}\`. If not, check it out before you change anything.
3. Implement the story, completely and no more than it. Follow the conventions of the code around it.
4. Run what this project uses to check itself: types, linter, tests, build. Mend what you broke. Prove
   each acceptance criterion by running something, not by reading code.
5. In {PRD_FILE}, set \`passes\` to true for each criterion that holds (a criterion that is a plain
   string has nothing to set: leave it). When all hold and the checks succeed, mark the story as done:
   \`"passes": true\`, or \`"status": "done"\` if its stories have a status and no \`passes\`. Edit only
   this story, and change nothing else about the file.
6. Append to {PROGRESS_FILE}, and leave its other entries as they are:

       ## YYYY-MM-DD HH:MM - {STORY_ID}
       - What was implemented
       - Files changed
       - **Learnings for future iterations:**
         - What a later run should know: patterns, pitfalls, where things are
       ---

   What is true of the whole code base belongs in the section \`## Codebase Patterns\` of that file (make
   it below the header if there is none): one bullet each, general, no repetition, wrong ones corrected.
7. Commit everything, {PRD_FILE} and {PROGRESS_FILE} included (unless git ignores them):
   \`feat: {STORY_ID} - {STORY_TITLE}\`

## Rules

- Never mark what does not hold. The marks are checked; a story that is open is no failure.
- If you cannot finish, leave the story open, append what you found and what is missing, and commit
  what works.
- Never skip, weaken or delete a check or a test to get it to succeed.
- Do not begin another story, push, switch branches or rewrite history.
- When every story of {PRD_FILE} is done, and only then, end your answer with:
  <promise>COMPLETE</promise>
`;

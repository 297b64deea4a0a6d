import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BUILT_IN_PROMPT } from "./built_in_prompt.ts";
import { isNotFound } from "../base/error_code.ts";
import type { Task } from "./task.ts";

/** The template of a prompt. */
export interface PromptTemplate {
  /** Its text. */
  text: string;
  /** The absolute path of its file, or `built-in`. */
  source: string;
}

/** Options for {@linkcode findPromptTemplate}. */
export interface FindPromptTemplateOptions {
  /** The task. */
  task: Task;
  /** The user's config folder. @default {none: the user's own template is not looked for} */
  configDir?: string;
}

/**
 * Finds the template of a task's prompts: `prompt.md` in the task's folder, else
 * `ralph/prompt.md` at the root of the repository, else `prompt.md` in the user's
 * config folder, else the built-in one. A file without text does not count.
 *
 * @example Usage
 * ```ts
 * import { findPromptTemplate, type Task } from "@ralph/cli";
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
 * @throws {Error} If there is one that cannot be read.
 */
export async function findPromptTemplate(
  options: FindPromptTemplateOptions,
): Promise<PromptTemplate> {
  const { task, configDir } = options;
  const files = [
    join(task.dir, "prompt.md"),
    join(task.root, "ralph", "prompt.md"),
    ...(configDir === undefined ? [] : [join(configDir, "prompt.md")]),
  ];
  const texts = await Promise.all(files.map(readTemplate));
  const index = texts.findIndex((text) => text.trim() !== "");
  return { text: texts[index] ?? BUILT_IN_PROMPT, source: files[index] ?? "built-in" };
}

async function readTemplate(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if (isNotFound(cause)) return "";
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot read the prompt template "${file}": ${reason}`, { cause });
  }
}

import { jsonStyle } from "../prd/edit_json.ts";
import { mergePrd, type PrdChanges } from "./merge_prd.ts";
import { parsePrd, stripBom } from "../prd/parse_prd.ts";
import { parsePrdMarkdown, type PrdMarkdownWarning } from "./parse_prd_markdown.ts";
import type { Prd } from "../prd/prd.ts";

/** Options for {@linkcode convertPrd}. */
export interface ConvertPrdOptions {
  /** The name of the task, such as `my-feature`. */
  task: string;
  /** The task folder as prd.json names it, such as `tasks/my-feature`. */
  taskDir: string;
  /** How messages name the markdown file. @default {"prd.md"} */
  file?: string | undefined;
  /** The text of the existing prd.json. @default {none} */
  previous?: string | undefined;
  /** The branch. @default {the one in the previous prd.json, else `ralph/<task>`} */
  branchName?: string | undefined;
}

/** What {@linkcode convertPrd} returns. */
export interface ConvertedPrd {
  /** The text of the new prd.json. */
  text: string;
  /** Its normal form. */
  prd: Prd;
  /** What is different from the previous prd.json. */
  changes: PrdChanges;
  /** What is probably a mistake, with its line in the markdown. */
  warnings: PrdMarkdownWarning[];
}

/**
 * Converts a prd.md into a prd.json of the newest form. Pure: the same input gives the same text.
 *
 * With a previous prd.json, finished work stays finished:
 *
 * - A story that is still there, by its id, keeps `passes`, `notes`, `agent`, `model` and every key
 *   that the markdown does not define; a criterion whose description is the same keeps `passes`.
 *   Title, description, criteria and priority (the position, from 1) come from the markdown.
 * - A story with `spawnedBy`, which was added while the loop ran, stays after the others.
 * - The PRD keeps every key that the markdown does not define: `branchName`, `autoMerge`, `agent`,
 *   `notes`, ..., and `type` and `mergeTarget` if the markdown has no such section.
 * - `project` is the title of the markdown; a different name in prd.json is kept.
 *
 * If nothing is different, the previous text is returned byte for byte.
 *
 * @example Usage
 * ```ts
 * import { convertPrd } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const markdown = "# PRD: Chat\n\n## User Stories\n\n### US-001: Send\n\n- [ ] It is sent\n";
 * const { prd, changes } = convertPrd(markdown, { task: "chat", taskDir: "tasks/chat" });
 * assertEquals(prd.branchName, "ralph/chat");
 * assertEquals(changes.added, ["US-001"]);
 * ```
 *
 * @param markdown The text of the prd.md.
 * @param options The task, and the existing prd.json.
 * @returns The new text, and what is different.
 * @throws {PrdMarkdownError} If there is no story, or an id appears twice.
 * @throws {PrdError} If the previous prd.json cannot be read.
 */
export function convertPrd(markdown: string, options: ConvertPrdOptions): ConvertedPrd {
  const { task, taskDir, file, previous, branchName } = options;
  const parsed = parsePrdMarkdown(markdown, file === undefined ? {} : { file });
  const before = previous === undefined
    ? undefined
    : { prd: parsePrd(previous), data: JSON.parse(stripBom(previous)) as unknown };
  const { data, changes, warnings } = mergePrd(parsed, {
    task,
    taskDir,
    branchName,
    before,
  });
  if (parsed.title === undefined) {
    warnings.unshift({ line: 1, message: 'There is no title, expected "# PRD: Title"' });
  }
  const text = previous !== undefined && before && isSame(data, before.data)
    ? previous
    : writePrd(data, previous);
  return {
    text,
    prd: parsePrd(text),
    changes,
    warnings: [...parsed.warnings, ...warnings].sort((a, b) => a.line - b.line),
  };
}

/** Keeps the indentation and line ends of the previous file. */
function writePrd(data: unknown, previous?: string): string {
  if (previous === undefined) return JSON.stringify(data, null, 2) + "\n";
  const { indent, lineEnd } = jsonStyle(stripBom(previous));
  const bom = previous.startsWith("\uFEFF") ? "\uFEFF" : "";
  const end = /[\r\n]$/.test(previous) ? lineEnd : "";
  return bom + JSON.stringify(data, null, indent).replaceAll("\n", lineEnd) + end;
}

/** Whether two JSON values are equal, regardless of the order of their keys. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isSame(left[key], right[key]));
}

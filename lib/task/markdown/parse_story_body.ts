import { isRule, type MarkdownLine } from "./markdown_lines.ts";
import type { Criterion } from "../prd/prd.ts";
import { findBranchProblem } from "../../git/branch_name.ts";

/** The text below the heading of a story. */
export interface StoryBody {
  /** Everything that is not a criterion: each paragraph on one line; lists and code as they are. */
  description: string;
  /** The criteria, in order. */
  criteria: Criterion[];
}

const LABEL =
  /^\s*(?:[-*+]\s+(?=\*\*|__))?(?:#{1,6}\s+)?(?:\*\*|__)?\s*(acceptance criteria|acceptance|description)\s*(?:\([^)]*\)\s*)?/i;
// Any other label or heading ends the criteria.
const OTHER_LABEL = /^\s*(?:#{1,6}\s|(?:\*\*|__)[^*_]{1,60}(?::\s*(?:\*\*|__)|(?:\*\*|__)\s*:))/;
const ITEM = /^(\s*)(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[([ xX])\][ \t]*)?(.*)$/;

/**
 * Parses the text below the heading of a story: a description, and a list of criteria after the
 * label `**Acceptance Criteria:**`, or anywhere if its items have checkboxes. Pure.
 *
 * Continuation lines, nested lists and code blocks belong to the criterion above them.
 *
 * @returns The description and the criteria.
 */
export function parseStoryBody(lines: readonly MarkdownLine[]): StoryBody {
  const criteria: Criterion[] = [];
  const text: MarkdownLine[] = [];
  // The indentation of the current list.
  let list: number | undefined;
  let afterLabel = false;
  let afterBlank = false;

  for (const line of lines) {
    const blank = !line.code && line.text.trim() === "";
    const label = line.code ? undefined : readLabel(line.text);
    const item = line.code || label ? null : ITEM.exec(line.text);
    const indent = widthOf(/^\s*/.exec(line.text)?.[0] ?? "");
    const last = criteria.at(-1);

    if (label) {
      list = undefined;
      afterLabel = label.name.startsWith("acceptance");
      if (!afterLabel) text.push({ ...line, text: label.rest });
      else if (label.rest !== "") criteria.push({ description: label.rest, passes: false });
      if (afterLabel) text.push({ ...line, text: "" });
    } else if (item && (list !== undefined || afterLabel || item[2] !== undefined)) {
      const [, , box, description = ""] = item;
      if (list !== undefined && last && indent > list + 1) {
        last.description += `\n- ${description.trim()}`;
      } else {
        list = indent;
        criteria.push({ description: description.trim(), passes: box?.toLowerCase() === "x" });
      }
    } else if (blank) {
      text.push(line);
    } else if (!line.code && (isRule(line.text) || OTHER_LABEL.test(line.text))) {
      list = undefined;
      afterLabel = false;
      text.push(line);
    } else if (list !== undefined && last && (indent > list || (!afterBlank && !line.code))) {
      last.description += line.code
        ? `\n${line.text.slice(Math.min(indent, list + 2))}`
        : ` ${line.text.trim()}`;
    } else {
      list = undefined;
      text.push(line);
    }
    afterBlank = blank;
  }
  return {
    description: joinParagraphs(text),
    criteria: criteria.filter(({ description }) => description !== ""),
  };
}

/** Whether a line is the label of a story's part, such as `#### Acceptance Criteria`. */
export function isStoryLabel(line: string): boolean {
  return readLabel(line) !== undefined;
}

/** `**Description:** text`, `**Description**: text`, `Description: text`, or a heading. */
function readLabel(line: string): { name: string; rest: string } | undefined {
  const match = LABEL.exec(line);
  if (!match) return undefined;
  const behind = line.slice(match[0].length);
  const mark = /^(?::\s*(?:\*\*|__)|(?:\*\*|__)\s*:?|:)/.exec(behind)?.[0] ?? "";
  const rest = behind.slice(mark.length).trim();
  // "Acceptance tests run" is a sentence, "### Description" is a label.
  if (mark === "" && (rest !== "" || !/^\s*(#|\*\*|__)/.test(line))) return undefined;
  return { name: (match[1] ?? "").toLowerCase(), rest };
}

function widthOf(space: string): number {
  return space.replaceAll("\t", "    ").length;
}

/** Wrapped prose becomes one line; lists and code keep their line breaks. */
function joinParagraphs(lines: MarkdownLine[]): string {
  const paragraphs: string[] = [];
  let current: MarkdownLine[] = [];
  const flush = (): void => {
    const asIs = current.some(({ text, code }) => code || ITEM.test(text) || /^\s*\|/.test(text));
    const text = current.map((line) => asIs ? line.text.trimEnd() : line.text.trim())
      .join(asIs ? "\n" : " ").trim();
    if (text !== "") paragraphs.push(text);
    current = [];
  };
  for (const line of lines) {
    if (!line.code && (line.text.trim() === "" || isRule(line.text))) flush();
    else current.push(line);
  }
  flush();
  return paragraphs.join("\n\n");
}

/**
 * Parses the section `## Merge Target` of a prd.md. Pure.
 *
 * @param line Its first line: a branch name, in backticks, alone, or followed by a remark
 * (`main - after the release`), or `None`, with or without a reason.
 * @returns The branch; `null` for none; `undefined` if the line is not understood.
 */
export function readMergeTarget(line: string): string | null | undefined {
  const text = line.trim().replace(/^[-*+]\s+/, "");
  const bare = text.replace(/^[*_`]+/, "");
  if (/^(none|n\/a|no)(?![\w/-])/i.test(bare)) return null;
  const name = /^[*_]*`([^`]+)`/.exec(text)?.[1] ??
    /^(\S+?)[*_]*[.,;:]?(?:\s+(?:[-–—(].*)|$)/.exec(bare)?.[1];
  if (name === undefined || /^(tbd|todo|unknown|undecided)$/i.test(name)) return undefined;
  return findBranchProblem(name) === undefined ? name : undefined;
}

import { findStoryHeadings, isStorySection, parseStoryHeading } from "./find_story_headings.ts";
import { findHeadings, type MarkdownHeading } from "./markdown_headings.ts";
import { isRule, type MarkdownLine, readMarkdownLines } from "./markdown_lines.ts";
import { parseStoryBody, readMergeTarget } from "./parse_story_body.ts";
import type { Criterion } from "../prd/prd.ts";

/** A probable mistake in a prd.md. */
export interface PrdMarkdownWarning {
  /** The line, from 1. */
  line: number;
  /** What it is. */
  message: string;
}

/** A story of a prd.md. */
export interface MarkdownStory {
  /** Its id, such as `US-001`. */
  id: string;
  /** Its title. Empty if the heading has none. */
  title: string;
  /** What is wanted. Empty if there is no text. */
  description: string;
  /** Its criteria, in order. */
  criteria: Criterion[];
  /** The line of its heading, from 1. */
  line: number;
}

/** A parsed prd.md. */
export interface MarkdownPrd {
  /** The title, without `PRD:`; absent if there is none. */
  title?: string | undefined;
  /** The type, such as `bug-investigation`; absent if there is no such section. */
  type?: string | undefined;
  /** The first paragraph of the introduction; absent if there is none. */
  introduction?: string | undefined;
  /** The branch to merge into, `null` for none; absent if there is no such section. */
  mergeTarget?: string | null | undefined;
  /** The stories, in the order of the file. */
  stories: MarkdownStory[];
  /** Probable mistakes. */
  warnings: PrdMarkdownWarning[];
}

/** Options for {@linkcode parsePrdMarkdown}. */
export interface ParsePrdMarkdownOptions {
  /** How messages name the file. @default {"prd.md"} */
  file?: string | undefined;
}

/** A prd.md that cannot be converted to a prd.json. */
export class PrdMarkdownError extends Error {
  /** The file, as the message names it. */
  readonly file: string;
  /** The line, from 1. */
  readonly line: number;

  /** `message` is what is wrong, without the place, which is added. */
  constructor(message: string, file: string, line: number) {
    super(`Cannot convert ${file} at line ${line}: ${message}`);
    this.name = "PrdMarkdownError";
    this.file = file;
    this.line = line;
  }
}

/**
 * Parses a prd.md: its title, its stories with their criteria, and the sections that go into a
 * prd.json. Pure.
 *
 * Stories are the headings with an id, such as `### US-001: Title`, in the sections whose heading
 * mentions stories, or in the whole file if there is no such section. Code fences and HTML comments
 * contain neither headings nor criteria.
 *
 * @example Usage
 * ```ts
 * import { parsePrdMarkdown } from "./parse_prd_markdown.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const { stories } = parsePrdMarkdown("# PRD: Chat\n\n### US-001: Send\n- [ ] It is sent\n");
 * assertEquals(stories[0]?.criteria, [{ description: "It is sent", passes: false }]);
 * ```
 *
 * @param markdown The text of the file.
 * @throws {PrdMarkdownError} If there is no story, or an id appears twice.
 */
export function parsePrdMarkdown(
  markdown: string,
  options: ParsePrdMarkdownOptions = {},
): MarkdownPrd {
  const file = options.file ?? "prd.md";
  const { lines, openFence } = readMarkdownLines(markdown);
  const warnings: PrdMarkdownWarning[] = [];
  const warn = (line: number, message: string): void => void warnings.push({ line, message });
  if (openFence !== undefined) {
    warn(openFence, "This code fence is never closed, so all that follows is code");
  }

  const headings = findHeadings(lines);
  const title = headings.find(({ level }) => level === 1)?.title.replace(/^PRD\s*[:–—-]\s*/i, "");
  const section = (
    name: RegExp,
  ): { heading: MarkdownHeading; body: MarkdownLine[] } | undefined => {
    const heading = headings.find(({ level, title }) => level <= 3 && name.test(title));
    return heading && { heading, body: bodyOf(heading, headings, lines) };
  };
  const typeText = firstText(section(/^type$/i)?.body)?.text;
  const introduction = paragraph(
    section(/^(introduction|overview|summary)\b/i)?.body ??
      bodyOf(headings.find(({ level }) => level === 1), headings, lines),
  );
  const merge = section(/^merge target\b/i);
  const stories = readStories(headings, lines, file, warn);

  return {
    title: title || undefined,
    type: typeText && slug(typeText) || undefined,
    introduction: introduction || undefined,
    mergeTarget: merge && mergeTargetOf(merge.heading, merge.body, warn),
    stories,
    warnings: warnings.sort((a, b) => a.line - b.line),
  };
}

/** The lines below a heading, up to the next heading of any level. */
function bodyOf(
  heading: MarkdownHeading | undefined,
  headings: MarkdownHeading[],
  lines: MarkdownLine[],
): MarkdownLine[] {
  if (!heading) return [];
  const next = headings.find(({ number }) => number > heading.number);
  return lines.slice(heading.number, next ? next.number - 1 : undefined);
}

function firstText(lines: MarkdownLine[] = []): MarkdownLine | undefined {
  return lines.find(({ text, code }) => !code && text.trim() !== "" && !isRule(text));
}

function paragraph(lines: MarkdownLine[]): string {
  const first = firstText(lines);
  if (!first) return "";
  const rest = lines.slice(lines.indexOf(first));
  const end = rest.findIndex(({ text, code }) => code || text.trim() === "");
  return rest.slice(0, end < 0 ? undefined : end).map(({ text }) => text.trim()).join(" ");
}

function slug(text: string): string {
  return text.replace(/\([^()]*\)/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(
    /^-|-$/g,
    "",
  );
}

function mergeTargetOf(
  heading: MarkdownHeading,
  body: MarkdownLine[],
  warn: (line: number, message: string) => void,
): string | null {
  const first = firstText(body);
  if (!first) {
    warn(heading.number, 'The merge target is empty: write a branch name, or "None"');
    return null;
  }
  const target = readMergeTarget(first.text);
  if (target !== undefined) return target;
  warn(
    first.number,
    `The merge target "${first.text.trim()}" is not understood, so none is set: ` +
      'write a branch name in backticks, or "None"',
  );
  return null;
}

function readStories(
  headings: MarkdownHeading[],
  lines: MarkdownLine[],
  file: string,
  warn: (line: number, message: string) => void,
): MarkdownStory[] {
  const { inside, outside } = findStoryHeadings(headings);
  const levels = new Set(
    inside.filter(({ title }) => parseStoryHeading(title)).map(({ level }) => level),
  );
  const stories: MarkdownStory[] = [];
  const lineOf = new Map<string, number>();
  for (const heading of inside) {
    const story = parseStoryHeading(heading.title);
    if (!story) {
      if (levels.has(heading.level)) {
        warn(
          heading.number,
          `The heading "${heading.title}" has no id such as US-001, so it is not a story`,
        );
      }
      continue;
    }
    const { id, title } = story;
    const other = lineOf.get(id);
    if (other !== undefined) {
      throw new PrdMarkdownError(
        `story id "${id}" is already used on line ${other}`,
        file,
        heading.number,
      );
    }
    lineOf.set(id, heading.number);
    if (title === "") warn(heading.number, `Story "${id}" has no title`);
    // Deeper headings without an id belong to the story.
    const end = headings.find((next) =>
      next.number > heading.number &&
      (next.level <= heading.level || parseStoryHeading(next.title) !== undefined)
    );
    const body = lines.slice(heading.number, end ? end.number - 1 : undefined);
    const { description, criteria } = parseStoryBody(body);
    if (criteria.length === 0) warn(heading.number, `Story "${id}" has no acceptance criteria`);
    stories.push({ id, title, description, criteria, line: heading.number });
  }
  for (const heading of outside) {
    warn(
      heading.number,
      `The heading "${heading.title}" is outside the section of user stories, so it is not a story`,
    );
  }
  if (stories.length === 0) {
    const place = headings.find((heading) => isStorySection(heading, headings[0])) ?? headings[0];
    throw new PrdMarkdownError(
      'there is no story, expected headings such as "### US-001: Title"',
      file,
      place?.number ?? 1,
    );
  }
  return stories;
}

import type { MarkdownLine } from "./markdown_lines.ts";
import { isStoryLabel } from "./parse_story_body.ts";

/** A heading of a prd.md. */
export interface MarkdownHeading {
  /** The line, from 1. */
  number: number;
  /** Its depth, from 1. */
  level: number;
  /** Its text, without the marks. */
  title: string;
}

/**
 * Finds the headings of a prd.md. `### Acceptance Criteria` does not count: at any level it is part
 * of the story above it.
 *
 * @param lines The lines of the file.
 * @returns The headings, in order.
 */
export function findHeadings(lines: readonly MarkdownLine[]): MarkdownHeading[] {
  return lines.flatMap(({ number, text, code }): MarkdownHeading[] => {
    const match = code ? null : /^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/.exec(text);
    const level = match?.[1]?.length ?? 0;
    if (!match || (level > 2 && isStoryLabel(text))) return [];
    return [{ number, level, title: match[2] ?? "" }];
  });
}

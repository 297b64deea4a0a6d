/** A line of a markdown file. */
export interface MarkdownLine {
  /** Its number, from 1. */
  number: number;
  /** Its text, without the line end; empty if it is a comment. */
  text: string;
  /** Whether it is code: a fence, or a line inside one. */
  code: boolean;
}

/** What {@linkcode readMarkdownLines} returns. */
export interface MarkdownLines {
  /** The lines, without the comments. */
  lines: MarkdownLine[];
  /** The line of a code fence that is never closed; absent if there is none. */
  openFence?: number | undefined;
}

/**
 * Splits markdown into lines, and marks code, so that a heading in a code fence does not count.
 * HTML comments become empty lines. Pure.
 *
 * @param markdown The text, with any line ends; a byte order mark is ignored.
 */
export function readMarkdownLines(markdown: string): MarkdownLines {
  let fence: { mark: string; line: number } | undefined;
  let inComment = false;
  const texts = markdown.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  const lines = texts.map((text, index): MarkdownLine => {
    const number = index + 1;
    if (fence) {
      const mark = /^\s*(`{3,}|~{3,})\s*$/.exec(text)?.[1];
      if (mark?.[0] === fence.mark[0] && (mark?.length ?? 0) >= fence.mark.length) {
        fence = undefined;
      }
      return { number, text, code: true };
    }
    if (inComment || /^ {0,3}<!--/.test(text)) {
      inComment = !text.includes("-->");
      return { number, text: "", code: false };
    }
    const mark = /^\s*(?:(?:[-*+]|\d+[.)])\s+)?(`{3,}(?=[^`]*$)|~{3,})/.exec(text)?.[1];
    if (mark === undefined) return { number, text, code: false };
    fence = { mark, line: number };
    return { number, text, code: true };
  });
  return { lines, openFence: fence?.line };
}

/** Whether a line of markdown is a rule, such as `---`. */
export function isRule(text: string): boolean {
  return /^ {0,3}([-*_])([ \t]*\1){2,}[ \t]*$/.test(text);
}

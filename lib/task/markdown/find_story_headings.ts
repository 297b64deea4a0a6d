import type { MarkdownHeading } from "./markdown_headings.ts";

// An id has a hyphen before its first number: US-001, US-010-A, US-010-DECIDE, US-107A, US-001.1.
const STORY =
  /^(?:(?:[Uu]ser )?[Ss]tory )?[*_`[]*([A-Za-z][A-Za-z0-9]*-\d+[A-Z]?(?:\.\d+)*(?:-[A-Z0-9]+(?![A-Za-z0-9]))*)(?![A-Za-z0-9])[*_`\]]*\s*(?:[:.–—-]\s*)?[*_]*\s*(.*)$/;

/** The parts of a story's heading. */
export interface StoryHeading {
  /** The id, such as `US-001`. */
  id: string;
  /** The title. Empty if it has none. */
  title: string;
}

/** What {@linkcode findStoryHeadings} returns. */
export interface StoryHeadings {
  /** The headings in the sections of stories, including those without an id. */
  inside: MarkdownHeading[];
  /** Headings elsewhere whose ids look like those of the stories. */
  outside: MarkdownHeading[];
}

/**
 * Reads the heading of a story: `US-001: Title`, `US-001 - Title`, `US-001. Title`, bold or not.
 *
 * @param heading The text of the heading.
 * @returns Its id and title; `undefined` if it has no id.
 */
export function parseStoryHeading(heading: string): StoryHeading | undefined {
  const match = STORY.exec(heading);
  return match ? { id: match[1] ?? "", title: closeBold(match[2] ?? "") } : undefined;
}

/** Cutting the id off `**US-001: Title**` also cuts off the opening `**`. */
function closeBold(title: string): string {
  return title.split("**").length % 2 === 0 ? title.replace(/\*\*$/, "").trimEnd() : title;
}

/**
 * Whether a heading begins a section of stories: `## User Stories`, `## Stories`, ...
 *
 * @param first The first heading of the file, which is the title and begins no section.
 */
export function isStorySection(
  heading: MarkdownHeading,
  first: MarkdownHeading | undefined,
): boolean {
  const { level, title, number } = heading;
  return level <= 2 && number !== first?.number && !STORY.test(title) &&
    /^stories\b|\buser stories\b/i.test(title);
}

/**
 * Finds the headings in the sections of stories; if there is no such section, all with an id
 * like `US-001`.
 *
 * @param headings All headings of the file.
 * @returns Those inside, and those elsewhere that look like stories.
 */
export function findStoryHeadings(headings: readonly MarkdownHeading[]): StoryHeadings {
  const withId = headings.filter(({ title }) => STORY.test(title));
  if (!headings.some((heading) => isStorySection(heading, headings[0]))) {
    const usual = withId.filter(({ title }) => prefixOf(title) === "US");
    return { inside: usual.length > 0 ? usual : withId, outside: [] };
  }
  let section: number | undefined;
  const inside = headings.filter((heading) => {
    const isSection = isStorySection(heading, headings[0]);
    if (isSection) section = Math.min(section ?? heading.level, heading.level);
    else if (section !== undefined && heading.level <= section && !STORY.test(heading.title)) {
      section = undefined;
    }
    return section !== undefined && !isSection;
  });
  const prefixes = new Set(inside.map(({ title }) => prefixOf(title)));
  return {
    inside,
    outside: withId.filter((heading) =>
      !inside.includes(heading) && prefixes.has(prefixOf(heading.title))
    ),
  };
}

function prefixOf(title: string): string | undefined {
  return STORY.exec(title)?.[1]?.split("-", 1)[0]?.toUpperCase();
}

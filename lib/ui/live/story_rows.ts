import { displayWidth, padText, truncateText } from "../text/display_width.ts";
import { formatCount } from "../text/numbers.ts";
import { formatDuration } from "../text/times.ts";
import { sanitizeText } from "../text/sanitize_text.ts";
import { fitSpans, type Style } from "../text/style.ts";
import type { ViewState, ViewStory } from "./view_state.ts";

/** Options for {@linkcode storyRows}. */
export interface StoryRowsOptions {
  /** How many columns there are. */
  columns: number;
  /** The present, in milliseconds since the epoch. */
  now: number;
  /** The colours. */
  style: Style;
}

/** Which columns are shown to the right of the title. */
type Layout = "full" | "times" | "one" | "none";

/** Layouts from wide to narrow, with the title width that each one requires. */
const LAYOUTS: [Layout, number][] = [["full", 20], ["times", 20], ["one", 10], ["none", 0]];
/** The greatest width of a view: beyond it, the eye loses the line between title and agent. */
export const VIEW_WIDTH = 100;

/**
 * Formats the story list of a view, one line a story, aligned over the whole list so that nothing
 * moves sideways when only a part of it is shown.
 *
 * @param options The width, the time and the colours.
 * @returns A line for each story.
 */
export function storyRows(state: ViewState, options: StoryRowsOptions): string[] {
  const { style } = options;
  const columns = Math.min(options.columns, VIEW_WIDTH);
  const cells = state.list.map((story) => cellsOf(story, state, options.now));
  const idWidth = Math.min(12, widest(cells.map((cell) => cell.id)));
  const titleWidth = widest(cells.map((cell) => cell.title));
  const left = 2 + idWidth + 2;
  for (const [layout, least] of LAYOUTS) {
    const right = rightSides(cells, layout);
    const gap = layout === "full" ? 3 : 2;
    const room = columns - left - gap - widest(right);
    if (layout !== "none" && room < Math.min(titleWidth, least)) continue;
    const titleRoom = layout === "none" ? columns - left : Math.min(titleWidth, room);
    return cells.map((cell, index) => {
      const title = truncateText(cell.title, titleRoom);
      const spans = [
        { text: cell.glyph, paint: PAINTS[cell.state](style) },
        { text: ` ${padText(truncateText(cell.id, idWidth), idWidth)}  ` },
        cell.state === "running" ? { text: title, paint: style.bold } : { text: title },
        { text: " ".repeat(Math.max(0, titleRoom - displayWidth(title)) + gap) },
        { text: right[index] ?? "", paint: style.dim },
      ];
      return fitSpans(spans, columns);
    });
  }
  return [];
}

interface Cells {
  state: ViewStory["state"];
  glyph: string;
  id: string;
  title: string;
  /** Absent if nobody has worked on it: the note then takes all the room. */
  worked?: { agent: string; time: string };
  note: string;
}

const GLYPHS = { passed: "✔", running: "▸", open: "·", blocked: "·" } as const;
const PAINTS: Record<ViewStory["state"], (style: Style) => Style["dim"]> = {
  passed: (style) => style.green,
  running: (style) => style.cyan,
  open: (style) => style.dim,
  blocked: (style) => style.dim,
};

function cellsOf(story: ViewStory, state: ViewState, now: number): Cells {
  const { startedAt, agent } = story;
  const elapsed = startedAt === undefined ? 0 : Math.max(0, now - startedAt);
  const cells: Cells = {
    state: story.state,
    glyph: GLYPHS[story.state],
    id: sanitizeText(story.id),
    title: sanitizeText(story.title),
    note: sanitizeText(noteOf(story, state)),
  };
  if (agent !== undefined) {
    cells.worked = {
      agent: sanitizeText(agent),
      time: formatDuration(story.durationMs + elapsed),
    };
  }
  return cells;
}

function noteOf(story: ViewStory, state: ViewState): string {
  switch (story.state) {
    case "passed":
      if (story.commits > 1) return formatCount(story.commits, "commit");
      return story.commits === 1 && story.head !== undefined ? story.head.slice(0, 7) : "passed";
    case "running":
      if (state.current?.check !== undefined) return "checking";
      return story.attempts > 1 ? `attempt ${story.attempts}` : "running";
    case "blocked": {
      const passed = new Set(
        state.list.filter((one) => one.state === "passed").map(({ id }) => id),
      );
      return story.reason ?? `needs ${story.dependsOn.filter((id) => !passed.has(id)).join(", ")}`;
    }
    case "open":
      return story.reason ?? (story.attempts > 0 ? formatCount(story.attempts, "attempt") : "open");
  }
}

function rightSides(cells: readonly Cells[], layout: Layout): string[] {
  if (layout === "none") return cells.map(() => "");
  if (layout === "one") {
    return cells.map(({ worked, state, note }) =>
      truncateText(worked !== undefined && state !== "open" ? worked.time : note, 14)
    );
  }
  const agents = Math.min(12, widest(cells.map(({ worked }) => worked?.agent ?? "")));
  const times = widest(cells.map(({ worked }) => worked?.time ?? ""));
  const sides = cells.map(({ worked, note }) => {
    if (worked === undefined) return truncateText(note, 24);
    const agent = padText(truncateText(worked.agent, agents), agents);
    const time = padText(worked.time, times, { align: "right" });
    return layout === "full"
      ? `${agent}   ${time}   ${truncateText(note, 24)}`
      : `${agent}   ${time}`;
  });
  return sides;
}

function widest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, displayWidth(text)), 0);
}

/** Which part of a list is shown. */
export interface StoryWindow {
  /** The index of the first item that is shown. */
  start: number;
  /** The index after the last item that is shown. */
  end: number;
}

/**
 * Chooses which stories to show if there is no room for all: those around one story, with a line at
 * either end for the hidden ones.
 *
 * @example Usage
 * ```ts
 * import { storyWindow } from "./story_rows.ts";
 * import { assertEquals } from "@std/assert";
 *
 * // Five lines: "… 4 passed", three stories, "… 4 open".
 * assertEquals(storyWindow(11, { focus: 5, rows: 5 }), { start: 4, end: 7 });
 * ```
 *
 * @param total How many stories there are.
 * @param options The index of the story that must be seen, and the number of lines.
 * @returns The stories to show. A line for hidden stories always stands for at least two.
 */
export function storyWindow(
  total: number,
  options: { focus: number; rows: number },
): StoryWindow {
  const { focus, rows } = options;
  if (total <= rows) return { start: 0, end: total };
  if (rows <= 0) return { start: focus, end: focus };
  if (rows < 3) {
    const start = Math.min(focus, total - rows);
    return { start, end: start + rows };
  }
  const start = Math.min(Math.max(0, focus - Math.floor((rows - 1) / 2)), total - rows);
  const end = start + rows;
  return { start: start > 0 ? start + 1 : 0, end: end < total ? end - 1 : total };
}

/** Which part of a list is shown. */
export interface StoryWindow {
  /** The first that is shown. */
  start: number;
  /** The first behind it that is not. */
  end: number;
}

/**
 * Chooses which stories are shown where there is no room for all of them: those
 * around one, with a line at either end for what is left out.
 *
 * @example Usage
 * ```ts
 * import { storyWindow } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * // Five lines: "… 4 passed", three stories, "… 4 open".
 * assertEquals(storyWindow(11, { focus: 5, rows: 5 }), { start: 4, end: 7 });
 * ```
 *
 * @param total How many stories there are.
 * @param options The index of the story that must be seen, and the number of lines.
 * @returns The stories to show. A line for what is left out never stands for one story alone.
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

import { assert, assertEquals } from "@std/assert";
import { storyWindow } from "../../lib/ui/live/story_rows.ts";

Deno.test("storyWindow() shows all stories if there is room", () => {
  assertEquals(storyWindow(5, { focus: 2, rows: 5 }), { start: 0, end: 5 });
  assertEquals(storyWindow(5, { focus: 2, rows: Infinity }), { start: 0, end: 5 });
});

Deno.test("storyWindow() always fits, shows the focus, and hides no story alone", () => {
  for (let total = 1; total < 30; total++) {
    for (let rows = 1; rows < 32; rows++) {
      for (let focus = 0; focus < total; focus++) {
        const { start, end } = storyWindow(total, { focus, rows });
        const at = JSON.stringify({ total, rows, focus, start, end });
        assert(start <= focus && focus < end, at);
        const marks = rows < 3 ? 0 : (start > 0 ? 1 : 0) + (end < total ? 1 : 0);
        assertEquals(end - start + marks, Math.min(rows, total), at);
        if (rows >= 3) assert(start !== 1 && total - end !== 1, at);
      }
    }
  }
});

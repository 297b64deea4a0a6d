import { assert, assertEquals } from "@std/assert";
import { displayWidth, padText, truncateText } from "../../lib/ui/text/display_width.ts";

Deno.test("displayWidth() counts columns, not characters", () => {
  const cases: [string, number][] = [
    ["", 0],
    ["ralph", 5],
    ["é", 1],
    ["e\u0301", 1],
    ["日本語", 6],
    ["ｆｕｌｌ", 8],
    ["한글", 4],
    ["\u1112\u1161\u11ab", 2],
    ["🚀", 2],
    ["👩‍💻", 2],
    ["👨‍👩‍👧‍👦", 2],
    ["👍🏽", 2],
    ["🇩🇪", 2],
    ["1️⃣", 2],
    ["❤️", 2],
    ["✔", 1],
    ["│ ▸ · █ ░ …", 11],
    ["a\u200bb", 2],
    ["Привет", 6],
  ];
  for (const [text, width] of cases) assertEquals(displayWidth(text), width, JSON.stringify(text));
});

Deno.test("truncateText() never cuts a character in half and never exceeds the width", () => {
  const texts = ["Fix attach status", "日本語テスト", "a👩‍💻b👩‍💻c👩‍💻", "e\u0301e\u0301e\u0301e\u0301"];
  for (const text of texts) {
    for (let columns = 0; columns < 20; columns++) {
      const cut = truncateText(text, columns);
      assert(displayWidth(cut) <= columns, `${cut} in ${columns}`);
      if (displayWidth(text) <= columns) assertEquals(cut, text);
      else if (columns > 0) assert(cut.endsWith("…"), cut);
    }
  }
  assertEquals(truncateText("日本語", 4), "日…");
  assertEquals(truncateText("👩‍💻👩‍💻", 3), "👩‍💻…");
  assertEquals(truncateText("two words", 5), "two…");
});

Deno.test("padText() fills up to the width on either side", () => {
  assertEquals(padText("日本", 6), "日本  ");
  assertEquals(padText("4s", 4, { align: "right" }), "  4s");
  assertEquals(padText("longer", 3), "longer");
});

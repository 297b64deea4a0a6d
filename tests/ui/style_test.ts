import { assert, assertEquals } from "@std/assert";
import { stripVTControlCharacters } from "node:util";
import { displayWidth } from "../../lib/ui/text/display_width.ts";
import { createStyle, fitSpans, supportsColor } from "../../lib/ui/text/style.ts";

Deno.test("supportsColor() checks FORCE_COLOR, then NO_COLOR, then the terminal", () => {
  const cases: [Record<string, string>, boolean, boolean][] = [
    [{}, true, true],
    [{}, false, false],
    [{ TERM: "dumb" }, true, false],
    [{ NO_COLOR: "1" }, true, false],
    [{ NO_COLOR: "" }, true, true],
    [{ FORCE_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "0" }, true, false],
    [{ FORCE_COLOR: "false" }, true, false],
    [{ FORCE_COLOR: "1", NO_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "" }, false, false],
  ];
  for (const [env, isTTY, color] of cases) {
    assertEquals(supportsColor({ env, isTTY }), color, JSON.stringify({ env, isTTY }));
  }
});

Deno.test("createStyle() writes colours, or nothing", () => {
  assertEquals(createStyle(true).green("ok"), "\x1b[32mok\x1b[39m");
  assertEquals(createStyle(true).bold(""), "");
  assertEquals(createStyle(false).green("ok"), "ok");
});

Deno.test("fitSpans() cuts before it colours", () => {
  const { green, dim } = createStyle(true);
  const spans = [{ text: "日本", paint: green }, { text: " and " }, {
    text: "more\x1b[2J",
    paint: dim,
  }];
  const plain = "日本 and more";
  for (let columns = 0; columns <= 20; columns++) {
    const line = fitSpans(spans, columns);
    const text = stripVTControlCharacters(line);
    assert(displayWidth(text) <= columns, `${text} in ${columns}`);
    if (columns >= displayWidth(plain)) assertEquals(text, plain);
    else if (columns > 0) assert(text.endsWith("…"), text);
    assertEquals(line.split("\x1b[32m").length, line.split("\x1b[39m").length);
  }
  assertEquals(fitSpans(spans, 7), "\x1b[32m日本\x1b[39m a…");
  assertEquals(fitSpans(spans, 4), "\x1b[32m日…\x1b[39m");
});

Deno.test("fitSpans() leaves no spaces at the end", () => {
  const { dim } = createStyle(true);
  assertEquals(fitSpans([{ text: "a  " }, { text: "  ", paint: dim }, { text: "" }], 80), "a");
});

import { assert, assertEquals } from "@std/assert";
import { sanitizeLines, sanitizeText } from "../../lib/ui/text/sanitize_text.ts";

// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]/;

Deno.test("sanitizeText() removes whole escape sequences", () => {
  const cases: [string, string][] = [
    ["plain", "plain"],
    ["\x1b[1;31mred\x1b[0m", "red"],
    ["\x1b[38:2::1:2:3mrgb\x1b[m", "rgb"],
    ["\x1b[2J\x1b[Hhome", "home"],
    ["\x1b[?25lhidden", "hidden"],
    ["\x1b]0;title\x07text", "text"],
    ["\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\", "link"],
    ["\x1b]52;c;cm0gLXJmIC8=\x07clip", "clip"],
    ["\x1bP1$r0m\x1b\\dcs", "dcs"],
    ["\x1b_apc\x1b\\x", "x"],
    ["\x1b(Bcharset", "charset"],
    ["\x1bcreset", "reset"],
    ["\x9b31mC1\x9d0;t\x9cx", "C1x"],
    ["bell\x07 back\x08 nul\x00 del\x7f", "bell back nul del"],
    ["tab\tand\r\nlines\nhere", "tab and lines here"],
    ["a\u202eb\u2066c", "abc"],
    ["half \ud83d pair", "half \ufffd pair"],
    ["\ufeffbom", "bom"],
    ["👩‍💻 日本", "👩‍💻 日本"],
  ];
  for (const [text, clean] of cases) assertEquals(sanitizeText(text), clean, JSON.stringify(text));
});

Deno.test("sanitizeText() shows the text of strings without an end", () => {
  assertEquals(sanitizeText("\x1b]0;never ends"), "0;never ends");
  assertEquals(sanitizeText("\x1b[31"), "31");
  assertEquals(sanitizeText("\x1b"), "");
});

Deno.test("sanitizeText() leaves no sequence that only appears when another is removed", () => {
  for (const text of ["\x1b\x1b[0m[31m", "\x1b[\x1b[0m31m", "\x1b\x07[31m", "\x1b\n[2J"]) {
    assert(!CONTROL.test(sanitizeText(text)), JSON.stringify(text));
  }
});

Deno.test("sanitizeText() leaves no control character in random text, and is idempotent", () => {
  const pieces = [
    "\x1b",
    "[",
    "]",
    "P",
    "\\",
    "\x07",
    "\x9b",
    "\x9c",
    "\r",
    "\n",
    "m",
    "3",
    ";",
    "x",
  ];
  let seed = 7;
  for (let run = 0; run < 2000; run++) {
    let text = "";
    for (let i = 0; i < 24; i++) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      text += pieces[(seed >> 8) % pieces.length];
    }
    const clean = sanitizeText(text);
    assert(!CONTROL.test(clean), JSON.stringify(text));
    assertEquals(sanitizeText(clean), clean);
  }
});

Deno.test("sanitizeText() takes linear time for hostile text", () => {
  for (const piece of ["\x1b]", "\x1b[0;", "\x1b[ ", "\x9d", "\x1b"]) {
    const start = performance.now();
    sanitizeText(piece.repeat(200_000));
    assert(performance.now() - start < 2000, JSON.stringify(piece));
  }
});

Deno.test("sanitizeLines() splits into lines and shows what was written last", () => {
  assertEquals(sanitizeLines("one\ntwo\r\nthree\u2028four"), ["one", "two", "three", "four"]);
  assertEquals(sanitizeLines("10%\r50%\r100%\ndone"), ["100%", "done"]);
  assertEquals(sanitizeLines("10%\r100%\r\n"), ["100%"]);
  assertEquals(sanitizeLines("\n \n\x1b[0m\n"), []);
  assertEquals(sanitizeLines("  indented  "), ["  indented"]);
});

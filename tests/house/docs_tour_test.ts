import { assert } from "@std/assert";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { readPages } from "./docs_pages.ts";
import { ralph } from "../kit/ralph_process.ts";
import { tempDir, tempRepo } from "../kit/testing.ts";

/** The README's output is what its commands print. */

const [README] = await readPages();
assert(README?.path === "README.md");

/** What is another one in each run: times, ids, commits, folders, and columns that depend on them. */
const CHANGES: readonly [RegExp, string][] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "TIME"],
  [/\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b/g, "ID"],
  [/\b(?=[a-f]*\d)[0-9a-f]{7}\b/g, "COMMIT"],
  [/\b\d\d:\d\d:\d\d\b/g, "CLOCK"],
  [/just now|\b\d+s ago/g, "AGO"],
  [/\b(\d+m ?)?\d+(\.\d+)?s\b/g, "DURATION"],
  [/\/\S*\/ralph-demo-\w+/g, "FOLDER"],
  [/ +/g, " "],
];

function steady(line: string): string {
  return CHANGES.reduce((text, [what, name]) => text.replaceAll(what, name), line).trim();
}

/** Whether lines are the expected ones, of which `…` stands for any number. */
function matches(lines: readonly string[], expected: readonly string[]): boolean {
  const [first, ...rest] = expected;
  if (first === undefined) return lines.length === 0;
  if (first !== "…") {
    return lines[0] !== undefined && steady(lines[0]) === steady(first) &&
      matches(lines.slice(1), rest);
  }
  return lines.some((_, i) => matches(lines.slice(i), rest)) || matches([], rest);
}

function assertPrints(command: string, output: string, expected: string): void {
  const lines = output.trimEnd().split("\n");
  assert(
    matches(lines, expected.trimEnd().split("\n")),
    `README.md: "${command}" prints\n\n${output}\nand not\n\n${expected}`,
  );
}

Deno.test("the demo prints what README.md shows", async () => {
  await using home = await tempDir();
  const [shown = ""] = README.section("Quick start").blocks("text");
  const { code, stdout } = await ralph(["demo"], { cwd: home.path, home: home.path });
  assert(code === 0);
  assertPrints("ralph demo", stdout, shown);
});

Deno.test("the tour of README.md prints what it shows, step by step", async () => {
  await using repo = await tempRepo();
  await using home = await tempDir();
  let steps = 0;
  const blocks = README.section("A tour").text.matchAll(/^```(text|markdown)\n([\s\S]*?)^```$/gm);
  for (const [, language, block = ""] of blocks) {
    if (language === "markdown") {
      await writeFile(join(repo.path, "tasks", "word-count", "prd.md"), block);
      continue;
    }
    for (const step of block.split(/^\$ /m).slice(1)) {
      const [command = "", ...expected] = step.trimEnd().split("\n");
      const [program, ...args] = [...command.matchAll(/"([^"]*)"|(\S+)/g)]
        .map(([, quoted, word]) => quoted ?? word ?? "");
      steps++;
      if (program === "git") {
        await promisify(execFile)("git", args, { cwd: repo.path });
        continue;
      }
      assert(program === "ralph", command);
      const { stdout, stderr } = await ralph(args, { cwd: repo.path, home: home.path });
      assertPrints(command, stdout + stderr, expected.join("\n"));
    }
  }
  assert(steps > 8, `${steps} steps`);
});

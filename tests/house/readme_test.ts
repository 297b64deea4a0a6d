import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAgents } from "../../lib/agent/create_agents.ts";
import type { Command } from "../../lib/cli/kit/command.ts";
import { COMMANDS } from "../../lib/cli/commands.ts";
import { exitCodeOf, SIGNAL_EXIT_CODES } from "../../lib/cli/kit/usage.ts";
import { parseCommandLine } from "../../lib/cli/kit/parse_command_line.ts";
import { readSettings } from "../../lib/cli/run/settings.ts";
import type { LoopResult } from "../../lib/event/loop_event.ts";
import type { LoopOutcome } from "../../lib/event/vocabulary.ts";
import { checkPrd } from "../../lib/task/prd/check_prd.ts";
import config from "../../deno.json" with { type: "json" };
import imports from "../../imports.json" with { type: "json" };
import { tempDir } from "../kit/testing.ts";

const ROOT = new URL("../../", import.meta.url);
const README = await readFile(new URL("README.md", ROOT), "utf8");

/** The text between a heading of the second level and the next one. */
function section(title: string): string {
  const [, text] = README.split(`\n## ${title}\n`);
  assert(text !== undefined, `README.md has no section "${title}"`);
  return text.split("\n## ")[0] ?? "";
}

/** The code blocks of a language. */
function blocks(language: string, text = README): string[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, code = ""]) =>
    name === language ? [code] : []
  );
}

/** The first cells of the tables of a text, without their heads. */
function firstCells(text: string): string[] {
  return [...text.matchAll(/^\| (?!-)((?:\\.|[^|\\])*?) *\|/gm)].map(([, cell = ""]) => cell);
}

/** Every piece of code that calls ralph: lines of blocks, and code within a line. */
function calls(): string[] {
  const lines = ["sh", "text"].flatMap((language) => blocks(language))
    .flatMap((code) => [...code.matchAll(/^\$ (ralph .*)$/gm)].map(([, line = ""]) => line));
  const prose = README.replaceAll(/^```[\s\S]*?^```$/gm, "");
  const spans = [...prose.matchAll(/`(ralph [^`]+)`/g)].map(([, code = ""]) => code);
  return [...lines, ...spans.map((code) => code.replaceAll("\\|", "|"))];
}

async function loadCommand(name: string): Promise<Command> {
  const entry = COMMANDS.find((each) => each.name === name);
  assert(entry !== undefined, `README.md names ralph ${name}`);
  return (await entry.load()).command;
}

Deno.test("README.md has a quick start of exactly two commands, which exist", () => {
  const [script = "", ...others] = blocks("sh", section("Quick start"));
  assertEquals(others, []);
  const lines = script.trimEnd().split("\n").map((line) => line.replace(/ *#.*/, ""));
  assertEquals(lines, ["npx -y deno@2.9.6 task demo", "npx -y deno@2.9.6 task test"]);
});

Deno.test("README.md lists every command that the help lists, and no other", () => {
  const listed = firstCells(section("Commands"))
    .flatMap((cell) => /^`ralph ([a-z]+)/.exec(cell)?.[1] ?? []);
  const names = COMMANDS.filter((each) => !each.hidden).map((each) => each.name);
  assertEquals(listed.sort(), names.sort());
});

Deno.test("README.md has only valid calls of ralph", async () => {
  const found = calls();
  assert(found.length > 30, `${found.length} calls`);
  for (const call of found) {
    const words = [...call.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word);
    const [, name = "", ...args] = words as string[];
    if (name === "help") continue;
    const { operands, options } = await loadCommand(name);
    // Throws for an unknown option, a missing value, and too many operands.
    parseCommandLine(args.map((arg) => arg.replace(/^\[|\]$/g, "")), {
      name: `ralph ${name}`,
      operands,
      options,
    });
  }
});

Deno.test("README.md names every option of ralph run, and no other", async () => {
  const { options } = await loadCommand("run");
  const cells = firstCells(section("Commands")).filter((cell) => cell.startsWith("`-"));
  const named = cells.flatMap((cell) => [...cell.matchAll(/--([a-z-]+)/g)].map(([, it]) => it));
  // The text describes these two: they are common to many commands.
  const expected = options.map((option) => option.name).filter((name) =>
    name !== "json" && name !== "yes"
  );
  assertEquals(named.sort(), expected.sort());
});

Deno.test("README.md lists every setting, and no other", async () => {
  const source = await readFile(new URL("lib/cli/run/settings.ts", ROOT), "utf8");
  const [, schema = ""] = /const settingsSchema = [^{]*\{([\s\S]*?)^\}\)/m.exec(source) ?? [];
  const keys = [...schema.matchAll(/^ {2}(\w+):/gm)].map(([, key]) => key);
  assert(keys.length > 10, schema);
  const listed = firstCells(section("Settings"))
    .flatMap((cell) => /^`([a-z_]+)`$/.exec(cell)?.[1] ?? []);
  assertEquals(listed.sort(), keys.sort());
});

Deno.test("README.md lists every exit code, and no other", async () => {
  const outcomes: LoopOutcome[] = [
    "completed",
    "failed",
    "stagnated",
    "limit",
    "blocked",
    "stopped",
    "checkpointed",
  ];
  const codes = outcomes.map((outcome) => exitCodeOf({ outcome, reason: "" } as LoopResult));
  const errors = await readFile(new URL("lib/cli/kit/describe_error.ts", ROOT), "utf8");
  codes.push(...[...errors.matchAll(/^ {2}\[\w+, (\d+)\],$/gm)].map(([, code]) => Number(code)));
  codes.push(...Object.values(SIGNAL_EXIT_CODES));
  const listed = firstCells(section("Exit codes")).flatMap((cell) => cell.match(/\d+/g) ?? []);
  const byNumber = (a: number, b: number) => a - b;
  assertEquals(listed.map(Number).sort(byNumber), [...new Set(codes)].sort(byNumber));
});

Deno.test("README.md shows valid settings and agents", async () => {
  const tables = blocks("toml");
  assert(tables.length > 0);
  for (const table of tables) {
    await using dir = await tempDir();
    await writeFile(join(dir.path, "ralph.toml"), table);
    const none = join(dir.path, "none");
    await mkdir(none);
    const settings = await readSettings({ root: dir.path, configDir: none });
    const names = createAgents(settings.agents ?? {}).map((agent) => agent.name);
    for (const name of settings.failover ?? []) assert(names.includes(name), name);
  }
});

Deno.test("README.md shows a valid prd.json", () => {
  for (const prd of blocks("json")) assertEquals(checkPrd(prd), []);
});

Deno.test("README.md names existing tasks of deno.json and existing files", async () => {
  const tasks = [...README.matchAll(/\b(?:deno|deno@[\d.]+) task ([a-z0-9]+)/g)].map(([, it]) =>
    it
  );
  for (const task of tasks) assert(Object.keys(config.tasks).includes(task ?? ""), task);
  for (const task of Object.keys(config.tasks)) assertStringIncludes(README, `task ${task}`);
  for (const [, target = ""] of README.matchAll(/\]\(([^)]+)\)/g)) {
    if (target.startsWith("https://")) continue;
    if (!target.startsWith("#")) await access(new URL(target, ROOT));
    else {
      const anchors = [...README.matchAll(/^##+ (.*)$/gm)]
        .map(([, title = ""]) => `#${title.toLowerCase().replaceAll(" ", "-")}`);
      assert(anchors.includes(target), target);
    }
  }
});

Deno.test("README.md names every dependency", () => {
  const cells = firstCells(section("Dependencies")).join(" ");
  const names = Object.keys(imports.imports);
  for (const name of names) {
    // A part of a package goes with it.
    if (names.some((other) => name.startsWith(`${other}/`))) continue;
    if (name !== config.name) assertStringIncludes(cells, `\`${name}\``);
  }
});

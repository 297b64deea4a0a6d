import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { execFile } from "node:child_process";
import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createAgents } from "../../lib/agent/create_agents.ts";
import type { Command, OptionSpec } from "../../lib/cli/kit/command.ts";
import { COMMANDS } from "../../lib/cli/commands.ts";
import { exitCodeOf, SIGNAL_EXIT_CODES } from "../../lib/cli/kit/usage.ts";
import { parseCommandLine } from "../../lib/cli/kit/parse_command_line.ts";
import { readSettings, SETTING_NAMES } from "../../lib/cli/run/settings.ts";
import type { LoopResult } from "../../lib/event/loop_event.ts";
import { checkPrd } from "../../lib/task/prd/check_prd.ts";
import { EVENT_TYPES, LOOP_OUTCOMES } from "../../lib/event/vocabulary.ts";
import config from "../../deno.json" with { type: "json" };
import imports from "../../imports.json" with { type: "json" };
import showSchema from "../../schemas/show.schema.json" with { type: "json" };
import { codeOf, type Page, readPages, ROOT } from "./docs_pages.ts";
import { tempDir } from "../kit/testing.ts";

const PAGES = await readPages();

function page(path: string): Page {
  const found = PAGES.find((each) => each.path === path);
  assert(found !== undefined, `there is no ${path}`);
  return found;
}

/** Every call of ralph on a page: lines of blocks, and code within a line. */
function calls(each: Page): string[] {
  const lines = ["sh", "text"].flatMap((language) => each.blocks(language))
    .flatMap((code) => [...code.matchAll(/^(?:\$ )?(ralph .*)$/gm)].map(([, line = ""]) => line));
  const spans = each.spans.filter((code) => code.startsWith("ralph "));
  // The table of commands names options of each beside it.
  const rows = each.path !== "docs/commands.md" ? [] : each.table("command", "what it does");
  const options = rows.flatMap((row) => {
    const [name = ""] = /ralph [a-z]+/.exec(row["command"] ?? "") ?? [];
    return codeOf(row["what it does"] ?? "").filter((code) => code.startsWith("-"))
      .map((option) => `${name} ${option}`);
  });
  // What follows a redirection is the shell's.
  return [...lines, ...spans, ...options].map((call) => call.replace(/ [>|] .*/, ""));
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "");
}

async function loadCommand(name: string): Promise<Command> {
  const entry = COMMANDS.find((each) => each.name === name);
  assert(entry !== undefined, `the docs name ralph ${name}`);
  return (await entry.load()).command;
}

Deno.test("README.md is short, and its quick start has exactly two commands, which are there", () => {
  const readme = page("README.md");
  const count = readme.text.split("\n").length;
  assert(count <= 220, `${count} lines`);
  const [script = "", ...others] = readme.section("Quick start").blocks("sh");
  assertEquals(others, []);
  const lines = script.trimEnd().split("\n").map((line) => line.replace(/ *#.*/, ""));
  assertEquals(lines, ["npx -y deno@2.9.6 task demo", "npx -y deno@2.9.6 task test"]);
});

Deno.test("README.md links every page of docs/", () => {
  for (const { path } of PAGES) {
    if (path !== "README.md") assertStringIncludes(page("README.md").text, `](${path})`);
  }
});

Deno.test("the docs list every command that the help lists, and no other", () => {
  const listed = page("docs/commands.md").table("command").flatMap(({ command = "" }) =>
    /^`ralph ([a-z]+)/.exec(command)?.[1] ?? []
  );
  const names = COMMANDS.filter((each) => !each.hidden).map((each) => each.name);
  assertEquals(listed.sort(), names.sort());
});

Deno.test("docs/commands.md names the commands that have no --json", async () => {
  const { prose } = page("docs/commands.md");
  const [, names = ""] = /All commands but (.*) take `--json`/.exec(prose) ?? [];
  const without: string[] = [];
  for (const { name, hidden } of COMMANDS) {
    const { options } = await loadCommand(name);
    if (!hidden && !options.some((option) => option.name === "json")) without.push(name);
  }
  assertEquals(codeOf(names).sort(), without.sort());
});

Deno.test("the docs call ralph only in ways that it understands", async () => {
  const found = PAGES.flatMap((each) => calls(each).map((call) => ({ path: each.path, call })));
  assert(found.length > 60, `${found.length} calls`);
  for (const { path, call } of found) {
    const [, name = "", ...args] = wordsOf(call);
    if (["help", "--help", "--version"].includes(name)) continue;
    const { operands, options } = await loadCommand(name);
    try {
      // Throws for an unknown option, a missing value, and too many operands.
      parseCommandLine(args.map((arg) => arg.replace(/^\[|\]$/g, "")), {
        name: `ralph ${name}`,
        operands,
        options,
      });
    } catch (error) {
      throw new Error(`${path}: ${call}`, { cause: error });
    }
  }
});

Deno.test("the docs show scripts that a shell can read", async () => {
  for (const { path, text } of PAGES) {
    for (const [, script = ""] of text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)) {
      const shell = promisify(execFile)("sh", ["-n", "-c", script]);
      await shell.catch((cause) => {
        throw new Error(`${path}: ${script}`, { cause });
      });
    }
  }
});

/** The table of options in docs/settings.md. */
function optionRows() {
  const rows = page("docs/settings.md").table(
    "flag",
    "setting",
    "environment",
    "default",
    "meaning",
  );
  return rows.map((row) => {
    const flags = codeOf(row["flag"] ?? "");
    const [, name, value] = /^--([a-z-]+)(?: (.*))?$/.exec(flags.at(-1) ?? "") ?? [];
    const short = flags.length > 1 ? flags[0]?.slice(1) : undefined;
    const [setting] = codeOf(row["setting"] ?? "");
    const [variable] = codeOf(row["environment"] ?? "");
    const [fallback] = codeOf(row["default"] ?? "");
    return { name, short, value, setting, variable, fallback, meaning: row["meaning"] ?? "" };
  });
}

Deno.test("docs/settings.md has one row for every option of ralph run, and for no other", async () => {
  const { options } = await loadCommand("run");
  const rows = optionRows().filter(({ name }) => name !== undefined);
  const spell = (it: Pick<OptionSpec, "name" | "short" | "value">) =>
    [it.name, it.short ?? "", it.value ?? ""].join(" ");
  assertEquals(
    rows.map(({ name = "", short = "", value = "" }) => spell({ name, short, value })).sort(),
    options.map(spell).sort(),
  );
  for (const { name, meaning } of rows) assert(meaning.length > 10, name);
  for (const { name, help } of options) {
    const [, told] = /\(default:? ([^),]+(?:,[^ ),]+)*)/.exec(help) ?? [];
    if (told !== undefined) assertEquals(rows.find((row) => row.name === name)?.fallback, told);
  }
});

Deno.test("docs/settings.md has one row for every setting, and for no other", () => {
  const rows = optionRows();
  assertEquals(rows.flatMap(({ setting }) => setting ?? []).sort(), SETTING_NAMES.toSorted());
  // A setting is called as its flag, but for two lists.
  const others: Record<string, string> = { check: "checks", agents: "failover" };
  for (const { name, setting } of rows) {
    if (name === undefined || setting === undefined) continue;
    assertEquals(setting, others[name] ?? name.replaceAll("-", "_"));
  }
});

Deno.test("docs/settings.md names every event that a hook can be called for", () => {
  const { prose } = page("docs/settings.md").section("Hooks");
  const [, list = ""] = /The types of events are ([^.]+)\./.exec(prose) ?? [];
  assertEquals(codeOf(list).sort(), [...EVENT_TYPES].sort());
});

Deno.test("the docs show settings and agents that can be used", async () => {
  const tables = PAGES.flatMap((each) => each.blocks("toml"));
  assert(tables.length > 3);
  for (const table of tables) {
    await using dir = await tempDir();
    await writeFile(join(dir.path, "ralph.toml"), table);
    const none = join(dir.path, "none");
    await mkdir(none);
    const settings = await readSettings({ root: dir.path, configDir: none });
    const names = createAgents(settings.agents ?? {}, { configDir: none }).map(({ name }) => name);
    for (const name of (settings.failover ?? []) as string[]) assert(names.includes(name), name);
  }
});

Deno.test("docs/agents.md lists every agent, and keys that its table takes", () => {
  const docs = page("docs/agents.md");
  const names = createAgents().map(({ name }) => name);
  assertEquals(docs.table("name").flatMap(({ name = "" }) => codeOf(name)).sort(), names.sort());
  const rows = docs.table("key", "in the table of");
  assert(rows.length > 10);
  for (const row of rows) {
    const [key = ""] = codeOf(row["key"] ?? "");
    const cell = row["in the table of"] ?? "";
    const all = ["codex", "claude", "opencode"];
    for (const name of cell.startsWith("all but") ? all : codeOf(cell)) {
      const table = { [key]: null };
      // A key that is not known is not named as the place of the mistake.
      assertThrows(
        () => createAgents({ [name]: table }),
        TypeError,
        `agents.${name}.${key}:`,
      );
    }
  }
});

Deno.test("docs/failure.md lists every ending of an agent", () => {
  const listed = page("docs/failure.md").table("ending").flatMap(({ ending = "" }) =>
    codeOf(ending)
  );
  const endings = enums(showSchema).find((values) => values.includes("stalled"));
  assertEquals(listed.sort(), endings?.toSorted());
});

/** Every list of possible values in a JSON Schema. */
function enums(schema: unknown): string[][] {
  if (typeof schema !== "object" || schema === null) return [];
  const own = "enum" in schema && Array.isArray(schema.enum) ? [schema.enum as string[]] : [];
  return [...own, ...Object.values(schema).flatMap(enums)];
}

Deno.test("docs/commands.md lists every exit code, and no other", async () => {
  const codes = LOOP_OUTCOMES.map((outcome) => exitCodeOf({ outcome, reason: "" } as LoopResult));
  const errors = await readFile(new URL("lib/cli/kit/describe_error.ts", ROOT), "utf8");
  codes.push(...[...errors.matchAll(/^ {2}\[\w+, (\d+)\],$/gm)].map(([, code]) => Number(code)));
  codes.push(...Object.values(SIGNAL_EXIT_CODES));
  const listed = page("docs/commands.md").table("code", "meaning")
    .flatMap(({ code = "" }) => code.match(/\d+/g) ?? []);
  const byNumber = (a: number, b: number) => a - b;
  assertEquals(listed.map(Number).sort(byNumber), [...new Set(codes)].sort(byNumber));
});

Deno.test("the docs show a prd.json in which nothing is wrong", () => {
  const files = PAGES.flatMap((each) => each.blocks("json"));
  assert(files.length > 0);
  for (const prd of files) assertEquals(checkPrd(prd), []);
});

Deno.test("the docs name tasks of deno.json that are there, and CONTRIBUTING.md all of them", () => {
  const tasks = Object.keys(config.tasks);
  for (const { path, text } of PAGES) {
    for (const [, task = ""] of text.matchAll(/\b(?:deno|deno@[\d.]+) task ([a-z0-9:]+)/g)) {
      assert(tasks.includes(task), `${path} names deno task ${task}`);
    }
  }
  const { spans } = page("CONTRIBUTING.md");
  for (const task of tasks) assert(spans.includes(`deno task ${task}`), `deno task ${task}`);
});

Deno.test("the docs link only to what is there", async () => {
  let count = 0;
  for (const { path, prose, url, anchors } of PAGES) {
    for (const [, target = ""] of prose.matchAll(/\]\(([^)]+)\)/g)) {
      count++;
      if (target.startsWith("https://")) continue;
      const [file = "", anchor] = target.split("#");
      const to = file === "" ? url : new URL(file, url);
      await access(to).catch(() => {
        throw new Error(`${path} links to ${target}`);
      });
      if (anchor === undefined) continue;
      const other = PAGES.find((each) => each.url.href === to.href);
      const known = file === "" ? anchors : other?.anchors ?? [];
      assert(known.includes(anchor), `${path} links to ${target}`);
    }
  }
  assert(count > 40, `${count} links`);
});

Deno.test("the docs name only files of this repository that are there", async () => {
  const missing: string[] = [];
  let count = 0;
  for (const { path, spans } of PAGES) {
    for (const span of spans) {
      const isPath = /^(lib|tests|tools|docs|schemas|migrations|plugins|systemd|\.ci)\/[\w./-]*$/;
      const isFile = /^(mod|cli)\.ts$|^(deno|imports)\.json$|^deno\.lock$|^[A-Z]{5,}\.md$/;
      // Files of the user's with such a name.
      if ((!isPath.test(span) && !isFile.test(span)) || span === "AGENTS.md") continue;
      count++;
      await access(new URL(span, ROOT)).catch(() => missing.push(`${path}: ${span}`));
    }
  }
  assertEquals(missing, []);
  assert(count > 40, `${count} paths`);
});

Deno.test("docs/how_it_works.md names every dependency, and why it is there", () => {
  const rows = page("docs/how_it_works.md").table("dependency", "reason");
  const listed = rows.flatMap(({ dependency = "" }) => codeOf(dependency));
  const names = Object.keys(imports.imports);
  const packages = names.filter((name) =>
    // A part of a package goes with it.
    name !== config.name && !names.some((other) => name.startsWith(`${other}/`))
  );
  assertEquals(listed.sort(), packages.sort());
  for (const { dependency, reason = "" } of rows) assert(reason.length > 10, dependency);
});

Deno.test("CHANGELOG.md has what is released and what is not", () => {
  const { anchors, text } = page("CHANGELOG.md");
  assertStringIncludes(text, `\n## [${config.version}]`);
  assertEquals(anchors[1], "unreleased");
  for (const [, title = ""] of text.matchAll(/^### (.*)$/gm)) {
    assert(
      ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"].includes(title),
      title,
    );
  }
});

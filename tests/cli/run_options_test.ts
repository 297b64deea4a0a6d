import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { command } from "../../lib/cli/command/work/run.ts";
import { parseCommandLine } from "../../lib/cli/kit/parse_command_line.ts";
import { renderCommandHelp } from "../../lib/cli/kit/render_help.ts";
import { UsageError } from "../../lib/cli/kit/usage.ts";
import {
  RUN_OPTION_ROWS,
  type RunOptionRow,
  variableOf,
} from "../../lib/cli/run/run_option_rows.ts";
import { runFlags } from "../../lib/cli/run/run_option_specs.ts";
import { type RunOptions, runOptions } from "../../lib/cli/run/run_options.ts";
import { SettingsError } from "../../lib/cli/run/settings.ts";
import { DEFAULT_FAILOVER_RULES } from "../../lib/loop/decide/failover.ts";
import { DEFAULT_FAILOVER } from "../../lib/loop/decide/choose_agent.ts";
import { scriptedAgent, taskRepo } from "../kit/scripted_agent.ts";
import { configure, ralph } from "../kit/ralph_process.ts";
import { codeOf, readPages } from "../house/docs_pages.ts";
import { tempDir } from "../kit/testing.ts";

/** The page with the table of options. */
const DOCS = "docs/settings.md";

/** Three values of a kind that differ from each other and from every default, as they are typed. */
const TYPED: Record<RunOptionRow["kind"], [string, string, string]> = {
  whole: ["7", "8", "9"],
  dollars: ["1.5", "2.5", "3.5"],
  duration: ["90s", "3h", "1h30m"],
  switch: ["true", "false", "true"],
  text: ["one", "two", "three"],
  names: ["demo,codex", "gemini,demo", "codex,gemini"],
  commands: ["npm test", "npm run lint", "true"],
};
const AGENTS: [string, string, string] = ["demo", "codex", "gemini"];

function typedFor(row: RunOptionRow): [string, string, string] {
  return row.name === "agent" ? AGENTS : TYPED[row.kind];
}

/** What a run has to make of what was typed. */
function meant(row: RunOptionRow, typed: string): unknown {
  switch (row.kind) {
    case "whole":
    case "dollars":
      return Number(typed);
    case "duration":
      return { "90s": 90_000, "3h": 10_800_000, "1h30m": 5_400_000 }[typed] ?? durations[typed];
    case "switch":
      return typed === "true";
    case "text":
      return typed;
    case "names":
      return typed.split(",");
    case "commands":
      return [typed];
  }
}

const durations: Record<string, number> = {
  "2h": 7_200_000,
  "15m": 900_000,
  "10m": 600_000,
  "5s": 5_000,
};

/** The line of a settings file. */
function toml(row: RunOptionRow, typed: string): string {
  const value = meant(row, typed);
  return `${row.setting} = ${JSON.stringify(row.kind === "duration" ? typed : value)}\n`;
}

/** What is at `limits.timeMs` of the options. */
function at(options: RunOptions, place: string): unknown {
  // Whether the agents run in a PTY is theirs to know.
  if (place === "pty") return options.agents.find(({ name }) => name === "claude")?.pty ?? false;
  return place.split(".").reduce<unknown>(
    (it, key) => (it as Record<string, unknown>)?.[key],
    options,
  );
}

interface Given {
  args?: string[];
  env?: Record<string, string>;
  project?: string;
  user?: string;
}

/** What `ralph run` would make of flags, an environment and settings files. */
async function optionsOf(
  { args = [], env = {}, project = "", user = "" }: Given,
): Promise<RunOptions> {
  await using dir = await tempDir();
  const config = join(dir.path, "config");
  await mkdir(join(config, "ralph"), { recursive: true });
  await writeFile(join(config, "ralph", "config.toml"), user);
  await writeFile(join(dir.path, "ralph.toml"), project);
  const line = parseCommandLine(args, { name: "ralph run", ...command });
  const task = {
    name: "job",
    dir: join(dir.path, "tasks", "job"),
    root: dir.path,
    prdFile: join(dir.path, "tasks", "job", "prd.json"),
    progressFile: join(dir.path, "tasks", "job", "progress.txt"),
  };
  // As a worker gets them.
  const flags = JSON.parse(JSON.stringify(runFlags(line)));
  const home = { HOME: dir.path, XDG_CONFIG_HOME: config };
  return await runOptions(task, { flags, env: { ...home, ...env } });
}

function flagFor(row: RunOptionRow, typed: string): string[] {
  if (row.kind !== "switch") return [`--${row.name}`, typed];
  return [typed === "true" ? `--${row.name}` : `--no-${row.name}`];
}

for (const row of RUN_OPTION_ROWS) {
  const [first, second, third] = typedFor(row);
  const above = row.to;
  const setBelow = row.below?.to ?? row.to;
  const fromVariable = row.below?.from === "environment" ? setBelow : above;

  Deno.test(`the option ${row.name} has a flag that reaches the loop`, async () => {
    if (row.noFlag) {
      await assertRejects(
        () => optionsOf({ args: flagFor(row, first) }),
        UsageError,
        "Unknown option",
      );
      return;
    }
    assertEquals(at(await optionsOf({ args: flagFor(row, first) }), above), meant(row, first));
    if (row.short !== undefined) {
      const short = [`-${row.short}${first}`];
      assertEquals(at(await optionsOf({ args: short }), above), meant(row, first));
    }
  });

  Deno.test(`the option ${row.name} has a variable that reaches the loop`, async () => {
    const options = await optionsOf({ env: { [variableOf(row)]: first } });
    assertEquals(at(options, fromVariable), meant(row, first));
    // One that is empty counts as not set.
    const empty = await optionsOf({ env: { [variableOf(row)]: "" } });
    assertEquals(at(empty, fromVariable), at(await optionsOf({}), fromVariable));
  });

  Deno.test(`the option ${row.name} has a setting that reaches the loop`, async () => {
    if (row.setting === undefined) {
      const key = row.name.replaceAll("-", "_");
      const value = row.kind === "switch" ? "true" : '"x"';
      await assertRejects(
        () => optionsOf({ project: `${key} = ${value}\n` }),
        SettingsError,
        "unknown key",
      );
      return;
    }
    for (const file of ["project", "user"]) {
      const options = await optionsOf({ [file]: toml(row, first) });
      assertEquals(at(options, setBelow), meant(row, first), file);
    }
  });

  Deno.test(`the option ${row.name} has the default that the help names`, async () => {
    const value = at(await optionsOf({}), setBelow);
    if (row.default !== undefined) assertEquals(value, meant(row, row.default));
    else if (row.kind === "commands") assertEquals(value, []);
    else assert(value === undefined || value === false, String(value));
    assertEquals(row.default === undefined, row.otherwise !== undefined);
    const help = renderCommandHelp("run", command);
    const label = row.kind === "switch" ? `--[no-]${row.name}` : `--${row.name} ${row.value}`;
    assertEquals(help.includes(label), !row.noFlag);
    const said = help.split("\n").find((each) => each.includes(` ${label} `)) ?? "";
    const end = row.default === undefined ? row.help : `${row.help} (default ${row.default})`;
    if (!row.noFlag) assert(said.endsWith(end), said);
  });

  Deno.test(`the option ${row.name} is read by precedence: flag, variable, project, user`, async () => {
    const all: Given = {
      args: row.noFlag ? [] : flagFor(row, first),
      env: { [variableOf(row)]: second },
      project: row.setting === undefined ? "" : toml(row, third),
      user: row.setting === undefined ? "" : toml(row, second),
    };
    const options = await optionsOf(all);
    if (row.kind === "commands") {
      assertEquals(at(options, above), [first, second, third]);
      return;
    }
    if (!row.noFlag) assertEquals(at(options, above), meant(row, first));
    const { args: _args, ...noFlag } = all;
    assertEquals(at(await optionsOf(noFlag), fromVariable), meant(row, second));
    if (row.setting === undefined) return;
    const { env: _env, ...files } = noFlag;
    assertEquals(at(await optionsOf(files), setBelow), meant(row, third));
  });

  Deno.test(`the option ${row.name} is documented`, async () => {
    const docs = (await readPages()).find(({ path }) => path === DOCS);
    const table = docs?.table("flag", "setting", "environment", "default", "meaning") ?? [];
    const documented = table.find((each) =>
      codeOf(each["environment"] ?? "")[0] === variableOf(row)
    );
    assert(documented !== undefined, `${variableOf(row)} is not in the table of ${DOCS}`);
    const flags = row.short === undefined ? [] : [`-${row.short}`];
    flags.push(row.value === undefined ? `--${row.name}` : `--${row.name} ${row.value}`);
    assertEquals(codeOf(documented["flag"] ?? ""), row.noFlag ? [] : flags);
    assertEquals(codeOf(documented["setting"] ?? "")[0], row.setting);
    const words = row.default === undefined ? row.otherwise : `\`${row.default}\``;
    assertEquals(documented["default"], words);
    assert((documented["meaning"] ?? "").length > 10);
  });
}

Deno.test("an option of a run has one variable, one setting, one place for each side of prd.json", () => {
  const unique = (values: readonly (string | undefined)[]) => {
    const defined = values.filter((value) => value !== undefined);
    assertEquals(new Set(defined).size, defined.length);
  };
  unique(RUN_OPTION_ROWS.map(variableOf));
  unique(RUN_OPTION_ROWS.map((row) => row.setting));
  unique(RUN_OPTION_ROWS.map((row) => row.short));
  unique([...RUN_OPTION_ROWS.map((row) => row.to), ...RUN_OPTION_ROWS.map((row) => row.below?.to)]);
  // These mean something else to agents and hooks.
  for (const taken of ["RALPH_SESSION", "RALPH_RUN", "RALPH_TASK", "RALPH_EVENT", "RALPH_DEBUG"]) {
    assert(!RUN_OPTION_ROWS.some((row) => variableOf(row) === taken), taken);
  }
});

Deno.test("the defaults of the command are those of the loop", async () => {
  const { failoverRules, failover } = await optionsOf({});
  assertEquals({ ...DEFAULT_FAILOVER_RULES, ...failoverRules }, DEFAULT_FAILOVER_RULES);
  assertEquals(failover, [...DEFAULT_FAILOVER]);
});

Deno.test("runOptions() refuses values that are none, and says where they come from", async () => {
  const cases: [Given, string][] = [
    [{ env: { RALPH_ITERATIONS: "many" } }, 'Invalid number "many" for RALPH_ITERATIONS'],
    [{ env: { RALPH_YOLO: "maybe" } }, 'Invalid value "maybe" for RALPH_YOLO'],
    [{ env: { RALPH_AGENT: "claud" } }, 'Unknown agent "claud" for RALPH_AGENT'],
    [{ env: { RALPH_AGENTS: "claude,x" } }, 'Unknown agent "x" for RALPH_AGENTS'],
    [{ env: { RALPH_PIN: "constructor" } }, "Invalid value"],
    [{ args: ["--max-cost", "0"] }, 'Invalid amount "0" for --max-cost'],
    [{ args: ["-i", "-5"] }, 'Invalid number "-5" for --iterations'],
    [{ project: 'max_time = "soon"\n' }, 'Invalid duration "soon" for the setting max_time'],
    [{ project: 'failover = ["claude", "x"]\n' }, 'Unknown agent "x" for the setting failover'],
  ];
  for (const [given, message] of cases) {
    await assertRejects(() => optionsOf(given), UsageError, message);
  }
});

Deno.test("runOptions() refuses a flag that there is not, for programs that misspell one", async () => {
  const task = { name: "job", dir: "/x", root: "/x", prdFile: "", progressFile: "" };
  for (const flags of [{ iteration: "3" }, { backoff: "1s" }]) {
    const run = runOptions(task, { flags, env: { HOME: "/x" } });
    await assertRejects(() => run, UsageError, "Unknown option");
  }
});

Deno.test("runOptions() lets --no-require-commit win over the setting", async () => {
  const project = "require_commit = true\n";
  assertEquals((await optionsOf({ project })).requireCommit, true);
  assertEquals((await optionsOf({ project, args: ["--no-require-commit"] })).requireCommit, false);
});

Deno.test("ralph run tells its worker nothing on the command line", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    'ps -ww -o args= -p $PPID > "$(dirname "$0")/cmdline"; pass US-001; work one',
  ]);
  const options = await configure(repo, { agent });
  const check = "test sk-secret-9 = sk-secret-9";
  const args = ["run", "job", "-a", "agent", "--check", check, "--json"];
  const { code, stdout } = await ralph(args, options);
  assertEquals(code, 0);
  assertStringIncludes(stdout, '"type":"check_finished"');
  const cmdline = await readFile(join(repo.outside, "agent", "cmdline"), "utf8");
  assertStringIncludes(cmdline, " __session 0");
  assert(!cmdline.includes("secret") && !cmdline.includes("--check"), cmdline);
});

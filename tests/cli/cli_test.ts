import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { isProcessGroupAlive } from "../../lib/base/end_processes.ts";
import { VERSION } from "../../lib/version.ts";
import config from "../../deno.json" with { type: "json" };
import { configure, ralph, startRalph } from "../kit/ralph_process.ts";
import { scriptedAgent, taskRepo } from "../kit/scripted_agent.ts";
import { tempDir, tempRepo } from "../kit/testing.ts";

Deno.test("ralph --version prints the version of deno.json", async () => {
  await using dir = await tempDir();
  const { code, stdout } = await ralph(["--version"], { cwd: dir.path, home: dir.path });
  assertEquals([code, stdout], [0, `ralph ${config.version}\n`]);
  assertEquals(VERSION, config.version);
});

Deno.test("ralph exits with 0 when every story passes", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["pass US-001; work one"]);
  const options = await configure(repo, { agent });
  const { code, stdout } = await ralph(["run", "job", "-a", "agent"], options);
  assertEquals(code, 0);
  assertMatch(stdout, /^\S+Z job started session=\S+ agent=agent stories=0\/1/);
  assertStringIncludes(stdout, "Completed job: 1 of 1 story in 1 iteration");
  const again = await ralph(["run"], options);
  assertEquals(again.code, 0);
  assertEquals(await agent.calls(), 1);
});

Deno.test("ralph exits with 1 and says the cause when no agent is left", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["echo 'bad option' >&2; exit 1"]);
  const options = await configure(repo, { agent });
  const { code, stdout } = await ralph(["run", "job", "-a", "agent"], options);
  assertEquals(code, 1);
  assertStringIncludes(stdout, "no agent is left");
  assertStringIncludes(stdout, "agent: Exit code 1");
  assertStringIncludes(stdout, "bad option");
  const progress = await readFile(repo.task.progressFile, "utf8");
  assertStringIncludes(progress, "FAILURE (Iteration 3)");
  assertStringIncludes(progress, "bad option");
});

Deno.test("ralph exits with 1 for a broken prd.json, and names the place", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await configure(repo, {});
  await writeFile(repo.task.prdFile, '{\n  "userStories": [\n    {"id": "US-001"\n');
  const { code, stderr } = await ralph(["run", "job", "-a", "demo"], options);
  assertEquals(code, 1);
  assertMatch(stderr, /^error: .*prd\.json is not valid JSON at line \d+, column \d+/);
});

Deno.test("ralph exits with 2 for an unknown name, and suggests the nearest one", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await configure(repo, {});
  const cases: [string[], string, string][] = [
    [["rum"], 'Unknown command "rum"', "did you mean ralph run?"],
    [["run", "--iteration", "3"], 'Unknown option "--iteration"', "did you mean --iterations?"],
    [["run", "jobb"], 'Cannot find task "jobb"', "did you mean job?"],
    [["run", "../../etc"], "../../etc", ""],
    [["run", "job", "-i", "many"], 'Invalid number "many"', ""],
    [["run", "job", "--max-time", "soon"], 'Invalid duration "soon"', "90s, 15m or 2h"],
    [["run", "job", "-a", "claud"], 'Unknown agent "claud"', "did you mean claude?"],
    [["run", "job", "--iterations"], "needs a value", ""],
    [["tasks", "extra"], 'Unexpected argument "extra"', ""],
    [["run", "--yolo=no"], 'Option --yolo takes no value, but got "no"', "--no-yolo turns it off"],
    [["status", "--json=maybe"], 'Option --json takes no value, but got "maybe"', ""],
    [["systemd", "prnt"], 'Unknown action "prnt"', "did you mean ralph systemd print?"],
    [["systemd", "print", "opencod"], 'Unknown unit "opencod"', "print opencode?"],
    [["help", "statsu"], 'Unknown command "statsu"', "did you mean ralph status?"],
    [["--hlep"], 'Unknown option "--hlep"', "did you mean --help?"],
    [["worker", "job"], 'Unknown command "worker"', "hint: ralph --help"],
    [["init", "bad name!"], 'Cannot make task "bad name!"', "ralph init bad-name"],
  ];
  for (const [args, message, hint] of cases) {
    const { code, stderr, stdout } = await ralph(args, options);
    assertEquals(code, 2, `${args.join(" ")}: ${stderr}`);
    assertStringIncludes(stderr, message);
    assertStringIncludes(stderr, hint);
    assertEquals(stdout, "");
  }
});

Deno.test("ralph exits with 2 and lists the tasks when there are several", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  await mkdir(join(repo.root, "tasks", "other"));
  await writeFile(join(repo.root, "tasks", "other", "prd.json"), '[{"id":"x"}]');
  const options = await configure(repo, {});
  const { code, stderr } = await ralph(["run"], options);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "job, other");
});

Deno.test("ralph exits with 3 when a limit is reached, and lists the open stories", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["work more"]);
  const options = await configure(repo, { agent });
  const { code, stdout } = await ralph(["run", "job", "-a", "agent", "-i", "2"], options);
  assertEquals(code, 3);
  assertStringIncludes(stdout, "iteration limit (2) reached");
  assertStringIncludes(stdout, "US-001 (2 attempts)");
  assertStringIncludes(stdout, "exit code 3");
});

Deno.test("ralph exits with 4 when it is blocked, and says which stories wait for which", async () => {
  await using repo = await taskRepo([{ id: "US-001", blockedBy: ["US-002"] }, {
    id: "US-002",
    decisionConfig: { slug: "db", inputFile: "db.md", status: "pending" },
  }]);
  const options = await configure(repo, {});
  const { code, stdout } = await ralph(["run", "job", "-a", "demo"], options);
  assertEquals(code, 4);
  assertStringIncludes(stdout, "US-001 (needs US-002)");
  assertStringIncludes(stdout, "db.md");
});

Deno.test("ralph exits with 5 when the agent is not installed, and changes nothing", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { branchName: "ralph/job" });
  const options = await configure(repo, {
    gone: {
      command: ["/nowhere/agent"],
      calls: () => Promise.resolve(0),
      prompt: () => Promise.resolve(""),
    },
  });
  const { code, stderr } = await ralph(["run", "job", "-a", "gone"], options);
  assertEquals(code, 5);
  assertStringIncludes(stderr, "no agent is ready");
  assertStringIncludes(stderr, "/nowhere/agent");
  assertEquals((await repo.git("branch", "--show-current")).trim(), "main");
  assertEquals(await repo.git("status", "--porcelain"), "");
});

for (const [signal, expected] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129]] as const) {
  Deno.test(`ralph exits with ${expected} on ${signal}, with nothing left running`, async () => {
    await using repo = await taskRepo([{ id: "US-001" }]);
    const agent = await scriptedAgent(join(repo.outside, "agent"), ["echo up; sleep 60"]);
    const options = await configure(repo, { agent });
    const args = ["run", "job", "-a", "agent", "--json", "--foreground"];
    const { child, result } = startRalph(args, options);
    let group = 0;
    let sent = false;
    let seen = "";
    child.stdout?.on("data", (text: string) => {
      seen += text;
      group ||= Number(seen.match(/"kind":"process","pid":(\d+)/)?.[1] ?? 0);
      if (sent || group === 0 || !seen.includes('"line":"up"')) return;
      sent = true;
      // Not child.kill(): Deno would report the signal instead of the exit code.
      process.kill(child.pid ?? 0, signal);
    });
    const { code, stdout } = await result;
    assertEquals(code, expected);
    assert(group > 0);
    assertEquals(await isProcessGroupAlive(group), false);
    assertStringIncludes(stdout, '"outcome":"stopped"');
    assertStringIncludes(await readFile(repo.task.progressFile, "utf8"), "CHECKPOINT at ");
  });
}

Deno.test("ralph run --json prints one event a line and nothing else", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["pass US-001; work one"]);
  const options = await configure(repo, { agent });
  const { stdout } = await ralph(["run", "job", "-a", "agent", "--json"], options);
  const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(events[0].type, "loop_started");
  assertEquals(events.at(-1).type, "loop_finished");
  assertEquals(events.at(-1).result.outcome, "completed");
});

Deno.test("ralph run works from a subfolder, by name and by path", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await configure(repo, {});
  const deep = join(repo.root, "src", "deep");
  await mkdir(deep, { recursive: true });
  for (const name of ["job", "../../tasks/job", repo.task.dir, repo.task.prdFile]) {
    const { code, stderr } = await ralph(["check", name], { ...options, cwd: deep });
    assertEquals([code, stderr], [0, ""]);
  }
});

Deno.test("ralph settings with an unknown key are refused", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await configure(repo, {}, "iteration = 4");
  const { code, stderr } = await ralph(["run", "job", "-a", "demo"], options);
  assertEquals(code, 2);
  assertStringIncludes(stderr, 'unknown key "iteration"');
  assertStringIncludes(stderr, "did you mean iterations?");
});

Deno.test("ralph init, convert, check, tasks and run work together", async () => {
  await using dir = await tempRepo();
  const options = { cwd: dir.path, home: join(dir.path, ".git", "home") };
  const call = async (...args: string[]) => {
    const result = await ralph(args, options);
    assertEquals([result.code, result.stderr], [0, ""], args.join(" "));
    return result.stdout;
  };
  assertStringIncludes(await call("init", "tea-time"), "tasks/tea-time/prd.md");
  assertEquals((await ralph(["init", "tea-time"], options)).code, 2);
  assertStringIncludes(await call("tasks"), "not converted");
  assertStringIncludes(await call("convert", "tea-time"), "2 stories, 4 criteria");
  assertStringIncludes(await call("convert", "tea-time"), "unchanged");
  // What the template says is nothing to work on: the same words from both.
  const unfilled = 'Story "US-001" is still the one of the template';
  const check = await ralph(["check", "tea-time"], options);
  assertEquals(check.code, 1);
  assertStringIncludes(check.stdout, unfilled);
  const run = await ralph(["run", "tea-time", "-a", "demo"], options);
  assertEquals(run.code, 1);
  assertStringIncludes(run.stderr, unfilled);
  const file = join(dir.path, "tasks", "tea-time", "prd.md");
  const filled = (await readFile(file, "utf8"))
    .replaceAll("As a user, I want something so that something else.", "Tea is made.")
    .replaceAll("Something that can be checked", "There is tea");
  await writeFile(file, filled);
  await call("convert", "tea-time");
  assertStringIncludes(await call("check", "tea-time"), "nothing is wrong");
  assertStringIncludes(await call("run", "tea-time", "-a", "demo"), "Completed tea-time");
  assertMatch(await call("tasks"), /tea-time +2\/2 +ralph\/tea-time +done/);
});

Deno.test("ralph check reports errors, and restores the last good copy", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["work one"]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "-i", "1"], options);
  const good = await readFile(repo.task.prdFile, "utf8");
  await writeFile(repo.task.prdFile, good.slice(0, 60));
  const broken = await ralph(["check"], options);
  assertEquals(broken.code, 1);
  assertMatch(broken.stdout, /prd\.json:\d+: error: /);
  assertEquals((await ralph(["check", "--restore"], options)).code, 0);
  assertEquals(await readFile(repo.task.prdFile, "utf8"), good);
  assertEquals(await readFile(`${repo.task.prdFile}.broken`, "utf8"), good.slice(0, 60));
});

Deno.test("ralph alone says what is here and what is running, each with its command", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  await mkdir(join(repo.root, "tasks", "it's new"));
  await writeFile(join(repo.root, "tasks", "it's new", "prd.md"), "# PRD: New\n");
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["pass US-001; work one"]);
  const options = await configure(repo, { agent });
  const { code, stdout, stderr } = await ralph([], options);
  assertEquals([code, stderr], [0, ""]);
  const lines = stdout.split("\n");
  assert(lines.findIndex((line) => line === "") === 3, stdout);
  assertMatch(
    stdout,
    /^Tasks here:\n {2}it's new +ralph convert 'it'\\''s new'\n {2}job +ralph run job$/m,
  );
  assertMatch(stdout, /\nEvery command: ralph --help\n$/);
  assert(!stdout.includes("Running:"), stdout);
});

Deno.test("ralph alone names sessions that run, wherever it is called", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["sleep 60"]);
  const options = await configure(repo, { agent });
  assertEquals((await ralph(["run", "job", "-a", "agent", "-d"], options)).code, 0);
  const elsewhere = await ralph([], { ...options, cwd: options.home });
  assertMatch(elsewhere.stdout, /^Running:\n {2}job, 0 of 1 stories +ralph attach job$/m);
  assertStringIncludes(elsewhere.stdout, "ralph --help");
  await ralph(["stop", "job", "--now"], options);
  assert(!(await ralph([], options)).stdout.includes("Running:"));
});

Deno.test("ralph alone works outside of a repository, and with a registry that is none", async () => {
  await using dir = await tempDir();
  const data = join(dir.path, ".local", "share", "ralph");
  const options = { cwd: dir.path, home: dir.path };
  const first = await ralph([], options);
  assertEquals([first.code, first.stderr], [0, ""]);
  assertStringIncludes(first.stdout, "ralph demo");
  await mkdir(data, { recursive: true });
  await writeFile(join(data, "sessions.db"), "not a database");
  assertEquals(await ralph([], options), first);
});

Deno.test("ralph --json has the hint of an error in a field of its own", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await configure(repo, {
    gone: {
      command: ["/nowhere/agent"],
      calls: () => Promise.resolve(0),
      prompt: () => Promise.resolve(""),
    },
  });
  const cases: [string[], { error: RegExp; hint: RegExp; details: number; exitCode: number }][] = [
    [["show", "jobb"], {
      error: /Cannot find/,
      hint: /did you mean job\?/,
      details: 0,
      exitCode: 2,
    }],
    [["run", "-i", "0"], { error: /Invalid number/, hint: /^$/, details: 0, exitCode: 2 }],
    [["run", "-m", "--pin"], {
      error: /needs a value/,
      hint: /^--model=/,
      details: 0,
      exitCode: 2,
    }],
    [["rpc"], { error: /No session is running/, hint: /ralph status/, details: 0, exitCode: 2 }],
    [["systemd"], { error: /No action/, hint: /^ralph systemd print/, details: 0, exitCode: 2 }],
    // Told by the worker.
    [["run", "-a", "gone"], {
      error: /no agent is ready/,
      hint: /^$/,
      details: 1,
      exitCode: 5,
    }],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await ralph([...args, "--json"], options);
    const { error, hint = "", details, exitCode } = JSON.parse(stdout);
    assertMatch(error, expected.error);
    assertMatch(hint, expected.hint);
    assertEquals(details.length, expected.details, stdout);
    assertEquals([exitCode, code], [expected.exitCode, expected.exitCode]);
    assertStringIncludes(stderr, `error: ${error}\n`);
    if (hint !== "") assertStringIncludes(stderr, `hint: ${hint}`);
  }
});

Deno.test("ralph does not pass git's exit code 128 on", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { branchName: "ralph/job" });
  await repo.git("worktree", "add", "--quiet", "-b", "ralph/job", join(repo.outside, "elsewhere"));
  const options = await configure(repo, {});
  const { code, stderr } = await ralph(["run", "job", "-a", "demo"], options);
  assertEquals(code, 1);
  assertMatch(stderr, /^error: /m);
});

Deno.test("ralph prints next lines that can be pasted", async () => {
  await using dir = await tempRepo();
  const options = { cwd: dir.path, home: join(dir.path, ".git", "home") };
  const { code, stdout } = await ralph(["init", "tea&cake"], options);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "next: ralph convert 'tea&cake'\n");
  const printed = await ralph(["convert", "tea&cake", "--output", "-"], options);
  assertEquals([printed.code, printed.stderr], [0, ""]);
  assertEquals(JSON.parse(printed.stdout).userStories.length, 2);
  assertEquals((await ralph(["tasks"], options)).stdout.includes("not converted"), true);
  const made = await ralph(["convert", "tea&cake"], options);
  assertStringIncludes(made.stdout, "next: ralph run 'tea&cake'\n");
});

Deno.test("ralph never suggests what was typed", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await configure(repo, {});
  const { code, stderr } = await ralph(["run", "lib/job"], options);
  assertEquals(code, 2);
  await mkdir(join(repo.root, "elsewhere", "job"), { recursive: true });
  const empty = await ralph(["run", "./elsewhere/job"], options);
  assertEquals(empty.code, 2);
  for (const said of [stderr, empty.stderr]) assert(!said.includes("did you mean"), said);
});

Deno.test("ralph prints its help, and that of every command", async (t) => {
  await using dir = await tempDir();
  const options = { cwd: dir.path, home: dir.path };
  const { code, stdout } = await ralph(["--help"], options);
  assertEquals(code, 0);
  const names = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\w/gm)].map(([, name]) => name ?? "");
  assert(names.includes("run") && names.includes("demo"), stdout);
  for (const name of names) {
    const help = await ralph(["help", name], options);
    assertEquals(help.code, 0);
    assertEquals((await ralph([name, "--help"], options)).stdout, help.stdout);
    assertStringIncludes(help.stdout, `Usage: ralph ${name}`);
    for (const line of help.stdout.split("\n")) assert(line.length <= 130, line);
  }
  await t.step("the same for help, --help and -h", async () => {
    for (const args of [["help"], ["-h"]]) {
      assertEquals((await ralph(args, options)).stdout, stdout);
    }
  });
  await t.step("in the groups that people look for", () => {
    const groups = [...stdout.matchAll(/^(\w[\w ]*):$/gm)].map(([, group]) => group);
    assertEquals(groups, ["Examples", "Work", "Watch", "Steer", "Keep", "Set up", "For programs"]);
    assert(!stdout.includes("__session"));
  });
  await t.step("as one screen", () => {
    assert(stdout.split("\n").length <= 36);
  });
});

const PRD_MD = `# PRD: Tea time

## User Stories

### US-001: Boil water
**Description:** Boil it.

**Acceptance Criteria:**
- [ ] it boils
`;

Deno.test("ralph convert --output writes the file that is named, and no other", async () => {
  await using dir = await tempRepo();
  const options = { cwd: join(dir.path, "docs"), home: join(dir.path, ".git", "home") };
  const taskDir = join(dir.path, "tasks", "tea-time");
  await mkdir(options.cwd);
  await mkdir(taskDir, { recursive: true });
  await writeFile(join(taskDir, "prd.md"), PRD_MD);

  const { code, stdout, stderr } = await ralph(
    ["convert", "tea-time", "--output", "new/tea.json"],
    options,
  );
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout, "new/tea.json: 1 story, 1 criterion\n  added    US-001\n");
  assertEquals(await readdir(taskDir), ["prd.md"]);
  const file = join(options.cwd, "new", "tea.json");
  const text = await readFile(file, "utf8");

  // Converting again keeps what was done, as it does in a task's folder.
  await writeFile(file, text.replaceAll('"passes": false', '"passes": true'));
  const again = await ralph(["convert", "tea-time", "-o", "new/tea.json"], options);
  assertStringIncludes(again.stdout, "new/tea.json: 1 story, 1 criterion");
  assertStringIncludes(await readFile(file, "utf8"), '"passes": true');

  assertEquals((await ralph(["convert", "tea-time"], options)).code, 0);
  assertEquals(await readFile(join(taskDir, "prd.json"), "utf8"), text);
});

Deno.test("ralph convert FILE.md --output makes no task of the file, and needs no repository", async () => {
  await using dir = await tempDir();
  await writeFile(join(dir.path, "tea-time.prd.md"), PRD_MD);
  const args = ["convert", "tea-time.prd.md", "--output", "tea.json"];
  const { code, stderr } = await ralph(args, { cwd: dir.path, home: join(dir.path, "home") });
  assertEquals([code, stderr], [0, ""]);
  const names = (await readdir(dir.path)).filter((name) => name !== "home");
  assertEquals(names.sort(), ["tea-time.prd.md", "tea.json"]);
  const prd = JSON.parse(await readFile(join(dir.path, "tea.json"), "utf8"));
  assertEquals(prd.userStories[0].id, "US-001");
});

Deno.test("RALPH_DEBUG adds the stack to an error, and changes nothing else of it", async () => {
  await using dir = await tempDir();
  const options = { cwd: dir.path, home: dir.path };
  const call = (env: Record<string, string>) => ralph(["rum"], { ...options, env });
  const plain = await call({});
  const debug = await call({ RALPH_DEBUG: "1" });
  assertEquals([plain.code, debug.code], [2, 2]);
  assertEquals(plain.stderr.split("\n").length, 3, plain.stderr);
  assert(debug.stderr.startsWith(plain.stderr), debug.stderr);
  assertMatch(debug.stderr.slice(plain.stderr.length), /^\S*Error: .*\n +at .*\.ts:\d+:\d+/);
  assertEquals((await call({ RALPH_DEBUG: "" })).stderr, plain.stderr);
});

Deno.test("ralph rotates progress.txt where --rotate-at or rotate_at says, and the option wins", async () => {
  const entries = Array.from({ length: 10 }, (_, i) => `\n## 2026-01-23 - US-0${i}\n- Done\n---\n`);
  const log = `# Ralph Progress Log\nEffort: job\n---\n${entries.join("")}`;
  const lines = log.split("\n").length - 1;
  const cases: [setting: number | undefined, flag: number | undefined, rotates: boolean][] = [
    [undefined, undefined, false],
    [undefined, lines, false],
    [undefined, lines - 1, true],
    [lines - 1, undefined, true],
    [lines - 1, 0, false],
    [0, lines - 1, true],
  ];
  for (const [setting, flag, rotates] of cases) {
    await using repo = await taskRepo([{ id: "US-001", passes: true }]);
    await writeFile(repo.task.progressFile, log);
    const options = await configure(
      repo,
      {},
      setting === undefined ? "" : `rotate_at = ${setting}`,
    );
    const args = flag === undefined ? [] : ["--rotate-at", `${flag}`];
    const run = await ralph(
      ["run", "job", "-a", "demo", "--foreground", "--json", ...args],
      options,
    );
    assertEquals(run.code, 0, run.stderr);
    const rotated = join(repo.task.dir, "progress-1.txt");
    assertEquals(run.stdout.includes('"type":"progress_rotated"'), rotates, `${setting}, ${flag}`);
    assertEquals(await readFile(rotated, "utf8").catch(() => ""), rotates ? log : "");
  }
});

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configure, ralph, ralphCommand, type RalphOptions, TRUST } from "../kit/ralph_process.ts";
import { scriptedAgent, type TaskRepo, taskRepo } from "../kit/scripted_agent.ts";
import { HAS_TMUX, openTerminal, type Terminal } from "../kit/tmux.ts";

const NOBODY = "this repository brings commands that nobody has allowed here";

/** A repository with an agent of the user's, whose user trusts no folder. */
async function strange(
  repo: TaskRepo,
  { replies = ["pass US-001; work one"], settings = "" } = {},
): Promise<RalphOptions> {
  const agent = await scriptedAgent(join(repo.outside, "agent"), replies);
  const options = await configure(repo, { agent });
  const file = join(options.home, ".config", "ralph", "config.toml");
  await writeFile(file, settings + (await readFile(file, "utf8")).replace(TRUST, ""));
  return options;
}

const RUN = ["run", "job", "-a", "agent", "--foreground"];

async function ranOutside(repo: TaskRepo): Promise<string[]> {
  return (await readdir(repo.outside)).filter((name) => name.startsWith("ran-"));
}

Deno.test("ralph run ends with 5 where nobody has allowed the commands of a repository", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { checks: ["touch ../ran-check"] });
  await writeFile(
    join(repo.root, "ralph.toml"),
    '[[hooks]]\non = "*"\ncommand = ["touch", "../ran-hook"]\n' +
      '[agents.theirs]\ncommand = ["touch", "../ran-agent"]\n',
  );
  await repo.git("add", "--all");
  await repo.git("commit", "--quiet", "-m", "Settings");
  const options = await strange(repo);
  const details = [
    "check  touch ../ran-check  tasks/job/prd.json",
    "hook   touch ../ran-hook   ralph.toml (*)",
    "agent  touch ../ran-agent  ralph.toml (theirs)",
  ];
  for (const mode of [["--foreground"], [], ["--detach"], ["--yes"]]) {
    const { code, stdout, stderr } = await ralph(["run", "job", "-a", "agent", ...mode], options);
    const shown = details.map((line) => `  ${line}\n`).join("");
    const hint = "hint: ralph trust job\n";
    assertEquals([code, stdout, stderr], [
      5,
      "",
      `error: Cannot run job: ${NOBODY}\n${shown}${hint}`,
    ]);
  }
  const { code, stdout } = await ralph([...RUN, "--json"], options);
  assertEquals(code, 5);
  assertEquals(JSON.parse(stdout), {
    error: `Cannot run job: ${NOBODY}`,
    hint: "ralph trust job",
    details,
    exitCode: 5,
  });
  assertEquals(await ranOutside(repo), []);

  const trusted = await ralph(["trust", "job"], options);
  assertEquals([trusted.code, trusted.stderr], [0, ""]);
  for (const line of details) assertStringIncludes(trusted.stdout, `  ${line}\n`);
  assertEquals((await ralph(RUN, options)).code, 0);
  assertEquals((await ranOutside(repo)).sort(), ["ran-check", "ran-hook"]);
});

Deno.test("ralph run needs no consent for flags, the user's own settings, and marks and prose", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const settings = 'checks = ["touch ../ran-own"]\n';
  const options = await strange(repo, { settings });
  await writeFile(join(repo.root, "ralph.toml"), "iterations = 4\n");
  await writeFile(join(repo.task.dir, "prompt.md"), "Do {STORY}");
  const { code, stderr } = await ralph([...RUN, "--check", "touch ../ran-flag"], options);
  assertEquals([code, stderr], [0, ""]);
  assertEquals((await ranOutside(repo)).sort(), ["ran-flag", "ran-own"]);
});

Deno.test("ralph run --trust allows what a repository runs, for CI", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { checks: ["touch ../ran-check"] });
  const options = await strange(repo);
  assertEquals((await ralph([...RUN, "--trust"], options)).code, 0);
  assertEquals(await ranOutside(repo), ["ran-check"]);
  // As ralph trust does: it stays allowed.
  assertEquals((await ralph(["run", "job", "-a", "agent"], options)).code, 0);
});

Deno.test("ralph run asks nothing below a trusted folder, which may begin with ~", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { checks: ["true"] });
  for (const [trust, expected] of [["~/code", 5], ["~/../rep", 5], ["~/../repo", 0]] as const) {
    const options = await strange(repo, { settings: `trust = ["~/missing", "${trust}"]\n` });
    const { code, stderr } = await ralph(RUN, options);
    assertEquals([trust, code], [trust, expected], stderr);
  }
});

Deno.test("a ralph.toml cannot trust itself", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { checks: ["true"] });
  const options = await strange(repo);
  await writeFile(join(repo.root, "ralph.toml"), 'trust = ["/"]\n');
  for (const args of [RUN, ["trust", "job"]]) {
    const { code, stderr } = await ralph(args, options);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "a repository cannot trust itself");
  }
});

Deno.test("a changed, removed or new command asks again and shows the difference", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { checks: ["npm test", "npm run lint"] });
  const options = await strange(repo);
  assertEquals((await ralph(["trust", "job"], options)).code, 0);
  const text = await readFile(repo.task.prdFile, "utf8");
  await writeFile(repo.task.prdFile, text.replace("npm test", "npm test || true"));
  const { code, stderr } = await ralph(RUN, options);
  assertEquals(code, 5);
  assertEquals(
    stderr,
    "error: Cannot run job: what this repository runs or judges by has changed since it was " +
      "allowed here\n" +
      "  - check  npm test          tasks/job/prd.json\n" +
      "  + check  npm test || true  tasks/job/prd.json\n" +
      "hint: ralph trust job\n",
  );
  const { stdout } = await ralph(["trust", "job", "--json"], options);
  const [report] = JSON.parse(stdout).tasks;
  assertEquals([report.task, report.allowed, report.hash.length], ["job", true, 64]);
  assertEquals(report.change.removed[0].run, "npm test");
  assertEquals(report.executables.map((each: { run: string }) => each.run), [
    "npm run lint",
    "npm test || true",
  ]);
});

Deno.test("a clone asks again, and a worktree of an allowed repository does not", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { checks: ["true"] });
  const options = await strange(repo);
  assertEquals((await ralph(["trust"], options)).code, 0);
  const clone = join(repo.outside, "clone");
  await repo.git("clone", "--quiet", ".", clone);
  assertEquals((await ralph(RUN, { ...options, cwd: clone })).code, 5);
  const tree = join(repo.outside, "tree");
  await repo.git("worktree", "add", "--quiet", tree);
  const { code, stderr } = await ralph(RUN, { ...options, cwd: tree });
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("ralph trust --show allows nothing, and --forget takes back what was allowed", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { checks: ["true"] });
  const options = await strange(repo);
  const shown = await ralph(["trust", "--show"], options);
  assertEquals(shown.code, 0);
  assertStringIncludes(shown.stdout, "not allowed yet");
  assertEquals((await ralph(RUN, options)).code, 5);
  assertStringIncludes((await ralph(["trust"], options)).stdout, "allowed from now on");
  assertStringIncludes((await ralph(["trust", "--show"], options)).stdout, "(allowed)");
  assertEquals((await ralph(["trust", "--forget"], options)).code, 0);
  assertEquals((await ralph(RUN, options)).code, 5);
});

Deno.test("ralph trust does nothing for an agent, whatever it calls", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { checks: ["true"] });
  const options = await strange(repo);
  const inside = { ...options, env: { RALPH_SESSION: "01JD0000000000000000000000" } };
  for (const args of [["trust", "job"], ["trust", "--forget"]]) {
    const { code, stderr } = await ralph(args, inside);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "from within a session");
  }
  assertEquals((await ralph([...RUN, "--trust"], inside)).code, 5);
  assertEquals((await ralph(RUN, options)).code, 5);
});

Deno.test("ralph init and convert need no consent, but launder no checks", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { checks: ["true"] });
  const options = await strange(repo);
  assertEquals((await ralph(["init", "mine"], options)).code, 0);
  const markdown = "# PRD: Mine\n\n## User Stories\n\n### US-001: One\n**Description:** One.\n\n" +
    "**Acceptance Criteria:**\n- [ ] It works\n\n## Merge Target\n\nNone\n";
  await writeFile(join(repo.root, "tasks", "mine", "prd.md"), markdown);
  assertEquals((await ralph(["convert", "mine"], options)).code, 0);
  const args = ["run", "mine", "-a", "agent", "--foreground", "-i", "1"];
  // The agent marks the story of another task, so the limit ends this one.
  assertEquals((await ralph(args, options)).code, 3);
  await writeFile(join(repo.task.dir, "prd.md"), markdown);
  assertEquals((await ralph(["convert", "job"], options)).code, 0);
  assertEquals((await ralph(RUN, options)).code, 5);
});

Deno.test("ralph doctor runs no program of a repository that nobody has allowed", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { checks: ["touch ../ran-check"] });
  const options = await strange(repo);
  const program = join(repo.root, "agent.sh");
  await writeFile(program, '#!/bin/sh\ntouch "$(dirname "$0")/../ran-agent"; echo 1.0.0\n');
  await chmod(program, 0o755);
  await writeFile(
    join(repo.root, "ralph.toml"),
    `agent = "theirs"\n[agents.theirs]\ncommand = ["${program}"]\nversion_args = ["--version"]\n` +
      `[agents.claude]\nprogram = "${program}"\n[[hooks]]\non = "*"\ncommand = ["${program}"]\n`,
  );
  const { stdout } = await ralph(["doctor", "--json"], options);
  assertEquals(await ranOutside(repo), []);
  const { findings } = JSON.parse(stdout);
  const found = findings.find(({ title }: { title: string }) => title === "trust");
  assertEquals([found.level, found.fix], ["warning", "ralph trust"]);
  assertMatch(found.detail, /^not trusted: .*check touch \.\.\/ran-check tasks\/job\/prd\.json/);
  assert(!findings.some(({ title }: { title: string }) => title === "theirs"));
  // Nothing else runs anything either.
  for (const args of [["tasks"], ["check"], ["status"], ["history"], ["convert", "job"], []]) {
    await ralph(args, options);
  }
  assertEquals(await ranOutside(repo), []);

  await ralph(["trust"], options);
  const allowed = JSON.parse((await ralph(["doctor", "--json"], options)).stdout).findings;
  assert(allowed.some(({ title }: { title: string }) => title.startsWith("theirs")));
  assertEquals(await ranOutside(repo), ["ran-agent"]);
});

Deno.test("what a hostile check hides is spelled out, and nothing reaches the terminal", async () => {
  const check = `true ${" ".repeat(300)}\x1b]52;c;aGk=\x07\x1b[2K\u202e\u200b\nrm -rf ~ #end`;
  await using repo = await taskRepo([{ id: "US-001" }], { checks: [check] });
  const options = await strange(repo);
  const hidden = /\p{C}/u;
  for (const args of [RUN, [...RUN, "--json"], ["trust", "--show"], ["doctor"]]) {
    const { stdout, stderr } = await ralph(args, options);
    for (const line of `${stdout}${stderr}`.split("\n")) assert(!hidden.test(line), line);
    assertStringIncludes(`${stdout}${stderr}`.replaceAll("\\\\", "\\"), "\\nrm -rf ~ #end");
    assertStringIncludes(`${stdout}${stderr}`, "u{1b}]52;c;aGk=");
  }
});

const ignore = !HAS_TMUX;
const why = ignore ? " (skipped: no tmux)" : "";

function terminal(args: string[], options: RalphOptions): Promise<Terminal> {
  const { command, env } = ralphCommand(args, options);
  const line = command.map((word) => `'${word}'`).join(" ");
  return openTerminal(line, {
    cwd: options.cwd,
    env: { ...env, TERM: "xterm-256color", LANG: "C.UTF-8" },
  });
}

Deno.test({
  name: `ralph run on a terminal shows the commands and asks once${why}`,
  ignore,
  async fn() {
    await using repo = await taskRepo([{ id: "US-001" }], { checks: ["test -f one.txt"] });
    const options = await strange(repo);
    const args = ["run", "job", "-a", "agent"];
    {
      await using no = await terminal(args, options);
      assertStringIncludes(await no.until("Allow this?"), "check  test -f one.txt");
      await no.type("Enter");
      const shown = await no.until("exit 5");
      assertStringIncludes(shown, "error: Cannot run job: it was not allowed");
    }
    {
      await using yes = await terminal(args, options);
      await yes.until("Allow this?");
      await yes.type("y");
      await yes.until("exit 0");
    }
    await writeFile(
      repo.task.prdFile,
      (await readFile(repo.task.prdFile, "utf8")).replace("test -f one.txt", "true"),
    );
    await using again = await terminal(args, options);
    const shown = await again.until("Allow this?");
    assertStringIncludes(shown, "- check  test -f one.txt");
    assertStringIncludes(shown, "+ check  true");
    await again.type("y");
    await again.until("exit 0");
    // Once more: it was asked and answered.
    assertEquals((await ralph(args, options)).code, 0);
  },
});

Deno.test("ralph demo asks nothing", async () => {
  await using repo = await taskRepo([{ id: "US-001" }], { checks: ["touch ../ran-check"] });
  const options = await strange(repo);
  await mkdir(join(repo.outside, "tmp"));
  const env = { TMPDIR: join(repo.outside, "tmp") };
  const { code, stderr } = await ralph(["demo"], { ...options, env });
  assertEquals([code, stderr], [0, ""]);
  assertEquals(await ranOutside(repo), []);
});

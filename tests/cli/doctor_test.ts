import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { chmod, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { findProgram } from "../../lib/base/find_program.ts";
import { type DoctorCheck, runDoctorChecks } from "../../lib/cli/doctor/doctor_check.ts";
import { runtimeFinding } from "../../lib/cli/doctor/doctor_tools.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import { type DoctorFinding, doctorLines } from "../../lib/ui/report/doctor_lines.ts";
import { ralph, type RalphOptions } from "../kit/ralph_process.ts";
import { type TaskRepo, taskRepo } from "../kit/scripted_agent.ts";
import { tempDir } from "../kit/testing.ts";

/** A machine on which only git and the programs of a test are installed. */
async function withPrograms(
  repo: { outside: string; root: string },
  programs: Record<string, string>,
): Promise<RalphOptions> {
  const bin = join(repo.outside, "bin");
  await mkdir(bin, { recursive: true });
  const git = await findProgram("git", { env: { PATH: process.env.PATH ?? "" } });
  await symlink(git ?? "", join(bin, "git")).catch(() => {});
  for (const [name, script] of Object.entries(programs)) {
    await rm(join(bin, name), { force: true });
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const home = join(repo.outside, "home");
  await mkdir(home, { recursive: true });
  return { cwd: repo.root, home, env: { PATH: bin } };
}

const CLAUDE = 'echo "2.1.197 (Claude Code)"';

async function doctor(options: RalphOptions): Promise<{ code: number | null; json: Report }> {
  const { code, stdout, stderr } = await ralph(["doctor", "--json"], options);
  assertEquals(stderr, "");
  return { code, json: JSON.parse(stdout) };
}

interface Report {
  ok: boolean;
  findings: DoctorFinding[];
}

function finding({ findings }: Report, title: string): DoctorFinding | undefined {
  return findings.find((each) => each.title === title || each.title.startsWith(`${title} `));
}

/** Everything below the home and the repository, to see what was changed. */
async function filesOf(repo: TaskRepo): Promise<string[]> {
  const files = await readdir(repo.outside, { recursive: true });
  // Deno's own cache, and what git writes when it looks at its index.
  return files.filter((file) => !file.includes(".git/") && !file.includes(".cache")).sort();
}

Deno.test("ralph doctor exits with 0 if a run can start, and changes nothing", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await withPrograms(repo, { claude: CLAUDE, gh: "echo gh version 2.40.1" });
  const before = await filesOf(repo);
  const { code, stdout, stderr } = await ralph(["doctor"], options);
  assertEquals([code, stderr], [0, ""]);
  const bin = join(repo.outside, "bin");
  assertMatch(stdout, /^✔ ralph \d+\.\d+\.\d+ +on Deno \d/m);
  assertMatch(stdout, /^✔ git 2\.\d+\.\d+ +commits as Tester <tester@example\.com>$/m);
  const lines = stdout.replaceAll(/ {2,}/g, "  ");
  assertStringIncludes(lines, `✔ claude 2.1.197  ${bin}/claude, sign-in not checked\n`);
  assertMatch(stdout, /^· codex +"codex" is not on PATH$/m);
  assertStringIncludes(lines, `✔ repository  ${repo.root}\n`);
  assertStringIncludes(lines, "✔ tasks  1 prd.json can be read\n");
  assertStringIncludes(lines, `✔ gh 2.40.1  ${bin}/gh, sign-in not checked\n`);
  assertMatch(stdout, /\n\d+ ok\n$/);
  assertEquals(await filesOf(repo), before);
});

Deno.test("ralph doctor exits with 5 if no agent can run, and says how to get one", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const { code, json } = await doctor(await withPrograms(repo, { codex: "exit 127" }));
  assertEquals([code, json.ok], [5, false]);
  assertEquals(finding(json, "claude")?.level, "warning");
  assertEquals(finding(json, "codex"), {
    level: "warning",
    title: "codex",
    detail: `"${join(repo.outside, "bin", "codex")} --version" fails: exit code 127`,
    fix: `${join(repo.outside, "bin", "codex")} --version`,
  });
  assertEquals(finding(json, "no agent")?.level, "problem");
  assertEquals(json.findings.filter(({ level }) => level === "problem").length, 1);
});

Deno.test("ralph doctor does not start a user's own command to read its version", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const mark = join(repo.outside, "started");
  const options = await withPrograms(repo, { worker: `echo > ${mark}` });
  await mkdir(join(options.home, ".config", "ralph"), { recursive: true });
  const file = join(options.home, ".config", "ralph", "config.toml");
  await writeFile(
    file,
    'agent = "mine"\nfailover = ["mine"]\n[agents.mine]\ncommand = ["worker"]\n',
  );
  const { code, json } = await doctor(options);
  assertEquals(code, 0);
  assertEquals(
    finding(json, "mine")?.detail,
    `${join(repo.outside, "bin", "worker")}, not started`,
  );
  assertEquals(finding(json, "claude")?.level, "info");
  assertEquals((await readdir(repo.outside)).includes("started"), false);
});

Deno.test("ralph doctor reports settings that a run would refuse", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await withPrograms(repo, { claude: CLAUDE });
  const cases: [string, string, string | undefined][] = [
    ["iteration = 3", 'unknown key "iteration"', "did you mean iterations?"],
    ['max_time = "soon"', 'Invalid duration "soon"', "such as the setting max_time 90s"],
    ['agent = "claud"', 'Unknown agent "claud"', "did you mean claude?"],
    ['[agents.mine]\nprompt = "stdin"', "agents.mine.command", undefined],
  ];
  for (const [text, detail, fix] of cases) {
    await writeFile(join(repo.root, "ralph.toml"), `${text}\n`);
    const { code, json } = await doctor(options);
    assertEquals(code, 5, text);
    const settings = finding(json, "settings");
    assertEquals(settings?.level, "problem", text);
    assertStringIncludes(settings?.detail ?? "", detail);
    assertStringIncludes(settings?.fix ?? "", fix ?? "");
    assertEquals(finding(json, "claude")?.level, "ok");
  }
});

Deno.test("ralph doctor finds tasks that cannot be read, and sessions whose worker is dead", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await withPrograms(repo, { claude: CLAUDE });
  await mkdir(join(repo.root, "tasks", "other"));
  await writeFile(join(repo.root, "tasks", "other", "prd.json"), "{");
  const worker = { pid: 2 ** 22 + 1, start: "never" };
  const { database } = sessionPaths({ HOME: options.home });
  {
    using registry = openRegistry({ path: database });
    const common = { taskDir: repo.task.dir, root: repo.root, agent: "claude", worker };
    registry.createSession({ ...common, task: "job", id: "01JD0000000000000000000000" });
  }
  const { code, json } = await doctor(options);
  assertEquals(code, 0);
  assertEquals(finding(json, "tasks")?.detail, "1 prd.json can be read");
  const task = finding(json, "task other");
  assertEquals([task?.level, task?.fix], ["warning", "ralph check other"]);
  assertStringIncludes(task?.detail ?? "", "not valid JSON at line 1, column 2");
  assertEquals(finding(json, "registry")?.detail, `${database}, 0 sessions running`);
  assertEquals(finding(json, "session of job"), {
    level: "warning",
    title: "session of job",
    detail: "01JD0000000000000000000000 is recorded as running, but its worker is dead",
    fix: "ralph status",
  });
  using registry = openRegistry({ path: database });
  assertEquals(registry.findSessions({})[0]?.status, "running");
});

Deno.test("ralph doctor reports a file that is not a registry, and paths that are not folders", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await withPrograms(repo, { claude: CLAUDE });
  const { dataDir, database, stateDir } = sessionPaths({ HOME: options.home });
  await mkdir(dataDir, { recursive: true });
  await writeFile(database, "this is no database, and long enough to be none\n");
  await mkdir(join(stateDir, ".."), { recursive: true });
  await writeFile(stateDir, "");
  const { code, json } = await doctor(options);
  assertEquals(code, 5);
  assertEquals(finding(json, "registry")?.level, "problem");
  assertStringIncludes(finding(json, "registry")?.detail ?? "", "it is not a SQLite database");
  assertEquals(finding(json, `Folder "${stateDir}"`)?.level, "problem");
});

Deno.test("ralph doctor needs git, but no repository and nobody to commit as", async () => {
  await using dir = await tempDir();
  const place = { outside: dir.path, root: dir.path };
  const options = await withPrograms(place, { claude: CLAUDE });
  const { code, json } = await doctor(options);
  assertEquals(code, 0);
  assertEquals(finding(json, "repository")?.level, "info");
  assertEquals(finding(json, "tasks"), undefined);
  const old = await withPrograms(place, { git: "echo git version 2.17.1" });
  const tooOld = await doctor(old);
  assertEquals(tooOld.code, 5);
  assertEquals(finding(tooOld.json, "git")?.detail, "version 2.17.1, expected git 2.23 or newer");
});

Deno.test("ralph doctor says that git has no author for commits", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await withPrograms(repo, { claude: CLAUDE });
  // Otherwise git makes up an address if the host has a full name.
  await repo.git("config", "user.useConfigOnly", "true");
  await repo.git("config", "--unset", "user.name");
  await repo.git("config", "--unset", "user.email");
  const { code, json } = await doctor(options);
  assertEquals(code, 0);
  assertEquals(finding(json, "git")?.level, "warning");
  assertStringIncludes(finding(json, "git")?.fix ?? "", "git config --global user.email");
});

const context = {
  cwd: "/",
  env: {},
  paths: sessionPaths({ HOME: "/home/me" }),
  root: undefined,
  options: new Error("none"),
};

Deno.test("runDoctorChecks() runs all at once, and keeps the findings in order", async () => {
  const second = Promise.withResolvers<void>();
  const checks: DoctorCheck[] = [
    {
      name: "first",
      run: async () => {
        await second.promise;
        return [{ level: "ok", title: "first" }];
      },
    },
    {
      name: "second",
      run: () => {
        second.resolve();
        return Promise.resolve([{ level: "ok", title: "second" }]);
      },
    },
    { name: "third", run: () => Promise.reject(new Error("it broke")) },
  ];
  assertEquals(await runDoctorChecks(checks, context), [
    { level: "ok", title: "first" },
    { level: "ok", title: "second" },
    { level: "warning", title: "third", detail: "it broke" },
  ]);
});

Deno.test("runDoctorChecks() ends a check that takes too long", async () => {
  const signals: AbortSignal[] = [];
  const checks: DoctorCheck[] = [{
    name: "slow",
    run: ({ signal }) => {
      signals.push(signal);
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    },
  }, {
    name: "deaf",
    run: () => new Promise(() => {}),
  }];
  assertEquals(await runDoctorChecks(checks, context, { limitMs: 50 }), [
    { level: "warning", title: "slow", detail: "no answer within 0.05 s" },
    { level: "warning", title: "deaf", detail: "no answer within 0.05 s" },
  ]);
  assert(signals[0]?.aborted);
});

Deno.test("runtimeFinding() warns about a runtime older than the tested ones", () => {
  const levels = [{ deno: "2.9.0" }, { deno: "3.0.0" }, { deno: "2.8.4" }, { node: "24.1.0" }, {
    node: "22.20.0",
  }].map((versions) => runtimeFinding(versions).level);
  assertEquals(levels, ["ok", "ok", "warning", "ok", "warning"]);
  assertEquals(runtimeFinding().level, process.versions.deno === undefined ? "warning" : "ok");
});

Deno.test("doctorLines() lines the details up, and lets a long title have its own line", () => {
  const lines = doctorLines([
    { level: "ok", title: "git 2.39.5", detail: "fine" },
    { level: "info", title: "gh" },
    { level: "warning", title: "A title that is longer than any other", fix: "do this" },
    { level: "problem", title: "disk", detail: "full\x1b[2J" },
  ]);
  assertEquals(lines, [
    "✔ git 2.39.5  fine",
    "· gh",
    "! A title that is longer than any other",
    "              do this",
    "✘ disk        full",
    "1 ok, 1 warning, 1 problem",
  ]);
  const [colored = ""] = doctorLines([{ level: "ok", title: "git" }], { color: true });
  assertEquals(colored, "\x1b[32m✔\x1b[39m git");
});

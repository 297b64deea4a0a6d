import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describeError, errorLines } from "../../lib/cli/kit/describe_error.ts";
import { findGitProblem, preflight, PreflightError } from "../../lib/loop/start/preflight.ts";
import { probeFolder } from "../../lib/loop/start/probe_folder.ts";
import { parseGitVersion } from "../../lib/git/run_git.ts";
import { taskRepo } from "../kit/scripted_agent.ts";
import { tempDir } from "../kit/testing.ts";

/** A folder with a fake `git` that runs this script. */
async function otherGit(folder: string, script: string): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "git"), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, "git"), 0o755);
  return { PATH: folder };
}

Deno.test("preflight() finds no problem in a good repository, and leaves no file", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const folders = [join(repo.outside, "not", "there", "yet"), repo.outside];
  assertEquals(await preflight({ task: repo.task, folders }), []);
  assertEquals(await repo.git("status", "--porcelain"), "");
  assertEquals((await readdir(repo.outside)).includes("not"), false);
});

Deno.test("preflight() reports a git that is missing, too old or broken", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const { task } = repo;
  const wanted = "git 2.23 or newer";
  const [missing] = await preflight({ task, env: { PATH: "/nowhere" } });
  assertEquals([missing?.what, missing?.wanted], ["git", wanted]);
  assertMatch(missing?.hint ?? "", /install git/);
  const old = await otherGit(join(repo.outside, "old"), "echo git version 2.17.1");
  const [tooOld] = await preflight({ task, env: old });
  assertEquals([tooOld?.found, tooOld?.wanted], ["version 2.17.1", wanted]);
  const odd = await otherGit(join(repo.outside, "odd"), "echo hello");
  assertEquals((await preflight({ task, env: odd }))[0]?.found, '"hello"');
});

Deno.test("preflight() reports a repository that git refuses, with git's message", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const script = `case $1 in
--version) echo git version 2.39.5;;
*) echo "fatal: detected dubious ownership in repository at '$PWD'" >&2; exit 128;;
esac`;
  const env = await otherGit(join(repo.outside, "bin"), script);
  const [problem, ...others] = await preflight({ task: repo.task, env });
  assertEquals(others, []);
  assertMatch(problem?.found ?? "", /^fatal: detected dubious ownership/);
  assertEquals(problem?.hint, `git config --global --add safe.directory "${repo.root}"`);
});

Deno.test("preflight() reports a path that is not a folder, and a full disk", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const { task } = repo;
  await writeFile(join(repo.outside, "state"), "");
  const folder = join(repo.outside, "state", "ralph");
  const [problem] = await preflight({ task, folders: [folder] });
  assertEquals(problem?.what, `Folder "${folder}"`);
  assertEquals(problem?.found, `"${join(repo.outside, "state")}" is a file`);
  const freeBytes = () => Promise.resolve(12 * 1_048_576);
  const [full] = await preflight({ task, freeBytes });
  assertEquals([full?.found, full?.wanted], ["12 MiB free on its disk", "at least 100 MiB"]);
  assertEquals(await preflight({ task, freeBytes, minFreeBytes: 1_048_576 }), []);
});

Deno.test("preflight() stops at once when it is aborted", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(() => preflight({ task: repo.task, signal }), Error, "enough");
});

Deno.test({
  name: "probeFolder() says that a folder of somebody else's is not writable (not as root)",
  ignore: process.getuid?.() === 0,
  async fn() {
    await using dir = await tempDir();
    await chmod(dir.path, 0o500);
    assertEquals(await probeFolder(dir.path), { writable: false, reason: "permission denied" });
  },
});

Deno.test({
  name: "probeFolder() says that the kernel's own folders are not writable (Linux)",
  ignore: process.platform !== "linux",
  async fn() {
    assertEquals((await probeFolder("/proc/self/fd")).writable, false);
  },
});

Deno.test("findGitProblem() needs no repository", async () => {
  assertEquals(await findGitProblem(), undefined);
});

Deno.test("parseGitVersion() knows which versions have git switch", () => {
  const cases: [string, string | undefined, boolean | undefined][] = [
    ["git version 2.22.9", "2.22.9", false],
    ["git version 2.23", "2.23", true],
    ["git version 2.39.5 (Apple Git-154)", "2.39.5", true],
    ["git version 2.43.0.windows.1", "2.43.0", true],
    ["git version 3.0.0", "3.0.0", true],
    ["git version 1.30.0", "1.30.0", false],
    ["command not found", undefined, undefined],
  ];
  for (const [output, version, supported] of cases) {
    const parsed = parseGitVersion(`${output}\n`);
    assertEquals([parsed?.version, parsed?.supported], [version, supported], output);
  }
});

Deno.test("PreflightError exits with 5 and says what to do", () => {
  const error = new PreflightError("job", [
    { what: "git", found: "version 2.17.1", wanted: "git 2.23 or newer", hint: "install it" },
    { what: 'Folder "/x"', found: "12 MiB free", wanted: "at least 100 MiB", hint: "free some" },
  ]);
  const described = describeError(error);
  assertEquals(described.exitCode, 5);
  assertEquals(errorLines(described), [
    "error: Cannot run job: git: version 2.17.1, expected git 2.23 or newer; " +
    'Folder "/x": 12 MiB free, expected at least 100 MiB',
    "hint: install it",
  ]);
});

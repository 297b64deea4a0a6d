import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runGit } from "../../lib/git/run_git.ts";
import { prepareBranch } from "../../lib/loop/branch/prepare_branch.ts";
import { DirtyTreeError, SwitchError } from "../../lib/loop/branch/switch_error.ts";
import type { Task } from "../../lib/task/task.ts";
import { tempRepo } from "../kit/testing.ts";

/** What becomes of the files below `tasks/` when the branch of one task is left for another. */

interface Repo extends AsyncDisposable {
  root: string;
  git(...args: string[]): Promise<string>;
  write(files: Record<string, string>): Promise<void>;
  read(file: string): Promise<string>;
  /** The task `b`, whose branch is `ralph/b`. */
  task: Task;
}

function prd(branchName: string, passes = false, title = "One"): string {
  return JSON.stringify({ branchName, userStories: [{ id: "US-001", title, passes }] });
}

/** The tasks a and b, both committed on main; the branch of a is checked out, with a commit. */
async function repository(): Promise<Repo> {
  const { path: root, ...dir } = await tempRepo();
  const git = (...args: string[]) => runGit(args, { cwd: root });
  const write = async (files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), text);
    }
  };
  const at = join(root, "tasks", "b");
  const task: Task = {
    name: "b",
    dir: at,
    root,
    prdFile: join(at, "prd.json"),
    progressFile: join(at, "progress.txt"),
  };
  await write({ "tasks/a/prd.json": prd("ralph/a"), "tasks/b/prd.json": prd("ralph/b") });
  await git("add", "--all");
  await git("commit", "--quiet", "-m", "Tasks");
  await git("switch", "--quiet", "--create", "ralph/a");
  await git("commit", "--quiet", "--allow-empty", "-m", "Work on a");
  const read = (file: string) => readFile(join(root, file), "utf8");
  return { ...dir, root, git, write, read, task };
}

Deno.test("prepareBranch() starts from where the other task's branch did, and records that", async () => {
  await using it = await repository();
  const prepared = await prepareBranch(it.task, { branchName: "ralph/b" });
  assertEquals(prepared, { branch: "ralph/b", action: "created", base: "main", warnings: [] });
  assertEquals(await it.git("rev-parse", "HEAD"), await it.git("rev-parse", "main"));
  assertEquals(await it.git("config", "branch.ralph/b.ralph-base"), "main\n");
  assertEquals((await prepareBranch(it.task, { branchName: "ralph/b" })).base, "main");
  await it.git("switch", "--quiet", "main");
  assertEquals((await prepareBranch(it.task, { branchName: "ralph/b" })).base, "main");
  // Git forgets it with the branch.
  await it.git("switch", "--quiet", "main");
  await it.git("branch", "--quiet", "-D", "ralph/b");
  const asked = await prepareBranch(it.task, { branchName: "ralph/b", base: "ralph/a" });
  assertEquals([asked.base, asked.warnings], [
    "ralph/a",
    ['ralph/b starts from ralph/a, the branch of task "a": its commits come along'],
  ]);
});

Deno.test("prepareBranch() works where the base of a branch cannot be recorded", async () => {
  await using it = await repository();
  await it.write({ ".git/config.lock": "" });
  const { action, base, warnings } = await prepareBranch(it.task, { branchName: "ralph/b" });
  assertEquals([action, base, warnings.length], ["created", "main", 1]);
  assertStringIncludes(warnings[0] ?? "", "could not lock config file");
});

Deno.test("prepareBranch() uses the default branch of origin", async () => {
  await using it = await repository();
  await it.git("branch", "develop");
  await it.git("remote", "add", "origin", it.root);
  await it.git("fetch", "--quiet", "origin");
  await it.git("remote", "set-head", "origin", "develop");
  assertEquals((await prepareBranch(it.task, { branchName: "ralph/b" })).base, "develop");
});

Deno.test("prepareBranch() commits what ralph noted on its own branch, and nothing else", async () => {
  await using it = await repository();
  await it.write({
    "tasks/a/prd.json": prd("ralph/a", true),
    "tasks/a/progress.txt": "log",
    "tasks/a/progress-1.txt": "old log",
    "tasks/b/prd.md": "mine",
    ".git/hooks/pre-commit": "#!/bin/sh\nexit 1\n",
    ".git/hooks/post-commit": "#!/bin/sh\ntouch hooked\n",
  });
  for (const hook of ["pre-commit", "post-commit"]) {
    await chmod(join(it.root, ".git", "hooks", hook), 0o755);
  }
  await it.git("config", "commit.gpgsign", "true");
  const { warnings } = await prepareBranch(it.task, { branchName: "ralph/b" });
  const files = "tasks/a/prd.json, tasks/a/progress-1.txt, tasks/a/progress.txt";
  assertEquals(warnings, [`Committed ${files} on ralph/a, before leaving it`]);
  const shown = await it.git("show", "--format=%s", "--name-only", "ralph/a");
  assertEquals(shown, `chore(a): what ralph noted\n\n${files.replaceAll(", ", "\n")}\n`);
  assertEquals(await it.git("status", "--porcelain"), "?? tasks/b/prd.md\n");
});

Deno.test("prepareBranch() carries what ralph noted where git cannot commit", async () => {
  await using it = await repository();
  await it.write({ "tasks/a/progress.txt": "log", ".git/refs/heads/ralph/a.lock": "" });
  const { warnings } = await prepareBranch(it.task, { branchName: "ralph/b" });
  assertEquals(warnings, ["Carried tasks/a/progress.txt along from ralph/a"]);
  assertEquals(await it.read("tasks/a/progress.txt"), "log");
  assertEquals(await it.git("status", "--porcelain"), "?? tasks/a/progress.txt\n");
});

Deno.test("prepareBranch() commits notes that would be overwritten where they are", async () => {
  await using it = await repository();
  await it.git("switch", "--quiet", "--create", "ralph/b", "main");
  await it.write({ "tasks/a/progress.txt": "theirs", "tasks/b/progress.txt": "theirs" });
  await it.git("add", "--all");
  await it.git("commit", "--quiet", "-m", "Work on b");
  await it.git("switch", "--quiet", "main");
  const ours = { "tasks/a/progress.txt": "ours", "tasks/b/progress.txt": "ours" };
  await it.write({ ...ours, "tasks/b/prd.json": prd("ralph/b", true) });
  const { warnings } = await prepareBranch(it.task, { branchName: "ralph/b" });
  assertEquals(warnings, [
    "Committed tasks/a/progress.txt, tasks/b/progress.txt on main, before leaving it",
  ]);
  assertEquals(await it.git("show", "main:tasks/b/progress.txt"), "ours");
  assertEquals(await it.read("tasks/b/progress.txt"), "theirs");
  assertEquals(await it.read("tasks/b/prd.json"), prd("ralph/b", true));
});

Deno.test("prepareBranch() commits marks that are in the way, and refuses other edits of prd.json", async () => {
  await using it = await repository();
  await it.git("switch", "--quiet", "--create", "ralph/b", "main");
  await it.write({ "tasks/b/prd.json": prd("ralph/b", false, "Theirs") });
  await it.git("commit", "--quiet", "--all", "-m", "Work on b");
  await it.git("switch", "--quiet", "main");
  await it.write({ "tasks/b/prd.json": prd("ralph/b", false, "Mine") });
  const prepare = () => prepareBranch(it.task, { branchName: "ralph/b" });
  assertEquals((await assertRejects(prepare, DirtyTreeError)).files, ["tasks/b/prd.json"]);
  assertEquals(await it.read("tasks/b/prd.json"), prd("ralph/b", false, "Mine"));
  await it.write({ "tasks/b/prd.json": prd("ralph/b", true) });
  assertEquals((await prepare()).warnings, [
    "Committed tasks/b/prd.json on main, before leaving it",
  ]);
  assertEquals(await it.read("tasks/b/prd.json"), prd("ralph/b", false, "Theirs"));
});

Deno.test("prepareBranch() takes the task along if only the branch that is left has it", async () => {
  await using it = await repository();
  await it.git("switch", "--quiet", "main");
  await it.git("rm", "--quiet", "-r", "tasks");
  await it.git("commit", "--quiet", "-m", "No tasks");
  await it.git("switch", "--quiet", "ralph/a");
  await it.write({ "tasks/b/decisions/d*.md": "Postgres", "tasks/b/decisions/db.md": "Postgres" });
  await it.git("add", "--all");
  await it.git("commit", "--quiet", "-m", "More of b");
  const { base, warnings } = await prepareBranch(it.task, { branchName: "ralph/b" });
  assertEquals([base, warnings], [
    "main",
    ['ralph/b does not have task "a", which ralph/a has'],
  ]);
  assertEquals(await it.read("tasks/b/prd.json"), prd("ralph/b"));
  assertEquals(await it.read("tasks/b/decisions/db.md"), "Postgres");
  assertEquals(await it.git("status", "--porcelain"), "?? tasks/\n");
});

Deno.test("prepareBranch() brings back its notes, and not what its branch has deleted", async () => {
  await using it = await repository();
  await it.git("switch", "--quiet", "--create", "ralph/b", "main");
  await it.write({ "tasks/b/old.md": "", "tasks/b/progress.txt": "log" });
  await it.git("add", "--all");
  await it.git("commit", "--quiet", "-m", "Notes");
  await it.git("branch", "--force", "ralph/a");
  await it.git("rm", "--quiet", "tasks/b/old.md", "tasks/b/progress.txt");
  await it.git("commit", "--quiet", "-m", "Tidy");
  await it.git("switch", "--quiet", "ralph/a");
  await prepareBranch(it.task, { branchName: "ralph/b" });
  assertEquals(await it.git("status", "--porcelain"), "?? tasks/b/progress.txt\n");
});

Deno.test("prepareBranch() says why git cannot make or take a branch", async () => {
  await using it = await repository();
  const refused = async (branchName: string) => {
    const prepare = () => prepareBranch(it.task, { branchName });
    return (await assertRejects(prepare, SwitchError)).message
      .replace(`Cannot switch to branch "${branchName}": `, "");
  };
  assertEquals(await refused("x".repeat(300)), "its name is too long for the file system");
  assertEquals(
    await refused("ralph/a/b"),
    'there is a branch "ralph/a", and one name cannot begin with the other',
  );
  await it.write({ ".git/index.lock": "" });
  assertEquals((await refused("ralph/c")).startsWith("Unable to create '"), true);
  await rm(join(it.root, ".git/index.lock"));
  assertEquals(await it.git("branch", "--show-current"), "ralph/a\n");
});

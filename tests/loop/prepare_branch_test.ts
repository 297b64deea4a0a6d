import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InvalidBranchNameError } from "../../lib/git/branch_name.ts";
import { prepareBranch, type PreparedBranch } from "../../lib/loop/branch/prepare_branch.ts";
import { DirtyTreeError, SwitchError } from "../../lib/loop/branch/switch_error.ts";
import { GitError, runGit } from "../../lib/git/run_git.ts";
import type { Task } from "../../lib/task/task.ts";
import { tempDir, tempRepo } from "../kit/testing.ts";

function taskIn(root: string, folder = "tasks/x"): Task {
  const dir = join(root, folder);
  return {
    name: "x",
    dir,
    root,
    prdFile: join(dir, "prd.json"),
    progressFile: join(dir, "progress.txt"),
  };
}

async function write(root: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

async function commit(cwd: string, files: Record<string, string>): Promise<string> {
  await write(cwd, files);
  await runGit(["add", "--all"], { cwd });
  await runGit(["commit", "--quiet", "-m", "Work"], { cwd });
  return await runGit(["rev-parse", "HEAD"], { cwd });
}

const branchOf = (cwd: string) =>
  runGit(["branch", "--show-current"], { cwd }).then((name) => name.trim());

Deno.test("prepareBranch() stays on the branch, even if the tree is dirty", async () => {
  await using repo = await tempRepo();
  await write(repo.path, { "dirty.txt": "" });
  const task = taskIn(repo.path);
  const stayed: PreparedBranch = {
    branch: "main",
    action: "stayed",
    base: undefined,
    warnings: [],
  };
  assertEquals(await prepareBranch(task, { branchName: "main" }), stayed);
  assertEquals(await prepareBranch(task, { branchName: null }), stayed);
  assertEquals(await prepareBranch(task, {}), stayed);
  await runGit(["checkout", "--quiet", "--detach"], { cwd: repo.path });
  assertEquals(await prepareBranch(task, {}), { ...stayed, branch: undefined });
});

Deno.test("prepareBranch() creates a branch from the current one, or from a base", async () => {
  await using repo = await tempRepo();
  const root = repo.path;
  const first = await runGit(["rev-parse", "HEAD"], { cwd: root });
  await runGit(["branch", "base"], { cwd: root });
  const second = await commit(root, { "a.txt": "a" });
  const task = taskIn(root);
  assertEquals(await prepareBranch(task, { branchName: "ralph/x" }), {
    branch: "ralph/x",
    action: "created",
    base: "main",
    warnings: [],
  });
  assertEquals(await runGit(["rev-parse", "HEAD"], { cwd: root }), second);
  await prepareBranch(task, { branchName: "ralph/y", base: "base" });
  assertEquals(await runGit(["rev-parse", "HEAD"], { cwd: root }), first);
  await prepareBranch(task, { branchName: "ralph/z", base: second.trim() });
  assertEquals(await runGit(["rev-parse", "HEAD"], { cwd: root }), second);
  assertEquals((await prepareBranch(task, { branchName: "ralph/y" })).action, "checked_out");
  assertEquals(await branchOf(root), "ralph/y");
});

Deno.test("prepareBranch() says that there is no such base", async () => {
  await using repo = await tempRepo();
  await assertRejects(
    () => prepareBranch(taskIn(repo.path), { branchName: "ralph/x", base: "none" }),
    GitError,
    'there is no branch, tag or commit "none"',
  );
  assertEquals(await branchOf(repo.path), "main");
});

Deno.test("prepareBranch() refuses a dirty tree and names the files", async () => {
  await using repo = await tempRepo();
  await commit(repo.path, { "a.txt": "a" });
  await write(repo.path, { "a.txt": "b", "tasks/y/prd.md": "", "tasks/x/progress.txt": "" });
  const error = await assertRejects(
    () => prepareBranch(taskIn(repo.path), { branchName: "ralph/x" }),
    DirtyTreeError,
    'Cannot switch to branch "ralph/x": the work tree has changes that are not committed: ' +
      "a.txt, tasks/y/prd.md",
  );
  assertEquals(error.files, ["a.txt", "tasks/y/prd.md"]);
  assertMatch(error.hint, /git stash/);
});

Deno.test("prepareBranch() carries the uncommitted files of the task over", async () => {
  await using repo = await tempRepo();
  const root = repo.path;
  await commit(root, { "tasks/x/prd.json": "[]" });
  await write(root, { "tasks/x/prd.json": "[1]", "tasks/x/progress.txt": "log" });
  await prepareBranch(taskIn(root), { branchName: "ralph/x" });
  assertEquals(await branchOf(root), "ralph/x");
  assertEquals(await readFile(join(root, "tasks/x/prd.json"), "utf8"), "[1]");
  assertEquals(await readFile(join(root, "tasks/x/progress.txt"), "utf8"), "log");
});

Deno.test("prepareBranch() ignores only the task's own files if the task is the root", async () => {
  await using repo = await tempRepo();
  const task = taskIn(repo.path, ".");
  await write(repo.path, { "prd.json": "[]", "progress-2.txt": "" });
  assertEquals((await prepareBranch(task, { branchName: "one" })).action, "created");
  await write(repo.path, { "code.ts": "" });
  const error = await assertRejects(
    () => prepareBranch(task, { branchName: "two" }),
    DirtyTreeError,
  );
  assertEquals(error.files, ["code.ts"]);
});

Deno.test("prepareBranch() overwrites no file of the task, not even an ignored one", async () => {
  await using repo = await tempRepo();
  const root = repo.path;
  const task = taskIn(root);
  await runGit(["switch", "--quiet", "--create", "ralph/x"], { cwd: root });
  await commit(root, { "tasks/x/progress.txt": "theirs", "tasks/x/prd.json": "theirs" });
  await runGit(["switch", "--quiet", "main"], { cwd: root });
  await commit(root, { ".gitignore": "progress.txt\n" });
  await write(root, { "tasks/x/progress.txt": "ours" });
  const refused = () =>
    assertRejects(() => prepareBranch(task, { branchName: "ralph/x" }), DirtyTreeError);
  assertEquals((await refused()).files, ["tasks/x/progress.txt"]);
  await write(root, { "tasks/x/prd.json": "ours" });
  const error = await refused();
  assertEquals(error.files, ["tasks/x/prd.json", "tasks/x/progress.txt"]);
  assertMatch(error.hint, /^commit them first: git add tasks\/x\/prd.json/);
  assertEquals(await readFile(task.progressFile, "utf8"), "ours");
  assertEquals(await branchOf(root), "main");
});

Deno.test("prepareBranch() tracks a branch that only a remote has", async () => {
  await using origin = await tempRepo();
  await runGit(["branch", "ralph/x/deeper"], { cwd: origin.path });
  await using dir = await tempDir();
  const root = join(dir.path, "clone");
  await runGit(["clone", "--quiet", origin.path, root], { cwd: dir.path });
  const task = taskIn(root);
  const { action } = await prepareBranch(task, { branchName: "ralph/x/deeper" });
  assertEquals(action, "tracked");
  const upstream = ["rev-parse", "--abbrev-ref", "@{upstream}"];
  assertEquals((await runGit(upstream, { cwd: root })).trim(), "origin/ralph/x/deeper");
  await using other = await tempRepo();
  await runGit(["branch", "only-there"], { cwd: other.path });
  await runGit(["remote", "add", "a-first", other.path], { cwd: root });
  await runGit(["fetch", "--quiet", "a-first"], { cwd: root });
  const made = await prepareBranch(task, { branchName: "new", base: "only-there" });
  assertEquals(made.action, "created");
  await assertRejects(() => runGit(upstream, { cwd: root }), GitError);
});

Deno.test("prepareBranch() works before the first commit", async () => {
  await using dir = await tempDir();
  const root = dir.path;
  await runGit(["init", "--quiet", "-b", "main"], { cwd: root });
  await write(root, { "tasks/x/prd.json": "[]" });
  const task = taskIn(root);
  assertEquals((await prepareBranch(task, { branchName: "main" })).action, "stayed");
  assertEquals(
    (await prepareBranch(task, { branchName: "ralph/x", base: "main" })).action,
    "created",
  );
  assertEquals(await branchOf(root), "ralph/x");
});

Deno.test("prepareBranch() works in a worktree and from a detached HEAD", async () => {
  await using repo = await tempRepo();
  await using dir = await tempDir();
  const root = join(dir.path, "tree");
  await runGit(["worktree", "add", "--quiet", "--detach", root], { cwd: repo.path });
  assertEquals((await prepareBranch(taskIn(root), { branchName: "ralph/x" })).action, "created");
  const error = await assertRejects(
    () => prepareBranch(taskIn(root), { branchName: "main" }),
    SwitchError,
    `Cannot switch to branch "main": it is checked out in another work tree: "${repo.path}"`,
  );
  assertEquals(error.hint, `run ralph there: cd ${repo.path}`);
  assertEquals(await branchOf(root), "ralph/x");
});

Deno.test("prepareBranch() refuses unsafe names before git sees them", async () => {
  await using dir = await tempDir();
  const task = taskIn(dir.path);
  for (const name of ["--orphan", "a..b", "a\nb", "@{-1}", "x.lock"]) {
    await assertRejects(() => prepareBranch(task, { branchName: name }), InvalidBranchNameError);
    await assertRejects(
      () => prepareBranch(task, { branchName: "ok", base: name }),
      InvalidBranchNameError,
    );
  }
});

Deno.test("prepareBranch() prefers the branch of origin to that of any other remote", async () => {
  await using dir = await tempDir();
  await using origin = await tempRepo();
  await using other = await tempRepo();
  for (const [repo, text] of [[origin, "origin"], [other, "other"]] as const) {
    await runGit(["switch", "--quiet", "--create", "ralph/x"], { cwd: repo.path });
    await commit(repo.path, { "a.txt": text });
    await runGit(["branch", "base"], { cwd: repo.path });
    await runGit(["switch", "--quiet", "main"], { cwd: repo.path });
  }
  const root = join(dir.path, "clone");
  await runGit(["clone", "--quiet", origin.path, root], { cwd: dir.path });
  // Git lists one of them before origin, the other one after it.
  for (const name of ["a-first", "z-last"]) {
    await runGit(["remote", "add", name, other.path], { cwd: root });
    await runGit(["fetch", "--quiet", name], { cwd: root });
  }
  const task = taskIn(root);
  const text = () => readFile(join(root, "a.txt"), "utf8");

  assertEquals((await prepareBranch(task, { branchName: "ralph/x" })).action, "tracked");
  assertEquals(await text(), "origin");
  const upstream = ["rev-parse", "--abbrev-ref", "@{upstream}"];
  assertEquals((await runGit(upstream, { cwd: root })).trim(), "origin/ralph/x");

  await runGit(["switch", "--quiet", "main"], { cwd: root });
  assertEquals(
    (await prepareBranch(task, { branchName: "new", base: "base" })).action,
    "created",
  );
  assertEquals(await text(), "origin");
});

Deno.test("prepareBranch() lets a new branch follow no other, whatever git is set to", async () => {
  await using repo = await tempRepo();
  const root = repo.path;
  await runGit(["config", "branch.autoSetupMerge", "always"], { cwd: root });
  assertEquals(
    (await prepareBranch(taskIn(root), { branchName: "ralph/x" })).action,
    "created",
  );
  // Else a plain `git pull` or `git push` there is about main.
  await assertRejects(
    () => runGit(["rev-parse", "--abbrev-ref", "@{upstream}"], { cwd: root }),
    GitError,
    "no upstream",
  );
});

import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findGitRoot, NotARepositoryError } from "../../lib/git/find_git_root.ts";
import { listTasks } from "../../lib/task/list_tasks.ts";
import { nearestName } from "../../lib/base/nearest_name.ts";
import { resolveTask, TaskNotFoundError } from "../../lib/task/resolve_task.ts";
import { runGit } from "../../lib/git/run_git.ts";
import { InvalidTaskNameError, parseTaskName } from "../../lib/task/task_name.ts";
import { tempDir, tempRepo } from "../kit/testing.ts";

async function addTask(root: string, folder: string, file = "prd.json"): Promise<string> {
  const dir = join(root, folder);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, file), "[]");
  return dir;
}

Deno.test("resolveTask() finds a bare name from the root and from any subfolder", async () => {
  await using repo = await tempRepo();
  const dir = await addTask(repo.path, "tasks/my-feature");
  const cwd = join(repo.path, "src", "deep");
  await mkdir(cwd, { recursive: true });
  const expected = {
    name: "my-feature",
    dir,
    root: repo.path,
    prdFile: join(dir, "prd.json"),
    progressFile: join(dir, "progress.txt"),
  };
  assertEquals(await resolveTask("my-feature", { cwd: repo.path }), expected);
  assertEquals(await resolveTask("my-feature", { cwd }), expected);
  assertEquals(await resolveTask("tasks/my-feature", { cwd }), expected);
});

Deno.test("resolveTask() lets no folder of the current one shadow a bare name", async () => {
  await using repo = await tempRepo();
  const dir = await addTask(repo.path, "tasks/x");
  const cwd = join(repo.path, "sub");
  await addTask(cwd, "x");
  assertEquals((await resolveTask("x", { cwd })).dir, dir);
  assertEquals((await resolveTask("./x", { cwd })).dir, join(cwd, "x"));
});

Deno.test("resolveTask() takes paths to a folder and to its prd.json", async () => {
  await using repo = await tempRepo();
  const cwd = repo.path;
  const dir = await addTask(cwd, "scripts/ralph");
  await addTask(cwd, "tasks/archived/old");
  for (const path of ["scripts/ralph", "scripts/ralph/", "./scripts/ralph/prd.json", dir]) {
    const task = await resolveTask(path, { cwd });
    assertEquals([task.dir, task.name], [dir, "ralph"], path);
  }
  assertEquals((await resolveTask(".", { cwd: dir })).dir, dir);
  assertEquals((await resolveTask("../ralph", { cwd: dir })).dir, dir);
  assertEquals((await resolveTask("tasks/archived/old", { cwd })).name, "old");
  await using elsewhere = await tempDir();
  assertEquals((await resolveTask(dir, { cwd: elsewhere.path })).root, repo.path);
});

Deno.test("resolveTask() gives the same path to a task behind a link", async () => {
  await using repo = await tempRepo();
  const dir = await addTask(repo.path, "tasks/x");
  await symlink(dir, join(repo.path, "tasks", "y"));
  const task = await resolveTask("y", { cwd: repo.path });
  assertEquals([task.name, task.dir], ["y", dir]);
});

Deno.test("resolveTask() names the nearest task if there is no such folder", async () => {
  await using repo = await tempRepo();
  await addTask(repo.path, "tasks/my-feature");
  await addTask(repo.path, "tasks/fix-auth");
  const error = await assertRejects(
    () => resolveTask("my-featur", { cwd: repo.path }),
    TaskNotFoundError,
    `Cannot find task "my-featur": there is no folder tasks/my-featur in ${repo.path}`,
  );
  assertEquals(error.tasks, ["fix-auth", "my-feature"]);
  assertEquals(error.nearest, "my-feature");
  assertEquals(error.hint, "did you mean my-feature? Tasks here: fix-auth, my-feature");
  const byPath = await assertRejects(
    () => resolveTask("tasks/my-featur", { cwd: repo.path }),
    TaskNotFoundError,
  );
  assertEquals(byPath.nearest, "my-feature");
});

Deno.test("resolveTask() distinguishes a folder without prd.json from a missing folder", async () => {
  await using repo = await tempRepo();
  const cwd = repo.path;
  await addTask(cwd, "tasks/draft", "prd.md");
  await addTask(cwd, "tasks/empty", "notes.txt");
  const draft = await assertRejects(() => resolveTask("draft", { cwd }), TaskNotFoundError);
  assertEquals(
    draft.message,
    'Cannot find task "draft": the folder tasks/draft has no prd.json, only a prd.md',
  );
  assertEquals(draft.hint, "ralph convert draft");
  const empty = await assertRejects(() => resolveTask("empty", { cwd }), TaskNotFoundError);
  assertMatch(empty.message, /the folder tasks\/empty has no prd\.json$/);
  const file = await assertRejects(
    () => resolveTask("tasks/empty/notes.txt", { cwd }),
    TaskNotFoundError,
  );
  assertMatch(file.message, /tasks\/empty\/notes.txt is a file, not a folder$/);
  const prd = await assertRejects(
    () => resolveTask("tasks/empty/prd.json", { cwd }),
    TaskNotFoundError,
  );
  assertMatch(prd.message, /the folder tasks\/empty has no prd\.json$/);
});

Deno.test("resolveTask() never finds archived tasks by name, nor offers them", async () => {
  await using repo = await tempRepo();
  await addTask(repo.path, "tasks/archived");
  await addTask(repo.path, "tasks/archived/old");
  for (const name of ["archived", "old"]) {
    const error = await assertRejects(
      () => resolveTask(name, { cwd: repo.path }),
      TaskNotFoundError,
    );
    assertEquals([error.tasks, error.hint], [[], undefined]);
  }
});

Deno.test("resolveTask() refuses a relative path that leads nowhere", async () => {
  await using repo = await tempRepo();
  await assertRejects(
    () => resolveTask("no/where", { cwd: repo.path }),
    InvalidTaskNameError,
    'Cannot use "no/where" as a task name: it contains a slash, and there is no such folder',
  );
});

Deno.test("resolveTask() says that it needs a git repository", async () => {
  await using dir = await tempDir();
  await addTask(dir.path, "tasks/x");
  for (const given of ["x", "tasks/x", join(dir.path, "tasks/x")]) {
    const error = await assertRejects(
      () => resolveTask(given, { cwd: dir.path }),
      NotARepositoryError,
    );
    assertEquals(error.hint, "start one with: git init");
  }
});

Deno.test("parseTaskName() refuses what can be neither name nor path", () => {
  for (const given of ["", " ", "-x", "--yolo", "a\nb", "a\0", "..", "a..b", "a/../b", "a//b"]) {
    assertThrows(() => parseTaskName(given), InvalidTaskNameError);
  }
  assertEquals(parseTaskName("a.b-c_d é"), { kind: "name", name: "a.b-c_d é" });
});

Deno.test("findGitRoot() finds the root of a worktree, where .git is a file", async () => {
  await using repo = await tempRepo();
  await using other = await tempDir();
  const tree = join(other.path, "tree");
  await runGit(["worktree", "add", "-q", "-b", "other", tree], { cwd: repo.path });
  await mkdir(join(tree, "sub"));
  assertEquals(await findGitRoot(join(tree, "sub")), tree);
});

Deno.test("findGitRoot() skips a folder .git that is not a repository", async () => {
  await using repo = await tempRepo();
  const sub = join(repo.path, "sub");
  await mkdir(join(sub, ".git"), { recursive: true });
  assertEquals(await findGitRoot(sub), repo.path);
});

Deno.test("findGitRoot() refuses a folder that does not exist", async () => {
  await using dir = await tempDir();
  const cwd = join(dir.path, "none");
  await assertRejects(() => findGitRoot(cwd), NotARepositoryError, "there is no folder");
});

Deno.test("listTasks() lists folders with a prd.json or prd.md, sorted by name", async () => {
  await using repo = await tempRepo();
  for (const name of ["b", "a", "archived", ".hidden"]) await addTask(repo.path, `tasks/${name}`);
  await addTask(repo.path, "tasks/c", "prd.md");
  await addTask(repo.path, "tasks/notes", "notes.txt");
  await writeFile(join(repo.path, "tasks", "prd.json"), "[]");
  assertEquals(
    (await listTasks(repo.path)).map((task) => [task.name, task.hasPrd, task.hasMarkdown]),
    [["a", true, false], ["b", true, false], ["c", false, true]],
  );
});

Deno.test("listTasks() finds none without a folder tasks", async () => {
  await using repo = await tempRepo();
  assertEquals(await listTasks(repo.path), []);
});

Deno.test("nearestName() finds misspellings and beginnings, and nothing far away", () => {
  const commands = ["run", "status", "attach", "stop", "--iterations"];
  assertEquals(nearestName("--iteration", commands), "--iterations");
  assertEquals(nearestName("stauts", commands), "status");
  assertEquals(nearestName("rnu", commands), "run");
  assertEquals(nearestName("att", commands), "attach");
  assertEquals(nearestName("STATUS", commands), "status");
  assertEquals(nearestName("log", commands), undefined);
  assertEquals(nearestName("x", commands), undefined);
  assertEquals(nearestName("", commands), undefined);
});

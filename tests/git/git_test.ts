import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { mkdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkBranchName, InvalidBranchNameError } from "../../lib/git/branch_name.ts";
import { changesBetween } from "../../lib/git/changes_between.ts";
import { gitSnapshot, snapshotsDiffer } from "../../lib/git/git_snapshot.ts";
import { GitError, runGit } from "../../lib/git/run_git.ts";
import { tempDir, tempRepo } from "../kit/testing.ts";

async function commitAll(cwd: string, message = "Work"): Promise<string> {
  await runGit(["add", "--all"], { cwd });
  await runGit(["commit", "--quiet", "--allow-empty", "-m", message], { cwd });
  return (await runGit(["rev-parse", "HEAD"], { cwd })).trim();
}

Deno.test("runGit() passes arguments to git unchanged", async () => {
  await using repo = await tempRepo();
  const message = 'a "b" $HOME `c` *\nd';
  await runGit(["commit", "--quiet", "--allow-empty", "-m", message], { cwd: repo.path });
  assertEquals((await runGit(["log", "-1", "--format=%B"], { cwd: repo.path })).trim(), message);
});

Deno.test("runGit() fails with the arguments, the exit code and the first line of stderr", async () => {
  await using repo = await tempRepo();
  const error = await assertRejects(
    () => runGit(["rev-parse", "--verify", "none"], { cwd: repo.path }),
    GitError,
    'Cannot run "git rev-parse --verify none": fatal: Needed a single revision',
  );
  assertEquals([error.args, error.exitCode], [["rev-parse", "--verify", "none"], 128]);
});

Deno.test("runGit() says that git or the folder is not there", async () => {
  await using dir = await tempDir();
  const cwd = join(dir.path, "none");
  await assertRejects(() => runGit(["status"], { cwd }), GitError, "git is not on PATH, or there");
});

Deno.test("runGit() rejects with the reason of its signal, before and in the middle", async () => {
  await using repo = await tempRepo();
  const reason = new Error("Enough");
  const before = AbortSignal.abort(reason);
  assertEquals(
    await assertRejects(() => runGit(["status"], { cwd: repo.path, signal: before })),
    reason,
  );
  const controller = new AbortController();
  const args = ["-c", "alias.wait=!sleep 30", "wait"];
  const running = runGit(args, { cwd: repo.path, signal: controller.signal });
  controller.abort(reason);
  assertEquals(await assertRejects(() => running), reason);
});

Deno.test("runGit() ignores the environment of a git hook", async () => {
  await using repo = await tempRepo();
  await using other = await tempRepo();
  const script = new URL("../../lib/git/run_git.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { runGit } from ${JSON.stringify(script.href)};
       console.log((await runGit(["rev-parse", "--show-toplevel"], { cwd: Deno.args[0] })).trim());`,
      repo.path,
    ],
    env: { GIT_DIR: join(other.path, ".git"), GIT_WORK_TREE: other.path },
  });
  const { stdout } = await child.output();
  assertEquals(new TextDecoder().decode(stdout).trim(), repo.path);
});

Deno.test("gitSnapshot() sees commit, branch and every kind of change", async () => {
  await using repo = await tempRepo();
  const root = repo.path;
  for (const name of ["changed", "gone", "moved from here", "same"]) {
    await writeFile(join(root, name), `${name}\n`.repeat(20));
  }
  const head = await commitAll(root);
  await writeFile(join(root, "changed"), "x");
  await rm(join(root, "gone"));
  await runGit(["mv", "moved from here", "moved\nthere"], { cwd: root });
  await mkdir(join(root, "new", "deep"), { recursive: true });
  await writeFile(join(root, "new", "deep", "é"), "");
  const snapshot = await gitSnapshot(root);
  assertEquals([snapshot.head, snapshot.branch], [head, "main"]);
  assertEquals([...snapshot.dirty.keys()].sort(), [
    "changed",
    "gone",
    "moved\nthere",
    "new/deep/é",
  ]);
});

Deno.test("gitSnapshot() works before the first commit and on a detached HEAD", async () => {
  await using dir = await tempDir();
  await runGit(["init", "--quiet", "-b", "main"], { cwd: dir.path });
  const unborn = await gitSnapshot(dir.path);
  assertEquals([unborn.head, unborn.branch, unborn.dirty.size], [null, "main", 0]);
  await using repo = await tempRepo();
  await runGit(["checkout", "--quiet", "--detach"], { cwd: repo.path });
  const detached = await gitSnapshot(repo.path);
  assertEquals([detached.branch, detached.head?.length], [null, 40]);
});

Deno.test("snapshotsDiffer() sees another edit of a dirty file, tracked or not", async () => {
  await using repo = await tempRepo();
  const root = repo.path;
  await writeFile(join(root, "tracked"), "1");
  await commitAll(root);
  const files = [join(root, "tracked"), join(root, "new", "file")];
  await mkdir(join(root, "new"));
  for (const file of files) await writeFile(file, "2");
  for (const file of files) {
    const before = await gitSnapshot(root);
    assertEquals(snapshotsDiffer(before, await gitSnapshot(root)), false);
    await writeFile(file, "3");
    await utimes(file, 1_000, 1_000);
    assertEquals(snapshotsDiffer(before, await gitSnapshot(root)), true);
  }
});

Deno.test("snapshotsDiffer() sees a commit, and no difference in another branch name", async () => {
  await using repo = await tempRepo();
  const first = await gitSnapshot(repo.path);
  await runGit(["switch", "--quiet", "--create", "other"], { cwd: repo.path });
  const second = await gitSnapshot(repo.path);
  assertEquals([second.branch, snapshotsDiffer(first, second)], ["other", false]);
  await commitAll(repo.path);
  assertEquals(snapshotsDiffer(second, await gitSnapshot(repo.path)), true);
});

Deno.test("gitSnapshot() ignores files and folders, also in an untracked folder", async () => {
  await using repo = await tempRepo();
  const root = repo.path;
  for (const name of ["x", "y"]) {
    await mkdir(join(root, "tasks", name), { recursive: true });
    await writeFile(join(root, "tasks", name, "prd.json"), "");
  }
  const relative = await gitSnapshot(root, { ignore: ["tasks/x"] });
  assertEquals([...relative.dirty.keys()], ["tasks/y/prd.json"]);
  const absolute = await gitSnapshot(root, { ignore: [join(root, "tasks/y/prd.json")] });
  assertEquals([...absolute.dirty.keys()], ["tasks/x/prd.json"]);
});

Deno.test("gitSnapshot() looks at a bounded number of files", async () => {
  await using repo = await tempRepo();
  const big = join(repo.path, "big");
  await mkdir(join(big, "z"), { recursive: true });
  await Promise.all(
    Array.from({ length: 1_200 }, (_, index) => writeFile(join(big, `f${index}`), "")),
  );
  await writeFile(join(big, "z", "file"), "");
  const { dirty } = await gitSnapshot(repo.path);
  const stamped = [...dirty.values()].filter((fingerprint) => fingerprint !== "??");
  assertEquals(stamped.length, 1_000);
  assert(dirty.has("big/z/"));
});

Deno.test("changesBetween() counts commits and files", async () => {
  await using repo = await tempRepo();
  const root = repo.path;
  const before = (await gitSnapshot(root)).head;
  await writeFile(join(root, "a"), "1");
  await writeFile(join(root, "line\nend"), "1");
  await commitAll(root);
  await writeFile(join(root, "a"), "2");
  const after = await commitAll(root);
  assertEquals(await changesBetween(root, before, after), { commits: 2, filesChanged: 2 });
  assertEquals(await changesBetween(root, null, after), { commits: 3, filesChanged: 2 });
  assertEquals(await changesBetween(root, after, after), { commits: 0, filesChanged: 0 });
  assertEquals(await changesBetween(root, null, null), { commits: 0, filesChanged: 0 });
});

Deno.test("changesBetween() never passes a commit as an option", async () => {
  await using repo = await tempRepo();
  const output = join(repo.path, "written");
  await assertRejects(() => changesBetween(repo.path, `--output=${output}`, "HEAD"), GitError);
  await assertRejects(() => readFile(output), Error, "ENOENT");
});

Deno.test("checkBranchName() refuses what git refuses or could misread", () => {
  const bad = [
    "",
    "-x",
    "--orphan",
    "a..b",
    "a b",
    "a\n",
    "@{-1}",
    "a/",
    "/a",
    "a//b",
    ".a",
    "a/.b",
  ]
    .concat([
      "a.lock",
      "a.lock/b",
      "a.",
      "@",
      "HEAD",
      "a~1",
      "a^",
      "a:b",
      "a?",
      "a*",
      "a[",
      "a\\b",
    ]);
  for (const name of bad) assertThrows(() => checkBranchName(name), InvalidBranchNameError);
  for (const name of ["main", "ralph/x", "é", "a-b_c.d", "x@y"]) checkBranchName(name);
});

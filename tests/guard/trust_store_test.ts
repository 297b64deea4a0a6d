import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { execFile } from "node:child_process";
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { findCommonDir } from "../../lib/git/find_git_root.ts";
import { accept } from "../../lib/guard/trust/trust_record.ts";
import { openTrustStore } from "../../lib/guard/trust/trust_store.ts";
import { NO_JUDGED_PRD, type TrustedContent } from "../../lib/guard/trust/trusted_content.ts";
import { tempDir } from "../kit/testing.ts";

const CONTENT: TrustedContent = {
  prdFile: "tasks/job/prd.json",
  settings: {},
  prd: { ...NO_JUDGED_PRD, checks: ["npm test"] },
  prompt: null,
};

async function repository(dir: string, name = "repo") {
  const root = join(dir, name);
  await mkdir(root);
  const git = (...args: string[]) =>
    promisify(execFile)("git", ["-c", "user.name=T", "-c", "user.email=t@t", ...args], {
      cwd: root,
    });
  await git("init", "--quiet", "-b", "main");
  await git("commit", "--quiet", "--allow-empty", "-m", "Begin");
  return { root, git, stateDir: join(dir, "state") };
}

Deno.test("openTrustStore() keeps a record for the user alone, outside of the work tree", async () => {
  await using dir = await tempDir();
  const { root, stateDir } = await repository(dir.path);
  const store = await openTrustStore(root, { stateDir });
  assertEquals((await store.read()).tasks, {});
  await store.update((record) => accept(record, "tasks/job", CONTENT));
  assert(store.file.startsWith(join(stateDir, "trust")));
  assertEquals((await stat(store.file)).mode & 0o777, 0o600);
  const again = await openTrustStore(root, { stateDir });
  assertEquals((await again.read()).tasks["tasks/job"]?.prd.checks, ["npm test"]);
});

Deno.test("openTrustStore() has one record for all work trees, and none for a clone", async () => {
  await using dir = await tempDir();
  const { root, git, stateDir } = await repository(dir.path);
  await (await openTrustStore(root, { stateDir })).update((it) => accept(it, "job", CONTENT));
  const tree = join(dir.path, "tree");
  await git("worktree", "add", "--quiet", tree);
  assertEquals(Object.keys((await (await openTrustStore(tree, { stateDir })).read()).tasks), [
    "job",
  ]);
  const clone = join(dir.path, "clone");
  await git("clone", "--quiet", root, clone);
  assertEquals((await (await openTrustStore(clone, { stateDir })).read()).tasks, {});
});

Deno.test("openTrustStore() moves along with a repository", async () => {
  await using dir = await tempDir();
  const { root, stateDir } = await repository(dir.path);
  await (await openTrustStore(root, { stateDir })).update((it) => ({
    ...accept(it, "job", CONTENT),
    sessions: { killed: { root } },
  }));
  const moved = join(dir.path, "elsewhere");
  await rename(root, moved);
  const store = await openTrustStore(moved, { stateDir });
  const { tasks, sessions } = await store.read();
  assertEquals(Object.keys(tasks), ["job"]);
  assertEquals(sessions["killed"]?.tasks, ["ralph.toml", "job"]);
  // What comes to the old place is another repository.
  await repository(dir.path);
  assertEquals((await (await openTrustStore(root, { stateDir })).read()).tasks, {});
});

Deno.test("findCommonDir() does not believe a .git file that git does not know of", async () => {
  await using dir = await tempDir();
  const { root, git } = await repository(dir.path);
  const tree = join(dir.path, "tree");
  await git("worktree", "add", "--quiet", tree);
  assertEquals(await findCommonDir(tree), join(root, ".git"));
  const unpacked = join(dir.path, "unpacked");
  await mkdir(unpacked);
  for (const target of [join(root, ".git"), join(root, ".git", "worktrees", "tree")]) {
    await writeFile(join(unpacked, ".git"), `gitdir: ${target}\n`);
    assertNotEquals(await findCommonDir(unpacked), join(root, ".git"));
  }
});

Deno.test("openTrustStore() trusts nothing because of a file that it cannot understand", async () => {
  await using dir = await tempDir();
  const { root, stateDir } = await repository(dir.path);
  const store = await openTrustStore(root, { stateDir });
  await store.update((it) => accept(it, "job", CONTENT));
  for (const text of ["", "{", '{"version":2}', '{"version":1,"tasks":[]}']) {
    await writeFile(store.file, text);
    assertEquals((await store.read()).tasks, {}, text);
  }
});

Deno.test("openTrustStore() loses no change of two processes that write at once", async () => {
  await using dir = await tempDir();
  const { root, stateDir } = await repository(dir.path);
  const names = Array.from({ length: 10 }, (_, i) => `tasks/${i}`);
  await Promise.all(names.map(async (name) => {
    const store = await openTrustStore(root, { stateDir });
    await store.update((record) => accept(record, name, CONTENT));
  }));
  const store = await openTrustStore(root, { stateDir });
  assertEquals(Object.keys((await store.read()).tasks).sort(), names);
});

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { execFile } from "node:child_process";
import { appendFile, chmod, mkdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { gitSnapshot } from "../../lib/git/git_snapshot.ts";
import { changesBetween } from "../../lib/git/changes_between.ts";
import { GitError, runGit } from "../../lib/git/run_git.ts";
import { type TempDir, tempDir, tempRepo } from "../kit/testing.ts";

/** A repository with a file on two branches, and a program that records that it was run. */
interface Scene {
  root: string;
  /** The planted program; it records that it was called, and behaves as `cat` of a file. */
  program: string;
  /** Runs git as a person would, with everything that the repository plants. */
  git(...args: string[]): Promise<string>;
  /** Whether the program was run; forgets it. */
  wasRun(): Promise<boolean>;
}

async function scene(dir: TempDir, outside: TempDir): Promise<Scene> {
  const root = dir.path;
  const git = async (...args: string[]) =>
    (await promisify(execFile)("git", args, { cwd: root })).stdout;
  await git("branch", "other");
  await writeFile(join(root, "file.txt"), "one\n");
  await git("add", "--all");
  await git("commit", "--quiet", "-m", "One");
  const marker = join(outside.path, "was-run");
  const program = join(outside.path, "planted");
  await writeFile(program, `#!/bin/sh\nenv >> "${marker}"\ncat "\${1:-/dev/null}" 2>/dev/null\n`);
  await chmod(program, 0o755);
  return {
    root,
    program,
    git,
    async wasRun() {
      const text = await readFile(marker, "utf8").catch(() => "");
      await rm(marker, { force: true });
      return text !== "";
    },
  };
}

/** Makes git read the content of the file again, as it would after an agent has written it. */
async function touch({ root }: Scene): Promise<void> {
  await utimes(join(root, "file.txt"), new Date(), new Date(Date.now() + 5000));
}

async function hook({ root, program }: Scene, name: string, folder = ".git/hooks") {
  await mkdir(join(root, folder), { recursive: true });
  const file = join(root, folder, name);
  await writeFile(file, `#!/bin/sh\nexec "${program}" /dev/null\n`);
  await chmod(file, 0o755);
}

async function attribute({ root }: Scene, text: string) {
  await mkdir(join(root, ".git", "info"), { recursive: true });
  await appendFile(join(root, ".git", "info", "attributes"), `*.txt ${text}\n`);
}

type Use = "status" | "switch" | "diff" | "commit" | "merge";

/** One way to plant a program, and the command in which git by itself runs it. */
const FAMILIES: [name: string, use: Use, plant: (it: Scene) => Promise<unknown>][] = [
  ["core.fsmonitor", "status", ({ git, program }) => git("config", "core.fsmonitor", program)],
  ["a filter's clean", "status", async (it) => {
    await attribute(it, "filter=x");
    await it.git("config", "filter.x.clean", it.program);
    await it.git("config", "filter.x.required", "true");
  }],
  ["a filter's process", "status", async (it) => {
    await attribute(it, "filter=x");
    await it.git("config", "filter.x.process", it.program);
  }],
  ["a filter's smudge", "switch", async (it) => {
    await attribute(it, "filter=x");
    await it.git("config", "filter.x.smudge", it.program);
  }],
  ["a filter in an included file", "status", async (it) => {
    await attribute(it, "filter=x");
    await writeFile(join(it.root, ".git", "more"), `[filter "x"]\n\tclean = ${it.program}\n`);
    await it.git("config", "include.path", "more");
  }],
  ["a filter in the work tree's config", "status", async (it) => {
    await attribute(it, "filter=x");
    await it.git("config", "extensions.worktreeConfig", "true");
    await it.git("config", "--worktree", "filter.x.clean", it.program);
  }],
  ["a filter of a submodule", "status", async (it) => {
    const sub = join(it.root, "sub");
    await it.git("clone", "--quiet", it.root, sub);
    await it.git("add", "sub");
    await it.git("-C", "sub", "config", "filter.x.clean", it.program);
    await writeFile(join(sub, ".git", "info", "attributes"), "* filter=x\n");
    await utimes(join(sub, "file.txt"), new Date(), new Date(Date.now() + 5000));
  }],
  ["a hook of a switch", "switch", (it) => hook(it, "post-checkout")],
  ["a hook of every change of a branch", "commit", (it) => hook(it, "reference-transaction")],
  ["core.hooksPath", "switch", async (it) => {
    await hook(it, "post-checkout", "tools");
    await it.git("config", "core.hooksPath", "tools");
  }],
  ["a hook of a commit", "commit", (it) => hook(it, "pre-commit")],
  ["gpg.program", "commit", async (it) => {
    await it.git("config", "commit.gpgSign", "true");
    await it.git("config", "gpg.program", it.program);
  }],
  ["diff.external", "diff", ({ git, program }) => git("config", "diff.external", program)],
  ["a driver's textconv", "diff", async (it) => {
    await attribute(it, "diff=x");
    await it.git("config", "diff.x.textconv", it.program);
  }],
  ["a driver's command", "diff", async (it) => {
    await attribute(it, "diff=x");
    await it.git("config", "diff.x.command", it.program);
  }],
  ["a merge driver", "merge", async (it) => {
    await attribute(it, "merge=x");
    await it.git("config", "merge.x.driver", it.program);
  }],
  ["the server of a promised file", "status", async (it) => {
    await it.git("config", "core.repositoryFormatVersion", "1");
    await it.git("config", "extensions.partialClone", "evil");
    await it.git("config", "remote.evil.url", it.root);
    await it.git("config", "remote.evil.promisor", "true");
    await it.git("config", "remote.evil.uploadpack", it.program);
    const tree = (await it.git("rev-parse", "HEAD^{tree}")).trim();
    await rm(join(it.root, ".git", "objects", tree.slice(0, 2), tree.slice(2)));
  }],
  ["a remote of the protocol ext", "status", async (it) => {
    await it.git("config", "core.repositoryFormatVersion", "1");
    await it.git("config", "extensions.partialClone", "evil");
    await it.git("config", "remote.evil.url", `ext::${it.program} /dev/null`);
    await it.git("config", "remote.evil.promisor", "true");
    await it.git("config", "protocol.ext.allow", "always");
    const tree = (await it.git("rev-parse", "HEAD^{tree}")).trim();
    await rm(join(it.root, ".git", "objects", tree.slice(0, 2), tree.slice(2)));
  }],
];

async function prepare(use: Use, it: Scene): Promise<void> {
  if (use === "merge") {
    await it.git("switch", "--quiet", "-c", "theirs");
    await writeFile(join(it.root, "file.txt"), "theirs\n");
    await it.git("commit", "--quiet", "-am", "Theirs");
    await it.git("switch", "--quiet", "main");
    await writeFile(join(it.root, "file.txt"), "ours\n");
    await it.git("commit", "--quiet", "-am", "Ours");
  }
  if (use === "switch") await it.git("switch", "--quiet", "other");
}

const COMMANDS: Record<Use, string[]> = {
  status: ["status", "--porcelain=v2"],
  switch: ["switch", "--quiet", "main"],
  diff: ["diff", "HEAD~1", "HEAD"],
  commit: ["commit", "--quiet", "--allow-empty", "-m", "Two"],
  merge: ["merge", "--quiet", "-m", "Merge", "theirs"],
};

for (const [name, use, plant] of FAMILIES) {
  Deno.test(`runGit() does not run what the repository plants as ${name}`, async () => {
    // Once as a person calls it, which shows that the trap works, and once as ralph does.
    for (const by of ["a person", "ralph"]) {
      await using dir = await tempRepo();
      await using outside = await tempDir();
      const it = await scene(dir, outside);
      await prepare(use, it);
      await plant(it);
      if (use === "status") await touch(it);
      await it.wasRun();
      const run = by === "ralph"
        ? runGit(COMMANDS[use], { cwd: it.root })
        : it.git(...COMMANDS[use]);
      // Some cannot succeed without their program: a signature, a merge, a missing file.
      await run.catch(() => {});
      assertEquals(await it.wasRun(), by === "a person", `by ${by}`);
    }
  });
}

Deno.test("gitSnapshot() and changesBetween() work beside planted programs", async () => {
  await using dir = await tempRepo();
  await using outside = await tempDir();
  const it = await scene(dir, outside);
  for (const [name, , plant] of FAMILIES) {
    if (!/server|protocol|submodule|work tree/.test(name)) await plant(it);
  }
  await it.wasRun();
  await touch(it);
  await writeFile(join(it.root, "new.txt"), "new\n");
  const { dirty, head } = await gitSnapshot(it.root);
  assertEquals([...dirty.keys()].filter((path) => path.endsWith(".txt")), ["new.txt"]);
  const before = (await it.git("rev-parse", "HEAD~1")).trim();
  await it.wasRun();
  assertEquals(await changesBetween(it.root, before, head), { commits: 1, filesChanged: 1 });
  assertEquals(await it.wasRun(), false);
});

Deno.test("runGit() runs the filters of the user's own config, and Git LFS of the repository", async () => {
  await using dir = await tempRepo();
  await using outside = await tempDir();
  const it = await scene(dir, outside);
  const own = join(outside.path, "gitconfig");
  await writeFile(own, `[filter "x"]\n\tclean = ${it.program} /dev/stdin\n`);
  await attribute(it, "filter=x");
  await it.git("config", "filter.x.clean", "false");
  await touch(it);
  const env = { ...process.env, GIT_CONFIG_GLOBAL: own };
  assertEquals(await runGit(["status", "--porcelain"], { cwd: it.root, env }), "");
  assertEquals(await it.wasRun(), true);

  const bin = join(outside.path, "bin");
  await mkdir(bin);
  await writeFile(join(bin, "git-lfs"), `#!/bin/sh\nexec "${it.program}" /dev/stdin\n`);
  await chmod(join(bin, "git-lfs"), 0o755);
  await writeFile(join(it.root, ".git", "info", "attributes"), "*.txt filter=lfs\n");
  await it.git("config", "filter.lfs.clean", "git-lfs clean -- %f");
  await touch(it);
  const withLfs = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  await runGit(["status", "--porcelain"], { cwd: it.root, env: withLfs });
  assertEquals(await it.wasRun(), true);
});

Deno.test("runGit() refuses a driver that cannot be switched off by its name", async () => {
  await using dir = await tempRepo();
  await using outside = await tempDir();
  const it = await scene(dir, outside);
  await attribute(it, "filter=a=b");
  await it.git("config", "filter.a=b.clean", it.program);
  await touch(it);
  const error = await assertRejects(() => runGit(["status"], { cwd: it.root }), GitError);
  assertMatch(error.message, /the repository's git config has the key "filter\.a=b\.clean"/);
  assertEquals(await it.wasRun(), false);
});

Deno.test("runGit() gives git no secret of the environment", async () => {
  await using dir = await tempRepo();
  await using outside = await tempDir();
  const bin = join(outside.path, "bin");
  await mkdir(bin);
  await writeFile(join(bin, "git"), "#!/bin/sh\nenv\n");
  await chmod(join(bin, "git"), 0o755);
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env.PATH}`,
    OPENCODE_SERVER_PASSWORD: "secret-1",
    ANTHROPIC_API_KEY: "secret-2",
    GIT_DIR: "/elsewhere",
    SSH_AUTH_SOCK: "/run/agent",
    GIT_AUTHOR_NAME: "Ann",
    LANG: "de_DE.UTF-8",
  };
  const given = await runGit(["status"], { cwd: dir.path, env });
  assert(!/secret|elsewhere|SSH_AUTH_SOCK/.test(given), given);
  for (const line of ["GIT_AUTHOR_NAME=Ann", "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0"]) {
    assert(given.split("\n").includes(line), line);
  }
});

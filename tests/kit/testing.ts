import { execFile } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Folders and repositories for tests, removed at the end of the block that created them. */

/** A folder for one test. */
export type TempDir = { path: string } & AsyncDisposable;

/** Creates an empty folder, with its path as git reports it: without symbolic links. */
export async function tempDir(): Promise<TempDir> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "ralph-test-")));
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Creates a git repository on branch `main`, with one empty commit. */
export async function tempRepo(): Promise<TempDir> {
  const dir = await tempDir();
  const git = (...args: string[]) => promisify(execFile)("git", args, { cwd: dir.path });
  await git("init", "--quiet", "-b", "main");
  await git("config", "user.name", "Tester");
  await git("config", "user.email", "tester@example.com");
  await git("config", "commit.gpgsign", "false");
  await git("commit", "--quiet", "--allow-empty", "-m", "Begin");
  return dir;
}

import { readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import process from "node:process";
import { runGit } from "./run_git.ts";

/** Where the system does not list its processes, a lock of this age is taken to have no owner. */
const OLD_MS = 60_000;

/**
 * Removes the lock files left behind by a git process that was killed: they would make every later
 * commit fail. A lock is kept while any git runs in the repository, or, where that cannot be seen,
 * for a minute.
 *
 * @param root The root of the repository.
 * @returns The files that were removed, absolute paths.
 * @throws {GitError} If git fails.
 */
export async function clearStaleLock(root: string): Promise<string[]> {
  const output = await runGit([
    "rev-parse",
    "--git-path",
    "index.lock",
    "--git-path",
    "HEAD.lock",
    "--symbolic-full-name",
    "HEAD",
  ], { cwd: root }).catch(() => "");
  const [index, head, ref] = output.split("\n").filter((line) => line !== "");
  if (index === undefined || head === undefined) return [];
  const names = [index, head];
  if (ref?.startsWith("refs/")) {
    names.push((await runGit(["rev-parse", "--git-path", `${ref}.lock`], { cwd: root })).trim());
  }
  const removed: string[] = [];
  for (const file of names.map((name) => resolve(root, name))) {
    const found = await stat(file).catch(() => undefined);
    if (found === undefined || await isInUse(root, found.mtimeMs)) continue;
    await rm(file, { force: true });
    removed.push(file);
  }
  return removed;
}

async function isInUse(root: string, lockedAt: number): Promise<boolean> {
  if (process.platform !== "linux") return Date.now() - lockedAt < OLD_MS;
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const users = await Promise.all(pids.map(async (pid) => {
    const name = await readFile(join("/proc", pid, "comm"), "utf8").catch(() => "");
    if (!name.startsWith("git")) return false;
    const cwd = await readlink(join("/proc", pid, "cwd")).catch(() => "");
    return cwd === root || cwd.startsWith(root + sep);
  }));
  return users.includes(true);
}

import { createHash } from "node:crypto";
import { lstat, readdir } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { isNotFound } from "../base/error_code.ts";
import { readRegularFile } from "../base/read_text_file.ts";
import { type GitStatusEntry, parseGitStatus } from "./parse_git_status.ts";
import { runGit } from "./run_git.ts";

/** The state of a repository at one moment. */
export interface GitSnapshot {
  /** The commit; `null` if there is none yet. */
  head: string | null;
  /** The branch; `null` on a detached HEAD. */
  branch: string | null;
  /**
   * The files that differ from the last commit, by their paths from the root,
   * each with a fingerprint that changes when the file does.
   */
  dirty: Map<string, string>;
}

/** Options for {@linkcode gitSnapshot}. */
export interface GitSnapshotOptions {
  /** Files and folders to leave out: absolute paths, or relative to the root. @default {[]} */
  ignore?: string[] | undefined;
  /** Stops git, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Beyond this many files a fingerprint is only git's status, to bound the cost. */
const MOST_STATS = 1_000;
/** How many files are read for their fingerprint, and up to what size in bytes. */
const MOST_READS = 100;
const MOST_BYTES_READ = 65_536;

/**
 * Records the state of a repository: the commit, the branch, and the files that differ. Starts git
 * once. Every file in an untracked folder is checked, because an edit of one does not show on the
 * folder; `node_modules` is left out.
 *
 * @example Usage
 * ```ts
 * import { gitSnapshot, snapshotsDiffer } from "./git_snapshot.ts";
 * import { runGit } from "./run_git.ts";
 * import { assertEquals } from "@std/assert";
 * import { mkdtemp, rm, writeFile } from "node:fs/promises";
 *
 * const root = await mkdtemp("example-");
 * await runGit(["init", "-q", "-b", "main"], { cwd: root });
 * const before = await gitSnapshot(root);
 * await writeFile(`${root}/a.txt`, "a");
 * const after = await gitSnapshot(root);
 * assertEquals(snapshotsDiffer(before, after), true);
 * await rm(root, { recursive: true });
 * ```
 *
 * @param root The root of the repository.
 * @throws {GitError} If git fails.
 */
export async function gitSnapshot(
  root: string,
  options: GitSnapshotOptions = {},
): Promise<GitSnapshot> {
  const { ignore = [], signal } = options;
  const args = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal"];
  const output = await runGit(args, { cwd: root, signal });
  const { head, branch, entries } = parseGitStatus(output);
  const ignored = ignore.map((path) => repositoryPath(root, path));
  const files = await expandFolders(root, entries, ignored);
  const dirty = new Map(
    await Promise.all(files.map(async ({ path, status }, index) => {
      const seen = index < MOST_STATS ? await stamp(join(root, path), index < MOST_READS) : "";
      return [path, `${status} ${seen}`.trimEnd()] as const;
    })),
  );
  return { head, branch, dirty };
}

/**
 * Whether work was done between two snapshots: a commit, or a change of the work tree. Renaming the
 * branch does not count.
 *
 * @returns Whether they differ.
 */
export function snapshotsDiffer(a: GitSnapshot, b: GitSnapshot): boolean {
  if (a.head !== b.head || a.dirty.size !== b.dirty.size) return true;
  for (const [path, fingerprint] of a.dirty) {
    if (b.dirty.get(path) !== fingerprint) return true;
  }
  return false;
}

/**
 * Whether a path is in a list of files and folders, or inside one of them.
 *
 * @param path A path from the root, as git writes it; a folder may end in `/`.
 * @param folders Paths from the root, without a slash at the end.
 * @returns Whether one of them contains it.
 */
export function isWithin(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) =>
    folder === "" || path === folder || path.startsWith(`${folder}/`)
  );
}

/**
 * Writes a path as git does: from the root, with slashes.
 *
 * @param root The root of the repository.
 * @param path An absolute path, or one from the root.
 * @returns The path; empty for the root itself.
 */
export function repositoryPath(root: string, path: string): string {
  const from = isAbsolute(path) ? relative(root, path) : path;
  return from.split(sep).join("/").replace(/\/$/, "");
}

async function expandFolders(
  root: string,
  entries: GitStatusEntry[],
  ignored: string[],
): Promise<GitStatusEntry[]> {
  const files: GitStatusEntry[] = [];
  const queue = [...entries];
  for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
    const { path, status } = entry;
    if (isWithin(path, ignored)) continue;
    if (!path.endsWith("/") || files.length + queue.length >= MOST_STATS) {
      files.push(entry);
      continue;
    }
    for (const child of await readFolder(join(root, path))) {
      if (child.name === ".git" || child.name === "node_modules") continue;
      queue.push({ path: path + child.name + (child.isDirectory() ? "/" : ""), status });
    }
  }
  return files;
}

async function readFolder(dir: string): Promise<{ name: string; isDirectory(): boolean }[]> {
  return await readdir(dir, { withFileTypes: true }).catch(ifNotFound([]));
}

/**
 * A fingerprint of a file: its content where that is cheap to read, so that rewriting the same
 * content is not a change; otherwise its time and size.
 */
async function stamp(path: string, read: boolean): Promise<string> {
  const stats = await lstat(path, { bigint: true }).catch(ifNotFound(undefined));
  if (stats === undefined) return "";
  if (read && stats.isFile() && stats.size <= MOST_BYTES_READ) {
    const content = await readRegularFile(path).catch(() => undefined);
    if (content !== undefined) {
      return `${stats.mode} ${createHash("sha1").update(content).digest("hex")}`;
    }
  }
  return `${stats.mtimeNs} ${stats.size}`;
}

/** Files come and go meanwhile: a missing one is not an error. */
function ifNotFound<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (isNotFound(error)) return value;
    throw error;
  };
}

import { realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isNotFound } from "../base/error_code.ts";
import { readTextFile } from "../base/read_text_file.ts";

/** Thrown if a folder is not in a git repository. */
export class NotARepositoryError extends Error {
  /** The name of the class. */
  override name = "NotARepositoryError";
  /** How to fix it. */
  readonly hint: string = "start one with: git init";
  /** Where the search began. */
  readonly cwd: string;

  /** `cwd` is where the search began. */
  constructor(message: string, cwd: string, options?: ErrorOptions) {
    super(message, options);
    this.cwd = cwd;
  }
}

/**
 * Finds the root of the git repository that a folder is in, without starting git. Symbolic links
 * are followed, as git follows them. A worktree or a submodule has its own root, not that of its
 * main repository.
 *
 * @example Usage
 * ```ts
 * import { findGitRoot } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 * import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
 *
 * const dir = await realpath(await mkdtemp("example-"));
 * await mkdir(`${dir}/.git`);
 * await writeFile(`${dir}/.git/HEAD`, "ref: refs/heads/main\n");
 * await mkdir(`${dir}/src`);
 * assertEquals((await findGitRoot(`${dir}/src`)) === dir, true);
 * await rm(dir, { recursive: true });
 * ```
 *
 * @param cwd The folder to start from.
 * @returns The absolute path of the root, without symbolic links.
 * @throws {NotARepositoryError} If the folder is not in a repository, or does not exist.
 */
export async function findGitRoot(cwd: string): Promise<string> {
  let dir: string;
  try {
    dir = await realpath(cwd);
  } catch (cause) {
    if (!isNotFound(cause)) throw cause;
    const message = `Cannot find a git repository: there is no folder "${cwd}"`;
    throw new NotARepositoryError(message, cwd, { cause });
  }
  for (let at = dir;;) {
    if (await isRoot(at)) return at;
    const parent = dirname(at);
    if (parent === at) {
      const message = `Cannot find a git repository: neither "${dir}" nor a folder above it is one`;
      throw new NotARepositoryError(message, dir);
    }
    at = parent;
  }
}

async function isRoot(dir: string): Promise<boolean> {
  try {
    // In a worktree or a submodule `.git` is a file that names the real folder.
    if ((await stat(join(dir, ".git"))).isFile()) return true;
    // A folder `.git` without HEAD is not a repository; git searches further up too.
    return (await stat(join(dir, ".git", "HEAD"))).isFile();
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/**
 * The folder in which git keeps what belongs to one work tree: `.git`, or for a worktree or a
 * submodule the folder that the file `.git` names.
 *
 * @param root The root of the work tree, from {@linkcode findGitRoot}.
 * @throws {NotARepositoryError} If `.git` is neither a folder nor a file that names one.
 */
export async function findGitDir(root: string): Promise<string> {
  const path = join(root, ".git");
  if ((await stat(path)).isDirectory()) return path;
  const [, target] = /^gitdir: (.+)$/m.exec(await readTextFile(path)) ?? [];
  if (target !== undefined) return resolve(root, target);
  throw new NotARepositoryError(`Cannot read "${path}": it names no git folder`, root);
}

/**
 * The git folder that all work trees of a repository share. A folder that merely claims to be a
 * work tree of it, by a file `.git` that came from elsewhere, gets a name of its own: git lists
 * real work trees in the shared folder.
 *
 * @param root The root of the work tree, from {@linkcode findGitRoot}.
 * @returns An absolute path without symbolic links, for a false work tree with its root appended.
 * @throws {NotARepositoryError} If `.git` is neither a folder nor a file that names one.
 */
export async function findCommonDir(root: string): Promise<string> {
  const own = await realpath(await findGitDir(root));
  const file = join(root, ".git");
  if (own === file) return own;
  const [common, listed] = await Promise.all([
    readTextFile(join(own, "commondir")).catch(() => undefined),
    readTextFile(join(own, "gitdir")).catch(() => ""),
  ]);
  const back = await realpath(resolve(own, listed.trim() || ".")).catch(() => undefined);
  if (common === undefined || back !== file) return `${own}#${root}`;
  return await realpath(resolve(own, common.trim()));
}

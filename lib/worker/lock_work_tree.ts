import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { lockFile } from "../base/lock.ts";
import { isAlive, type ProcessIdentity } from "../base/process_identity.ts";
import { readTextFile } from "../base/read_text_file.ts";
import { writeAtomic } from "../base/write_atomic.ts";
import { findGitDir } from "../git/find_git_root.ts";

/** Who works in a work tree. */
export interface WorkTreeHolder {
  /** The name of the task. */
  task: string;
  /** The id of the session. */
  session: string;
  /** The process that runs it. */
  worker: ProcessIdentity;
  /** When it took the work tree, ISO 8601 in UTC. */
  since: string;
}

const holderSchema: z.ZodType<WorkTreeHolder> = z.object({
  task: z.string(),
  session: z.string(),
  worker: z.object({ pid: z.int(), start: z.string() }),
  since: z.iso.datetime(),
});

/** Thrown when a session is to be run in a work tree in which another one runs. */
export class WorkTreeBusyError extends Error {
  /** How to go on. */
  readonly hint: string;

  /** `holder` is the running session, if it is known. */
  constructor(task: string, root: string, holder?: WorkTreeHolder) {
    const who = holder === undefined
      ? "another session runs in its work tree"
      : `${holder.task} runs in the same work tree (pid ${holder.worker.pid}, since ${
        holder.since.slice(0, 19)
      }Z)`;
    super(`Cannot run ${task}: ${who}: "${root}"`);
    this.name = "WorkTreeBusyError";
    const end = holder === undefined ? "wait for its end" : `end it: ralph stop ${holder.task}`;
    this.hint = `${end}\nor work in another checkout: git worktree add ../${task}`;
  }
}

/**
 * Takes a work tree for a session: two agents in one would switch branches under each other. The
 * lock lies in the git folder, so that every ralph finds it, whatever its state folder is, and it
 * ends with its process.
 *
 * @param root The root of the work tree.
 * @param holder The session that takes it.
 * @throws {WorkTreeBusyError} If another session holds it.
 */
export async function lockWorkTree(root: string, holder: WorkTreeHolder): Promise<Disposable> {
  const folder = join(await findGitDir(root), "ralph");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const holderFile = join(folder, "session.json");
  const lock = lockFile(join(folder, "session.lock"));
  if (lock === undefined) {
    throw new WorkTreeBusyError(holder.task, root, await readHolder(holderFile));
  }
  try {
    await writeAtomic(holderFile, `${JSON.stringify(holder)}\n`, { fsync: false });
    return lock;
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** The holder, unless the file is still that of an earlier one. */
async function readHolder(file: string): Promise<WorkTreeHolder | undefined> {
  try {
    const holder = holderSchema.parse(JSON.parse(await readTextFile(file)));
    return isAlive(holder.worker) ? holder : undefined;
  } catch {
    return undefined;
  }
}

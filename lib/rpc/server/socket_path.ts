import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Session } from "../../session/model/session.ts";
import type { SessionPaths } from "../../session/model/session_paths.ts";
import { lockTask, TaskLockedError } from "../../base/lock.ts";

/** The longest socket path that every system accepts, in bytes: macOS has 104 with the NUL. */
const MAX_PATH_BYTES = 103;

/** The prefix of the folder for sockets whose usual path would be too long. */
const SHORT_PREFIX = "ralph-rpc-";

/** A socket path that nobody else uses. Dispose of it to remove the socket. */
export interface SocketPath extends AsyncDisposable {
  /** The path; nothing exists there yet. */
  readonly path: string;
}

/**
 * Finds a path for the socket of a session: `<task>.sock`, or `<task>-<8 hex of the repository's
 * path>.sock` if another repository has a running task of that name. If that is too long for a
 * socket, it is a short path in the folder for temporary files.
 *
 * A path in use is protected by a lock that ends with its owner, so a socket without one was left
 * by a killed worker, and is removed.
 *
 * @returns The path, in a folder that belongs to this user alone.
 */
export async function claimSocketPath(
  session: Pick<Session, "task" | "root">,
  paths: Pick<SessionPaths, "socketsDir" | "stateDir">,
): Promise<SocketPath> {
  const { task, root } = session;
  const hash = createHash("sha256").update(root).digest("hex").slice(0, 8);
  await mkdir(paths.socketsDir, { recursive: true, mode: 0o700 });
  // Even if the folder existed: a socket is open to all for the moment in which it is created.
  await chmod(paths.socketsDir, 0o700);
  for (const name of [`${task}.sock`, `${task}-${hash}.sock`]) {
    const path = join(paths.socketsDir, name);
    if (Buffer.byteLength(path) > MAX_PATH_BYTES) continue;
    const lock = tryLock(path, paths);
    if (lock === undefined) continue;
    await rm(path, { force: true });
    return {
      path,
      async [Symbol.asyncDispose](): Promise<void> {
        await rm(path, { force: true });
        lock[Symbol.dispose]();
      },
    };
  }
  // The system picks a name that nobody can predict, with mode 0700.
  const parent = Buffer.byteLength(join(tmpdir(), `${SHORT_PREFIX}XXXXXX`, "s")) > MAX_PATH_BYTES
    ? "/tmp"
    : tmpdir();
  const folder = await mkdtemp(join(parent, SHORT_PREFIX));
  return {
    path: join(folder, "s"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Removes the socket that a killed worker has left. One that is in use again is kept. */
export async function removeStaleSocket(
  path: string,
  paths: Pick<SessionPaths, "stateDir">,
): Promise<void> {
  using lock = tryLock(path, paths);
  if (lock === undefined) return;
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isSocket()) return;
  const folder = dirname(path);
  if (basename(folder).startsWith(SHORT_PREFIX)) await rm(folder, { recursive: true, force: true });
  else await rm(path, { force: true });
}

function tryLock(path: string, { stateDir }: { stateDir: string }): Disposable | undefined {
  try {
    return lockTask(path, { stateDir });
  } catch (error) {
    if (error instanceof TaskLockedError) return undefined;
    throw error;
  }
}

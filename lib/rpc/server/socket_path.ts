import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Session } from "../../session/model/session.ts";
import type { SessionPaths } from "../../session/model/session_paths.ts";
import { lockTask, TaskLockedError } from "../../base/lock.ts";

/** The longest path of a socket that every system takes, in bytes: macOS has room for 104 with the NUL. */
const MAX_PATH_BYTES = 103;

/** How the folder of a socket begins whose usual path would be too long. */
const SHORT_PREFIX = "ralph-rpc-";

/** The path of a socket that nobody else uses. Dispose of it to remove the socket. */
export interface SocketPath extends AsyncDisposable {
  /** The path, at which there is nothing yet. */
  readonly path: string;
}

/**
 * Finds a path for the socket of a session: `<task>.sock`, or where another repository has a
 * running task of that name, `<task>-<8 hex of the repository's path>.sock`. Where that is too
 * long for a socket, it is a short one in the folder for temporary files.
 *
 * Whoever uses a path holds a lock that dies with its owner, so a socket that is found without
 * one is what a killed worker has left, and is removed.
 *
 * @param session The session.
 * @param paths Where ralph keeps its files.
 * @returns The path, in a folder that is this user's alone.
 */
export async function claimSocketPath(
  session: Pick<Session, "task" | "root">,
  paths: Pick<SessionPaths, "socketsDir" | "stateDir">,
): Promise<SocketPath> {
  const { task, root } = session;
  const hash = createHash("sha256").update(root).digest("hex").slice(0, 8);
  await mkdir(paths.socketsDir, { recursive: true, mode: 0o700 });
  // Also where it was there before: a socket is open to all for the moment in which it is made.
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
  // Made by the system with a name that nobody can know before, and mode 0700.
  const parent = Buffer.byteLength(join(tmpdir(), `${SHORT_PREFIX}XXXXXX`, "s")) > MAX_PATH_BYTES
    ? "/tmp"
    : tmpdir();
  const folder = await mkdtemp(join(parent, SHORT_PREFIX));
  return {
    path: join(folder, "s"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/**
 * Removes the socket that a killed worker has left. One that is in use again is left alone.
 *
 * @param path The path, as it was recorded.
 * @param paths Where ralph keeps its files.
 */
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

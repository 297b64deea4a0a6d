import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isNotFound } from "../../base/error_code.ts";
import { lockFile } from "../../base/lock.ts";
import { writeAtomic } from "../../base/write_atomic.ts";
import { findCommonDir } from "../../git/find_git_root.ts";
import { canonicalJson } from "./executables.ts";
import { SETTINGS_FILE, type TrustRecord, trustRecordSchema } from "./trust_record.ts";

/** How long to wait for another process that changes the same record, in milliseconds. */
const LOCK_MS = 5_000;
const LOCK_STEP_MS = 20;

/** Options for {@linkcode openTrustStore}. */
export interface OpenTrustStoreOptions {
  /** Ralph's state folder. */
  stateDir: string;
}

/** What the user has accepted of one repository: a file in their state folder. */
export interface TrustStore {
  /** The file. */
  readonly file: string;
  /** Reads the record; an empty one if there is none, or if it cannot be understood. */
  read(): Promise<TrustRecord>;
  /** Changes the record: `change` gets the newest one, and nobody else writes meanwhile. */
  update(change: (record: TrustRecord) => TrustRecord): Promise<TrustRecord>;
}

/**
 * Opens the record of a repository. It belongs to the git folder that all work trees share, so a
 * worktree is trusted as its repository is, and a clone is not. If the repository was moved within
 * its file system, its record moves along.
 *
 * @param root The root of a work tree.
 */
export async function openTrustStore(
  root: string,
  { stateDir }: OpenTrustStoreOptions,
): Promise<TrustStore> {
  const repository = await findCommonDir(root);
  const identity = await identityOf(repository);
  const folder = join(stateDir, "trust");
  const file = join(folder, fileName(repository));
  const empty: TrustRecord = {
    version: 1,
    repository,
    identity,
    tasks: {},
    hashes: [],
    sessions: {},
  };
  if (await readRecord(file) === undefined) await takeOver(folder, file, empty);
  const read = async (): Promise<TrustRecord> => ({
    ...await readRecord(file) ?? empty,
    repository,
    identity,
  });
  return {
    file,
    read,
    async update(change) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      using _lock = await takeLock(`${file}.lock`);
      const after = change(await read());
      // A session that changes nothing must not wait for the disk.
      if (canonicalJson(after) !== canonicalJson(await readRecord(file))) {
        await writeAtomic(file, `${JSON.stringify(after, null, 2)}\n`, { mode: 0o600 });
      }
      return after;
    },
  };
}

function fileName(repository: string): string {
  return `${createHash("sha256").update(repository).digest("hex").slice(0, 32)}.json`;
}

/** What stays the same when a folder is moved: its inode, and when that was created. */
async function identityOf(repository: string): Promise<string> {
  const [path = ""] = repository.split("#");
  const { dev, ino, birthtimeMs } = await stat(path);
  return `${dev}:${ino}:${Math.round(birthtimeMs)}`;
}

async function readRecord(file: string): Promise<TrustRecord | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  try {
    return trustRecordSchema.parse(JSON.parse(text)) as TrustRecord;
  } catch {
    // Nothing is trusted because of a file that cannot be understood.
    return undefined;
  }
}

/** Takes the record of a repository that was moved: one whose own place is empty now. */
async function takeOver(folder: string, file: string, wanted: TrustRecord): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => each.endsWith(".json"))) {
    const found = await readRecord(join(folder, name)).catch(() => undefined);
    if (found === undefined || found.identity !== wanted.identity) continue;
    const [place = ""] = found.repository.split("#");
    const isGone = await stat(place).then(() => false, isNotFound);
    if (!isGone) continue;
    const { repository, identity } = wanted;
    const record = { ...found, repository, identity, sessions: withoutRoots(found) };
    await writeAtomic(file, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
    return await rm(join(folder, name), { force: true });
  }
}

/** A killed session was recorded with the old place: what it may have changed has moved along. */
function withoutRoots({ sessions, tasks }: TrustRecord): TrustRecord["sessions"] {
  const all = [SETTINGS_FILE, ...Object.keys(tasks)];
  return Object.fromEntries(
    Object.entries(sessions).map(([id, each]) => [id, { ...each, tasks: each.tasks ?? all }]),
  );
}

async function takeLock(path: string): Promise<Disposable> {
  const until = performance.now() + LOCK_MS;
  for (;;) {
    const lock = lockFile(path);
    if (lock !== undefined) return lock;
    if (performance.now() > until) {
      throw new Error(`Cannot lock "${path}": another process holds it`);
    }
    await delay(LOCK_STEP_MS);
  }
}

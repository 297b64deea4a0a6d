import { type FSWatcher, watch } from "node:fs";
import { mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SESSION_VARIABLE } from "../agent_environment.ts";

/** The variable that names the signal file to the hooks and plugins of an agent. */
export const SIGNAL_VARIABLE = "RALPH_SIGNAL_FILE";

/** A file beside the signal file that is there while a person has taken the agent over. */
export const INTERACTIVE_SUFFIX = ".interactive";

/** A file beside the signal file that is there if the agent may do anything without asking. */
export const ALLOW_SUFFIX = ".allow";

/** Options for {@linkcode openSignalFolder}. */
export interface SignalFolderOptions {
  /** The environment of the agent; its session, if it has one, is in the folder's name. */
  env: Record<string, string>;
}

/** A private folder with the file in which an agent says where its turn stands. */
export interface SignalFolder extends AsyncDisposable {
  /** The folder. */
  readonly path: string;
  /** The signal file: replaced as a whole each time, so that it holds the last signal. */
  readonly file: string;
  /** Reads the last signal, which is JSON; nothing if there is none. */
  read(): Promise<unknown>;
  /** Calls back when there may be a new signal, if the system can tell. */
  watch(onNews: () => void): Disposable;
}

/**
 * Makes a folder for signals, which nobody else can read.
 *
 * @param options For which agent.
 * @returns The folder; dispose of it to remove it.
 */
export async function openSignalFolder(options: SignalFolderOptions): Promise<SignalFolder> {
  const prefix = folderPrefix(options.env[SESSION_VARIABLE] ?? "");
  const path = await realpath(await mkdtemp(join(tmpdir(), prefix)));
  const file = join(path, "signal.json");
  return {
    path,
    file,
    async read() {
      const text = await readFile(file, "utf8").catch(() => undefined);
      if (text === undefined) return;
      try {
        return JSON.parse(text);
      } catch {
        // Written by something else than the hooks: no signal.
      }
    },
    watch(onNews) {
      let watcher: FSWatcher | undefined;
      try {
        watcher = watch(path, onNews);
        watcher.on("error", () => watcher?.close());
      } catch {
        // Whoever waits for signals looks now and then anyway.
      }
      return { [Symbol.dispose]: () => watcher?.close() };
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/**
 * Removes the signal folders of a session whose worker was killed.
 *
 * @param sessionId The session.
 */
export async function removeSignalFolders(sessionId: string): Promise<void> {
  const prefix = folderPrefix(sessionId);
  const names = await readdir(tmpdir()).catch(() => []);
  const left = sessionId === "" ? [] : names.filter((name) => name.startsWith(prefix));
  await Promise.all(left.map((name) => rm(join(tmpdir(), name), { recursive: true, force: true })));
}

function folderPrefix(sessionId: string): string {
  return `ralph-pty-${sessionId.replaceAll(/[^\w-]/g, "_")}-`;
}

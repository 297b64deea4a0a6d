import { type FSWatcher, watch } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import type { AgentStartOptions } from "../agent.ts";
import { privateFolder } from "../private_file.ts";
import { readTextFile } from "../../base/read_text_file.ts";

/** The variable that names the signal file to the hooks and plugins of an agent. */
export const SIGNAL_VARIABLE = "RALPH_SIGNAL_FILE";

/** A file beside the signal file that exists while a person has taken over the agent. */
export const INTERACTIVE_SUFFIX = ".interactive";

/** A file beside the signal file that exists if the agent may do anything without asking. */
export const ALLOW_SUFFIX = ".allow";

/** A private folder with the file where an agent reports the state of its turn. */
export interface SignalFolder extends AsyncDisposable {
  /** The folder. */
  readonly path: string;
  /** The signal file, replaced atomically with each signal. */
  readonly file: string;
  /** Reads the last signal, which is JSON; `undefined` if there is none. */
  read(): Promise<unknown>;
  /** Calls back when there may be a new signal, if the system supports it. */
  watch(onNews: () => void): Disposable;
}

/**
 * Creates a folder for signals that only the user can read.
 *
 * @returns The folder; dispose of it to remove it.
 */
export async function openSignalFolder(
  start: Pick<AgentStartOptions, "scratchDir"> = {},
): Promise<SignalFolder> {
  const path = await realpath(await mkdtemp(join(await privateFolder(start), "ralph-pty-")));
  const file = join(path, "signal.json");
  return {
    path,
    file,
    async read() {
      const text = await readTextFile(file).catch(() => undefined);
      if (text === undefined) return;
      try {
        return JSON.parse(text);
      } catch {
        // Not written by the hooks, so not a signal.
      }
    },
    watch(onNews) {
      let watcher: FSWatcher | undefined;
      try {
        watcher = watch(path, onNews);
        watcher.on("error", () => watcher?.close());
      } catch {
        // Not needed: the signal file is also polled.
      }
      return { [Symbol.dispose]: () => watcher?.close() };
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

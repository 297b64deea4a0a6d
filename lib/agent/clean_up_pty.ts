import { removePlugin } from "./opencode/deploy_plugin.ts";
import { removeSignalFolders } from "./pty/signal_folder.ts";

/** Options for {@linkcode cleanUpPty}. */
export interface CleanUpPtyOptions {
  /** The folder in which the agents of the session worked. */
  cwd: string;
  /** The id of the session. */
  sessionId: string;
}

/**
 * Removes what agents in a PTY left behind when their worker was killed: signal files, and the
 * OpenCode plugin. Their processes must have ended.
 *
 * @example Usage
 * ```ts
 * import { cleanUpPty } from "./clean_up_pty.ts";
 * await cleanUpPty({ cwd: "/home/me/app", sessionId: "01JD0000000000000000000000" });
 * ```
 */
export async function cleanUpPty({ cwd, sessionId }: CleanUpPtyOptions): Promise<void> {
  await removeSignalFolders(sessionId);
  await removePlugin({ cwd, id: sessionId });
}

import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import process from "node:process";

/** The environment variables for {@linkcode sessionPaths}. */
export type PathEnvironment = Record<string, string | undefined>;

/** Where ralph keeps its files: absolute paths. */
export interface SessionPaths {
  /** Folder of the data: `$XDG_DATA_HOME/ralph`, by default `~/.local/share/ralph`. */
  dataDir: string;
  /** Folder of the state: `$XDG_STATE_HOME/ralph`, by default `~/.local/state/ralph`. */
  stateDir: string;
  /** The config folder: `$XDG_CONFIG_HOME/ralph`, by default `~/.config/ralph`. */
  configDir: string;
  /** The registry of sessions: `sessions.db` in the data folder. */
  database: string;
  /** Folder of the sockets of running sessions, in the data folder. */
  socketsDir: string;
  /** Folder of the logs of all sessions, in the state folder. */
  sessionsDir: string;
}

/**
 * The paths of ralph's files, following the XDG base directory specification: a variable that is
 * empty or not an absolute path counts as unset.
 *
 * @example Usage
 * ```ts
 * import { sessionPaths } from "@ralph/cli";
 *
 * const { database } = sessionPaths({ HOME: "/home/me", XDG_DATA_HOME: "/data" });
 * console.assert(database === "/data/ralph/sessions.db");
 * ```
 *
 * @param env The environment. Defaults to that of this process.
 * @returns The paths; nothing is created.
 */
export function sessionPaths(env: PathEnvironment = process.env): SessionPaths {
  const home = env["HOME"] || homedir();
  const base = (name: string, fallback: string) => {
    const value = env[name];
    return join(value && isAbsolute(value) ? value : join(home, fallback), "ralph");
  };
  const dataDir = base("XDG_DATA_HOME", join(".local", "share"));
  const stateDir = base("XDG_STATE_HOME", join(".local", "state"));
  return {
    dataDir,
    stateDir,
    configDir: base("XDG_CONFIG_HOME", ".config"),
    database: join(dataDir, "sessions.db"),
    socketsDir: join(dataDir, "sockets"),
    sessionsDir: join(stateDir, "sessions"),
  };
}

/**
 * The folder of a session's log.
 *
 * @example Usage
 * ```ts
 * import { sessionLogDir } from "./session_paths.ts";
 *
 * const dir = sessionLogDir("01JD0000000000000000000000", { XDG_STATE_HOME: "/state" });
 * console.assert(dir === "/state/ralph/sessions/01JD0000000000000000000000");
 * ```
 *
 * @param id The id of the session.
 * @param env The environment. Defaults to that of this process.
 * @returns The folder, an absolute path; nothing is created.
 * @throws {RangeError} If the id is not a ULID: as a path it could lead anywhere.
 */
export function sessionLogDir(id: string, env: PathEnvironment = process.env): string {
  if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(id)) {
    throw new RangeError(`Cannot find the log of session "${id}": a session id is a ULID`);
  }
  return join(sessionPaths(env).sessionsDir, id);
}

/**
 * The scratch folder of a session, in the folder of its log: private files of its agents, such as
 * prompts, none of which is needed once the session has ended.
 *
 * @param logDir The folder of the session's log.
 */
export function scratchDir(logDir: string): string {
  return join(logDir, "scratch");
}

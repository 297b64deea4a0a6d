import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, relative, resolve } from "node:path";
import { isNotFound } from "../../base/error_code.ts";
import { NotARepositoryError } from "../../git/find_git_root.ts";
import { RUN_VARIABLE } from "../../base/end_processes.ts";
import { SESSION_VARIABLE } from "../../agent/agent_environment.ts";
import { acceptedContent, decideConsent } from "../../guard/trust/trust_record.ts";
import { openTrustStore, type TrustStore } from "../../guard/trust/trust_store.ts";
import {
  contentOf,
  judgedPrd,
  NO_JUDGED_PRD,
  taskPath,
  type TrustedContent,
} from "../../guard/trust/trusted_content.ts";
import { sessionPaths } from "../../session/model/session_paths.ts";
import { PrdError } from "../../task/prd/prd.ts";
import { readPrd } from "../../task/prd/read_prd.ts";
import type { Task } from "../../task/task.ts";
import {
  checkSettings,
  mergeSettings,
  readProjectSettings,
  readUserSettings,
  type Settings,
} from "../run/settings.ts";

/** The environment of a command. */
type Environment = Record<string, string | undefined>;

/** What is known of the trust in one work tree. */
export interface WorkTreeTrust {
  /** The record of its repository. */
  store: TrustStore;
  /** The user's own settings, which are always trusted. */
  user: Settings;
  /** What its `ralph.toml` says now. */
  project: Settings;
  /** Whether it lies below a folder that the user trusts. */
  trustedFolder: boolean;
}

/**
 * Reads what is known of the trust in a work tree, and runs nothing.
 *
 * @throws {SettingsError} If a settings file is invalid.
 */
export async function openTrust(root: string, env: Environment): Promise<WorkTreeTrust> {
  const { configDir, stateDir } = sessionPaths(env);
  const [user, project] = await Promise.all([
    readUserSettings(configDir),
    readProjectSettings(root),
  ]);
  const folders = (user.trust ?? []).map((folder) => isBelow(root, folder, env));
  const trustedFolder = (await Promise.all(folders)).includes(true);
  return { store: await openTrustStore(root, { stateDir }), user, project, trustedFolder };
}

async function isBelow(root: string, folder: string, env: Environment): Promise<boolean> {
  const home = env.HOME || homedir();
  const path = /^~(\/|$)/.test(folder) ? join(home, folder.slice(1)) : resolve(home, folder);
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return false;
  const from = relative(real, root);
  return from.split("/")[0] !== ".." && !isAbsolute(from);
}

/**
 * Reads what a task's files run and judge by now. Of a prd.json that cannot be read, what was
 * accepted stays: the run itself reports the file.
 */
export async function readContent(task: Task, trust: WorkTreeTrust): Promise<TrustedContent> {
  const name = taskPath(task);
  const record = await trust.store.read();
  const prd = await readPrd(task.prdFile).then(judgedPrd, (error: unknown) => {
    if (!(error instanceof PrdError)) throw error;
    return acceptedContent(record, { task: name, prdFile: "" }).prd;
  });
  return await contentOf(task, { settings: trust.project, prd });
}

/**
 * The settings of a work tree without anything that nobody has allowed: of a `ralph.toml` with new
 * commands, what was accepted of it before. For commands that look and do not run a task.
 */
export async function readTrustedSettings(root: string, env: Environment): Promise<Settings> {
  const { configDir } = sessionPaths(env);
  const project = await readProjectSettings(root);
  if (Object.keys(project).length === 0) return await readUserSettings(configDir);
  const trust = await openTrust(root, env).catch((error: unknown) => {
    // Outside of a repository no ralph.toml counts.
    if (isNotFound(error) || error instanceof NotARepositoryError) return undefined;
    throw error;
  });
  if (trust === undefined) return await readUserSettings(configDir);
  const record = await trust.store.read();
  const now = { prdFile: "", settings: project, prd: NO_JUDGED_PRD, prompt: null };
  const { trustedFolder } = trust;
  const { kind } = decideConsent({ record, task: "", root, now, trustedFolder });
  const isTrusted = kind === "same" || kind === "accept";
  return mergeSettings(trust.user, isTrusted ? project : acceptedSettings(record.settings));
}

/** The settings of a record, in the form that this version of ralph knows. */
export function acceptedSettings(settings: Record<string, unknown> = {}): Settings {
  return checkSettings(settings, "the accepted ralph.toml (ralph trust accepts the present one)");
}

/** Whether this process was started by an agent, a check or a hook: no person types there. */
export function isInsideSession(env: Environment): boolean {
  return Boolean(env[SESSION_VARIABLE] || env[RUN_VARIABLE]);
}

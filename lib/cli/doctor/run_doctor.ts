import process from "node:process";
import { findGitRoot, NotARepositoryError } from "../../git/find_git_root.ts";
import { sessionPaths } from "../../session/model/session_paths.ts";
import type { DoctorFinding } from "../../ui/report/doctor_lines.ts";
import { UsageError } from "../kit/usage.ts";
import { type RunOptions, runOptions } from "../run/run_options.ts";
import { SettingsError } from "../run/settings.ts";
import { readTrustedSettings } from "../trust/open_trust.ts";
import { checkAgents, checkSettings } from "./doctor_agents.ts";
import { type DoctorCheck, runDoctorChecks } from "./doctor_check.ts";
import { checkFolders, checkSessions, checkTasks } from "./doctor_files.ts";
import { checkOpencode } from "./doctor_opencode.ts";
import { checkGh, checkGit, runtimeFinding } from "./doctor_tools.ts";
import { checkTrust } from "./doctor_trust.ts";

/** Everything that `ralph doctor` checks, in display order. */
const CHECKS: readonly DoctorCheck[] = [
  { name: "ralph", run: () => Promise.resolve([runtimeFinding()]) },
  { name: "git", run: checkGit },
  { name: "settings", run: checkSettings },
  { name: "trust", run: checkTrust },
  { name: "agents", run: checkAgents },
  { name: "OpenCode server", run: checkOpencode },
  { name: "folders", run: checkFolders },
  { name: "registry", run: checkSessions },
  { name: "tasks", run: checkTasks },
  { name: "gh", run: checkGh },
];

/** Options for {@linkcode runDoctor}. */
export interface RunDoctorOptions {
  /** The folder to check from. @default {process.cwd()} */
  cwd?: string | undefined;
  /** The environment. @default {process.env} */
  env?: Record<string, string | undefined> | undefined;
}

/**
 * Checks everything that a run depends on, as `ralph doctor` does: git, the settings, the agents,
 * the OpenCode server, folders, the registry, the tasks. Changes nothing.
 *
 * @example Usage
 * ```ts ignore
 * import { runDoctor } from "@ralph/cli";
 *
 * const findings = await runDoctor();
 * const ready = findings.every(({ level }) => level !== "problem");
 * ```
 *
 * @returns What was found, in the order in which `ralph doctor` prints it. A check that fails or
 * takes more than 10 seconds is a finding too.
 */
export async function runDoctor(options: RunDoctorOptions = {}): Promise<DoctorFinding[]> {
  const { cwd = process.cwd(), env = process.env } = options;
  const root = await findGitRoot(cwd).catch((error) => {
    if (error instanceof NotARepositoryError) return undefined;
    throw error;
  });
  return await runDoctorChecks(CHECKS, {
    cwd,
    env: definedOnly(env),
    paths: sessionPaths(env),
    root,
    options: await usualOptions(root ?? cwd, env),
  });
}

/**
 * The options that `ralph run` would derive from the settings here, for any task. A `ralph.toml`
 * that nobody has allowed is checked for mistakes, but the programs that it names do not count.
 */
async function usualOptions(
  root: string,
  env: Record<string, string | undefined>,
): Promise<RunOptions | Error> {
  const task = { name: "", dir: root, root, prdFile: "", progressFile: "" };
  try {
    await runOptions(task, { env });
    return await runOptions(task, { env, settings: await readTrustedSettings(root, env) });
  } catch (error) {
    if (error instanceof SettingsError || error instanceof UsageError) return error;
    throw error;
  }
}

function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  const set = Object.entries(env).filter((each): each is [string, string] => each[1] !== undefined);
  return Object.fromEntries(set);
}

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { ScriptedAgent, TaskRepo } from "./scripted_agent.ts";

/** The command `ralph` as a separate process, for tests of what a user sees. */

const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));

/** The result of a call of `ralph`. */
export interface RalphResult {
  /** The exit code. */
  code: number | null;
  /** The signal that ended it, if one did. */
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** Where and how `ralph` is called. */
export interface RalphOptions {
  /** The folder to call it in. */
  cwd: string;
  /** HOME: settings, state and data go below it. */
  home: string;
  /** Further variables. */
  env?: Record<string, string>;
  /** Whether it gets its own process group. */
  detached?: boolean;
  /** Whether it gets a pipe to read from, instead of nothing. */
  stdin?: boolean;
}

/** A call of `ralph` that may still be running. */
export interface RalphCall {
  child: ChildProcess;
  result: Promise<RalphResult>;
}

/** How `ralph` is called, with nothing of this environment but PATH and Deno's own cache. */
export function ralphCommand(
  args: readonly string[],
  options: RalphOptions,
): { command: [program: string, ...args: string[]]; env: Record<string, string> } {
  const { PATH = "", DENO_DIR, HOME = "" } = process.env;
  return {
    command: [process.execPath, "run", "-A", CLI, ...args],
    env: {
      PATH,
      HOME: options.home,
      DENO_DIR: DENO_DIR ?? join(HOME, ".cache", "deno"),
      TZ: "UTC",
      ...options.env,
    },
  };
}

/** Starts `ralph`. */
export function startRalph(args: readonly string[], options: RalphOptions): RalphCall {
  const { command: [program, ...rest], env } = ralphCommand(args, options);
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env,
    detached: options.detached ?? false,
    stdio: [options.stdin ? "pipe" : "ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => stdout += text);
  child.stderr?.setEncoding("utf8").on("data", (text: string) => stderr += text);
  const result = new Promise<RalphResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, result };
}

/** Calls `ralph` and waits for its end. */
export function ralph(args: readonly string[], options: RalphOptions): Promise<RalphResult> {
  return startRalph(args, options).result;
}

/** A line of a config.toml: repositories of tests may run what they bring. */
export const TRUST = `trust = [${JSON.stringify(tmpdir())}]\n`;

/** Adds scripted agents to the user's config, and returns how to call `ralph` there. */
export async function configure(
  repo: TaskRepo,
  agents: Record<string, ScriptedAgent>,
  settings = "",
): Promise<RalphOptions> {
  const home = join(repo.outside, "home");
  const folder = join(home, ".config", "ralph");
  await mkdir(folder, { recursive: true });
  const tables = Object.entries(agents).map(([name, { command }]) =>
    `[agents.${name}]\ncommand = ${JSON.stringify(command)}\n`
  );
  const names = JSON.stringify(Object.keys(agents));
  await writeFile(
    join(folder, "config.toml"),
    `failover = ${names}\nbackoff = "0"\n${TRUST}${settings}\n${tables.join("\n")}`,
  );
  return { cwd: repo.root, home };
}

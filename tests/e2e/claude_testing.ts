import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

/**
 * The real Claude Code: RALPH_TEST_CLAUDE, or the one on PATH; `undefined` if it
 * is not installed.
 */
export async function findClaude(): Promise<string | undefined> {
  const named = process.env.RALPH_TEST_CLAUDE;
  const paths = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, "claude"));
  for (const path of named ? [named] : paths) {
    if (await access(path, constants.X_OK).then(() => true, () => false)) return path;
  }
}

/**
 * An environment in which the real Claude Code talks to a scripted model, and sees nothing
 * of the user's own settings.
 *
 * @param url Where the model listens.
 * @param home An empty folder.
 */
export function claudeEnvironment(url: string, home: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    HOME: home,
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: "sk-ant-scripted-model",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    // It retries ten times by default, with growing pauses.
    CLAUDE_CODE_MAX_RETRIES: "1",
    DISABLE_AUTOUPDATER: "1",
    // Otherwise it refuses --dangerously-skip-permissions as root.
    IS_SANDBOX: "1",
  };
}

/** Runs git in a folder and gives its output without the last line end. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)("git", args, { cwd })).stdout.trimEnd();
}

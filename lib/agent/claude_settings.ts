import { readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** Options for {@linkcode claudeSettings}. */
export interface ClaudeSettingsOptions {
  /** The arguments that the user gives Claude Code. @default {[]} */
  args?: readonly string[];
  /** Settings to add, as JSON. @default {"{}"} */
  more?: string;
}

/** The settings of one run of Claude Code, in a temporary file. */
export interface ClaudeSettings {
  /** The arguments that make Claude Code use them. */
  readonly args: string[];
  /** Writes the file, readable by its owner only. */
  write(): Promise<void>;
  /** Removes it, if it is there. */
  remove(): Promise<void>;
}

/**
 * Makes settings of the user's own, without what is meant for their own sessions: hooks, which
 * would run in every iteration and can keep an agent from ending, and plugins, which bring hooks
 * with them. Sign-in helpers, variables, models and refused permissions stay, and the project's
 * settings hold as they are.
 *
 * A user who picks the sources with `--setting-sources` gets what they ask for.
 *
 * @param env The environment of the agent, which says where the user's settings are.
 * @param options Additional options.
 * @returns The settings, whose file is not there yet.
 */
export function claudeSettings(
  env: Record<string, string>,
  options: ClaudeSettingsOptions = {},
): ClaudeSettings {
  const { args = [], more = "{}" } = options;
  if (args.some((arg) => arg.startsWith("--setting-sources"))) {
    const nothing = () => Promise.resolve();
    return { args: more === "{}" ? [] : ["--settings", more], write: nothing, remove: nothing };
  }
  const home = env.HOME ?? env.USERPROFILE ?? homedir();
  const source = join(env.CLAUDE_CONFIG_DIR ?? join(home, ".claude"), "settings.json");
  const path = join(tmpdir(), `ralph-claude-${crypto.randomUUID()}.json`);
  return {
    args: ["--setting-sources", "project,local", "--settings", path],
    async write() {
      const own = withoutHooks(await readFile(source, "utf8").catch(() => "{}"));
      // A file, as variables and helpers of the user's are nothing for the list of processes.
      const text = JSON.stringify({ ...own, ...JSON.parse(more) });
      await writeFile(path, text, { mode: 0o600, flag: "wx" });
    },
    remove: () => rm(path, { force: true }),
  };
}

/** What is no JSON object is no settings to Claude Code either. */
function withoutHooks(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
    return { ...value, hooks: undefined, enabledPlugins: undefined };
  } catch {
    return {};
  }
}

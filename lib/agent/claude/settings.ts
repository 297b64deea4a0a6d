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

/** Replaces the signal file by what Claude Code tells its hook: as a whole or not at all. */
const SIGNAL =
  'cat > "$RALPH_SIGNAL_FILE.$$" && mv -f "$RALPH_SIGNAL_FILE.$$" "$RALPH_SIGNAL_FILE"';

/** In the words of Claude Code itself, so that it is recognised as what it is. */
const REFUSAL = "Permission to use it has been denied: nobody is here to give it";

const DECISION = JSON.stringify({
  hookSpecificOutput: {
    hookEventName: "PermissionRequest",
    decision: { behavior: "deny", message: REFUSAL },
  },
});

/** A question that nobody sees would be waited for without end; a person may answer it. */
const ANSWER =
  `cat > /dev/null; test -e "$RALPH_SIGNAL_FILE.interactive" || printf '%s' '${DECISION}'`;

/** The events of Claude Code that say where its turn stands. */
const EVENTS = ["SessionStart", "UserPromptSubmit", "Stop", "StopFailure"] as const;

/**
 * Makes the settings by which Claude Code says where its turn stands, in the file that
 * `RALPH_SIGNAL_FILE` names, and refuses what it would ask for while nobody is there. They are
 * added to the project's own.
 *
 * @returns The value of `--settings`.
 */
export function claudeHooks(): string {
  const call = (command: string) => [{ hooks: [{ type: "command", command }] }];
  const hooks: Record<string, unknown> = { PermissionRequest: call(ANSWER) };
  for (const event of EVENTS) hooks[event] = call(SIGNAL);
  return JSON.stringify({ hooks });
}

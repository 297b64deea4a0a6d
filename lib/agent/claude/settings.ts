import { homedir } from "node:os";
import { join } from "node:path";
import type { AgentStartOptions } from "../agent.ts";
import { type PrivateFile, privateFile } from "../private_file.ts";
import { readTextFile } from "../../base/read_text_file.ts";

/** Options for {@linkcode claudeSettings}. */
export interface ClaudeSettingsOptions {
  /** The arguments that the user gives Claude Code. @default {[]} */
  args?: readonly string[] | undefined;
  /** Settings to add, as JSON. @default {"{}"} */
  more?: string | undefined;
}

/** The settings of one run of Claude Code, in a private file. */
export interface ClaudeSettings {
  /** The arguments that make Claude Code use them. */
  readonly args: string[];
  /** Writes the file, readable by its owner only. */
  write(): Promise<void>;
  /** Removes it, if it exists. */
  remove(): Promise<void>;
}

/**
 * Copies the user's settings without what is meant for interactive use: hooks, which would run in
 * every iteration and can keep an agent from ending, and plugins, which contain hooks. Sign-in
 * helpers, variables, models and denied permissions stay, and the project's settings apply
 * unchanged.
 *
 * If the user's arguments contain `--setting-sources`, that is used instead.
 *
 * @param start The environment, to find the user's settings, and where the file is to be.
 * @returns The settings, whose file is not written yet.
 */
export function claudeSettings(
  start: Pick<AgentStartOptions, "env" | "scratchDir">,
  options: ClaudeSettingsOptions = {},
): ClaudeSettings {
  const { args = [], more = "{}" } = options;
  if (args.some((arg) => arg.startsWith("--setting-sources"))) {
    const nothing = () => Promise.resolve();
    return { args: more === "{}" ? [] : ["--settings", more], write: nothing, remove: nothing };
  }
  const { env } = start;
  const home = env.HOME ?? env.USERPROFILE ?? homedir();
  const source = join(env.CLAUDE_CONFIG_DIR ?? join(home, ".claude"), "settings.json");
  const file: PrivateFile = privateFile(["claude", ".json"], start);
  return {
    args: ["--setting-sources", "project,local", "--settings", file.path],
    async write() {
      const own = withoutHooks(await readTextFile(source).catch(() => "{}"));
      // A file, so that the user's variables and helpers do not appear in the process list.
      await file.write(JSON.stringify({ ...own, ...JSON.parse(more) }));
    },
    remove: file.remove,
  };
}

/** Claude Code also ignores settings that are not a JSON object. */
function withoutHooks(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
    return { ...value, hooks: undefined, enabledPlugins: undefined };
  } catch {
    return {};
  }
}

/** Atomically replaces the signal file with the input of the hook. */
const SIGNAL =
  'cat > "$RALPH_SIGNAL_FILE.$$" && mv -f "$RALPH_SIGNAL_FILE.$$" "$RALPH_SIGNAL_FILE"';

/** Claude Code's own wording, so that it is recognized as a denial. */
const REFUSAL = "Permission to use it has been denied: nobody is here to give it";

const DECISION = JSON.stringify({
  hookSpecificOutput: {
    hookEventName: "PermissionRequest",
    decision: { behavior: "deny", message: REFUSAL },
  },
});

/**
 * A question that nobody sees would block the agent forever; a person who has taken over may answer
 * it.
 */
const ANSWER =
  `cat > /dev/null; test -e "$RALPH_SIGNAL_FILE.interactive" || printf '%s' '${DECISION}'`;

/** The events of Claude Code that show the state of its turn. */
const EVENTS = ["SessionStart", "UserPromptSubmit", "Stop", "StopFailure"] as const;

/**
 * Settings with hooks that write the state of Claude Code's turn to `RALPH_SIGNAL_FILE`, and refuse
 * permissions while nobody has taken over. They are added to the project's settings.
 *
 * @returns The value of `--settings`.
 */
export function claudeHooks(): string {
  const call = (command: string) => [{ hooks: [{ type: "command", command }] }];
  const hooks: Record<string, unknown> = { PermissionRequest: call(ANSWER) };
  for (const event of EVENTS) hooks[event] = call(SIGNAL);
  return JSON.stringify({ hooks });
}

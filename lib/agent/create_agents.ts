import * as z from "zod";
import type { Agent } from "./agent.ts";
import { createClaude } from "./claude/claude.ts";
import { createCommand } from "./command/command.ts";
import {
  COMMAND_PRESETS,
  commandConfigSchema,
  partialCommandConfigSchema,
  type PatternConfig,
  patternConfigSchema,
} from "./command/command_config.ts";
import { createDemo } from "./demo/demo.ts";
import type { PermissionConfig } from "./opencode/server/permission_rules.ts";
import { createOpencode } from "./opencode/opencode.ts";

/** The table `[agents.claude]` of the config. */
export interface ClaudeConfig {
  /** The program: a name on PATH or a path. @default {"claude"} */
  program?: string | undefined;
  /** Further arguments. @default {[]} */
  args?: string[] | undefined;
  /** What it may do without `--yolo`, in addition to editing. @default {DEFAULT_ALLOWED_TOOLS} */
  allowed_tools?: string[] | undefined;
  /** Patterns that recognize endings, tried before the built-in ones. @default {[]} */
  patterns?: PatternConfig[] | undefined;
  /** Whether it runs in a PTY. @default {false} */
  pty?: boolean | undefined;
}

/** The table `[agents.demo]` of the config. */
export interface DemoConfig {
  /** How long a story takes, in milliseconds. @default {800} */
  story_ms?: number | undefined;
}

/** The table `[agents.opencode]` of the config. */
export interface OpencodeConfig {
  /** What it may do without `--yolo`, as in `opencode.json`. @default {{}} */
  permission?: PermissionConfig | undefined;
  /** The agent of OpenCode, such as `build`. @default {OpenCode's own default} */
  mode?: string | undefined;
  /** Whether it runs in a PTY, without a server. @default {false} */
  pty?: boolean | undefined;
  /** The program for a PTY: a name on PATH or a path. @default {"opencode"} */
  program?: string | undefined;
}

/** Options for {@linkcode createAgents}. */
export interface CreateAgentsOptions {
  /** The URL of the OpenCode server. @default {"http://127.0.0.1:14096"} */
  opencodeUrl?: string | undefined;
  /** The folder with `opencode.env`, in which the server's password may be. @default {none} */
  configDir?: string | undefined;
  /**
   * Whether every agent runs in a PTY, regardless of its table. Those that have no PTY mode say
   * that they cannot be used. @default {false}
   */
  pty?: boolean | undefined;
  /** The time in milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
}

/** Why an agent without a PTY mode cannot be used where everything is to run in one. */
export const NO_PTY_MODE = {
  reason: "it has no PTY mode, which --pty requires",
  hint: "claude, opencode and commands configured with pty = true have one",
} as const;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

const claudeConfig: z.ZodType<ClaudeConfig> = z.strictObject({
  program: z.string().min(1).exactOptional(),
  args: z.array(z.string()).exactOptional(),
  allowed_tools: z.array(z.string()).exactOptional(),
  patterns: z.array(patternConfigSchema).exactOptional(),
  pty: z.boolean().exactOptional(),
});

const demoConfig: z.ZodType<DemoConfig> = z.strictObject({
  story_ms: z.number().min(0).exactOptional(),
});

const action = z.enum(["allow", "deny", "ask"]);
const opencodeConfig: z.ZodType<OpencodeConfig> = z.strictObject({
  permission: z.union([
    action,
    z.record(z.string(), z.union([action, z.record(z.string(), action)])),
  ]).exactOptional(),
  mode: z.string().min(1).exactOptional(),
  pty: z.boolean().exactOptional(),
  program: z.string().min(1).exactOptional(),
});

/**
 * Creates every agent: `claude`, `codex`, `gemini`, `demo`, one for each other table of the config,
 * and `opencode`. What an agent needs (a terminal, OpenCode's library) is loaded when it starts.
 *
 * @example Usage
 * ```ts
 * import { createAgents } from "@ralph/cli";
 * import { assertArrayIncludes } from "@std/assert";
 *
 * const agents = createAgents({ mine: { command: ["my-agent", "--yes"] } });
 * assertArrayIncludes(agents.map((it) => it.name), ["claude", "opencode", "demo", "mine"]);
 * ```
 *
 * @param config The tables `[agents.NAME]`, as they were parsed.
 * @throws {TypeError} If a table is invalid; the message names it and the field.
 */
export function createAgents(
  config: Record<string, unknown> = {},
  options: CreateAgentsOptions = {},
): Agent[] {
  const { pty = false, opencodeUrl: url, configDir, now } = options;
  const { claude: claudeTable, demo: demoTable, opencode: opencodeTable, ...commands } = config;
  const claude = check("claude", claudeConfig, claudeTable ?? {});
  const demo = check("demo", demoConfig, demoTable ?? {});
  const opencode = check("opencode", opencodeConfig, opencodeTable ?? {});
  const agents = [
    createClaude({
      program: claude.program,
      args: claude.args,
      allowedTools: claude.allowed_tools,
      patterns: claude.patterns?.map((it) => ({ ...it, regex: new RegExp(it.regex, "im") })),
      pty: pty || claude.pty,
      now,
    }),
    ...Object.entries(COMMAND_PRESETS).map(([name, preset]) => {
      const table = check(name, partialCommandConfigSchema, commands[name] ?? {});
      return createCommand(name, check(name, commandConfigSchema, { ...preset, ...table }), {
        now,
      });
    }),
    createDemo({ storyMs: demo.story_ms }),
    ...Object.entries(commands).flatMap(([name, table]) => {
      if (name in COMMAND_PRESETS) return [];
      if (NAME.test(name)) {
        return [createCommand(name, check(name, commandConfigSchema, table), { now })];
      }
      throw new TypeError(
        `Cannot use agent "${name}": expected a name of letters, digits, ".", "_" and "-"`,
      );
    }),
    createOpencode({ ...opencode, url, configDir, pty: pty || opencode.pty, now }),
  ];
  return pty ? agents.map((agent) => agent.pty ? agent : withoutPty(agent)) : agents;
}

function withoutPty(agent: Agent): Agent {
  return { ...agent, probe: () => Promise.resolve({ available: false, ...NO_PTY_MODE }) };
}

function check<T>(name: string, schema: z.ZodType<T>, table: unknown): T {
  const parsed = schema.safeParse(table);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = ["agents", name, ...issue?.path ?? []].join(".");
  throw new TypeError(`Cannot use agent "${name}": ${field}: ${issue?.message}`, {
    cause: parsed.error,
  });
}

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
  program?: string;
  /** Further arguments. @default {[]} */
  args?: string[];
  /** What it may do without `--yolo`, in addition to editing. @default {DEFAULT_ALLOWED_TOOLS} */
  allowed_tools?: string[];
  /** Patterns that recognize endings, tried before the built-in ones. @default {[]} */
  patterns?: PatternConfig[];
  /** Whether it runs in a PTY. @default {false} */
  pty?: boolean;
}

/** The table `[agents.demo]` of the config. */
export interface DemoConfig {
  /** How long a story takes, in milliseconds. @default {800} */
  story_ms?: number;
}

/** Options for {@linkcode createAgents}. */
export interface CreateAgentsOptions {
  /** Names that the caller handles itself, such as `opencode`; their tables are ignored. */
  reserved?: readonly string[];
  /** The time in milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
  /** Whether `claude` runs in a PTY, regardless of its table. @default {false} */
  pty?: boolean;
}

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

/**
 * Creates all agents that need no server: `claude`, `codex`, `gemini`, `demo`, and one for each
 * other table of the config.
 *
 * @example Usage
 * ```ts
 * import { createAgents } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const agents = createAgents({ aider: { command: ["aider", "--yes-always"] } });
 * assertEquals(agents.map((it) => it.name), ["claude", "codex", "gemini", "demo", "aider"]);
 * ```
 *
 * @param config The parsed tables `[agents.NAME]`.
 * @throws {TypeError} If a table is invalid; the message names it and the field.
 */
export function createAgents(
  config: Record<string, unknown> = {},
  options: CreateAgentsOptions = {},
): Agent[] {
  const { reserved = [], pty = false } = options;
  const clock = options.now ? { now: options.now } : {};
  const { allowed_tools: allowedTools, patterns, ...claude } = check(
    "claude",
    claudeConfig,
    config.claude ?? {},
  );
  const demo = check("demo", demoConfig, config.demo ?? {});
  const agents = [createClaude({
    ...claude,
    pty: pty || (claude.pty ?? false),
    ...clock,
    ...(allowedTools && { allowedTools }),
    ...(patterns && {
      patterns: patterns.map((it) => ({ ...it, regex: new RegExp(it.regex, "im") })),
    }),
  })];
  for (const [name, preset] of Object.entries(COMMAND_PRESETS)) {
    const table = check(name, partialCommandConfigSchema, config[name] ?? {});
    agents.push(
      createCommand(name, check(name, commandConfigSchema, { ...preset, ...table }), clock),
    );
  }
  agents.push(createDemo(demo.story_ms === undefined ? {} : { storyMs: demo.story_ms }));
  const builtIn = new Set([...agents.map((it) => it.name), ...reserved]);
  for (const [name, table] of Object.entries(config)) {
    if (builtIn.has(name)) continue;
    if (!NAME.test(name)) {
      throw new TypeError(
        `Cannot use agent "${name}": expected a name of letters, digits, ".", "_" and "-"`,
      );
    }
    agents.push(createCommand(name, check(name, commandConfigSchema, table), clock));
  }
  return agents;
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

/** The table `[agents.opencode]` of the config. */
export interface OpencodeConfig {
  /** What it may do without `--yolo`, as in `opencode.json`. @default {{}} */
  permission?: PermissionConfig;
  /** The agent of OpenCode, such as `build`. @default {OpenCode's own default} */
  mode?: string;
  /** Whether it runs in a PTY, without a server. @default {false} */
  pty?: boolean;
  /** The program for a PTY: a name on PATH or a path. @default {"opencode"} */
  program?: string;
}

/** Options for {@linkcode opencodeFromConfig}. */
export interface OpencodeFromConfigOptions {
  /** The URL of the server. @default {"http://127.0.0.1:14096"} */
  url?: string | undefined;
  /** The folder with `opencode.env`. */
  configDir: string;
  /** Whether it runs in a PTY, regardless of the table. @default {false} */
  pty?: boolean;
}

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
 * Creates the agent `opencode` from its table in the config.
 *
 * @example Usage
 * ```ts
 * import { opencodeFromConfig } from "./create_agents.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const table = { permission: { bash: { "git *": "allow" } } };
 * assertEquals(opencodeFromConfig(table, { configDir: "/etc/ralph" }).name, "opencode");
 * ```
 *
 * @param table The parsed table `[agents.opencode]`.
 * @param options Where the server and its password are.
 * @throws {TypeError} If the table is invalid; the message names the field.
 */
export function opencodeFromConfig(table: unknown, options: OpencodeFromConfigOptions): Agent {
  const parsed = opencodeConfig.safeParse(table);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = ["agents", "opencode", ...issue?.path ?? []].join(".");
    throw new TypeError(`Cannot use agent "opencode": ${field}: ${issue?.message}`, {
      cause: parsed.error,
    });
  }
  const { url, configDir, pty = false } = options;
  const { pty: own = false } = parsed.data;
  return createOpencode({
    ...parsed.data,
    pty: pty || own,
    configDir,
    ...(url === undefined ? {} : { url }),
  });
}

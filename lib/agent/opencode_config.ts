import { z } from "zod";
import type { PermissionConfig } from "../opencode/permission_rules.ts";
import type { Agent } from "./agent.ts";
import { createOpencode } from "./opencode.ts";

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
  /** Whether it runs in a PTY, whatever the table says. @default {false} */
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
 * Makes the agent `opencode` from its table in the config.
 *
 * @example Usage
 * ```ts
 * import { opencodeFromConfig } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const table = { permission: { bash: { "git *": "allow" } } };
 * assertEquals(opencodeFromConfig(table, { configDir: "/etc/ralph" }).name, "opencode");
 * ```
 *
 * @param table The table `[agents.opencode]`, as it was read.
 * @param options Where the server and its password are.
 * @returns The agent.
 * @throws {TypeError} If the table does not fit; the message names the field.
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

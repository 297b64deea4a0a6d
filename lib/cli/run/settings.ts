import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "@std/toml";
import { z } from "zod";
import { HOOK_EVENTS } from "../../worker/hook_sink.ts";
import { nearestName } from "../../base/nearest_name.ts";

/** Thrown when a settings file cannot be used: exit code 2. */
export class SettingsError extends Error {
  /** What to do about it; absent if the message says it all. */
  readonly hint?: string;

  /**
   * Makes the error.
   *
   * @param file The file.
   * @param problem What is wrong with it.
   * @param hint What to do about it.
   */
  constructor(file: string, problem: string, hint?: string) {
    super(`Cannot use ${file}: ${problem}`);
    this.name = "SettingsError";
    if (hint !== undefined) this.hint = hint;
  }
}

const hookEvent = z.enum([...HOOK_EVENTS, "*"]);

const hookSchema = z.strictObject({
  on: z.union([hookEvent, z.array(hookEvent).min(1)], {
    error: `Expected a type of event or a list of them: ${HOOK_EVENTS.join(", ")}, or "*"`,
  }),
  command: z.array(z.string()).min(1).refine(([program]) => program?.trim(), "Names no program"),
  timeout: z.string().optional(),
});

const settingsSchema = z.strictObject({
  agent: z.string().optional(),
  model: z.string().optional(),
  failover: z.array(z.string()).optional(),
  failover_threshold: z.int().min(1).optional(),
  cool_down: z.string().optional(),
  backoff: z.string().optional(),
  iterations: z.int().min(1).optional(),
  max_time: z.string().optional(),
  max_cost: z.number().positive().optional(),
  max_tokens: z.int().min(1).optional(),
  require_commit: z.boolean().optional(),
  iteration_timeout: z.string().optional(),
  stall_timeout: z.string().optional(),
  stagnation: z.int().min(0).optional(),
  rotate_at: z.int().min(0).optional(),
  checks: z.array(z.string()).optional(),
  hooks: z.array(hookSchema).optional(),
  opencode: z.strictObject({
    url: z.url({ protocol: /^https?$/, error: "expected a URL such as http://127.0.0.1:14096" })
      .optional(),
  }).optional(),
  agents: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});

/** What `ralph.toml` and `config.toml` may hold; durations are written like `90s`, `15m`, `2h`. */
export type Settings = z.infer<typeof settingsSchema>;

/** Options for {@linkcode readSettings}. */
export interface ReadSettingsOptions {
  /** The git root, in which a `ralph.toml` may be. */
  root: string;
  /** The user's config folder, in which a `config.toml` may be. */
  configDir: string;
}

/**
 * Reads the project's `ralph.toml` and the user's `config.toml`. A key of the
 * project's file wins; the tables of agents are put together by name, and all hooks apply.
 *
 * @param options Where the files are.
 * @returns The settings; empty where there is no file.
 * @throws {SettingsError} If a file is no TOML, or holds a key or value that is not known.
 */
export async function readSettings(options: ReadSettingsOptions): Promise<Settings> {
  const [user, project] = await Promise.all([
    readSettingsFile(join(options.configDir, "config.toml")),
    readSettingsFile(join(options.root, "ralph.toml")),
  ]);
  const agents = { ...user.agents, ...project.agents };
  const hooks = [...user.hooks ?? [], ...project.hooks ?? []];
  return { ...user, ...project, agents, hooks };
}

async function readSettingsFile(file: string): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return {};
    throw new SettingsError(file, (error as Error).message);
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new SettingsError(file, `it is not valid TOML: ${(error as Error).message}`);
  }
  const result = settingsSchema.safeParse(value);
  if (result.success) return result.data;
  throw describeIssue(file, result.error.issues[0]);
}

function describeIssue(file: string, issue: z.core.$ZodIssue | undefined): SettingsError {
  const path = issue?.path.map(String).join(".") ?? "";
  if (issue?.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    const where = path === "" ? "" : ` in ${path}`;
    const nearest = path === "" ? nearestName(key, Object.keys(settingsSchema.shape)) : undefined;
    const hint = nearest === undefined ? undefined : `did you mean ${nearest}?`;
    return new SettingsError(file, `unknown key "${key}"${where}`, hint);
  }
  return new SettingsError(file, `${path}: ${issue?.message ?? "not understood"}`);
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "@std/toml";
import * as z from "zod";
import { EVENT_TYPES } from "../../event/vocabulary.ts";
import { nearestName } from "../../base/nearest_name.ts";

/** Thrown when a settings file is invalid: exit code 2. */
export class SettingsError extends Error {
  /** What to do about it; absent if the message says it all. */
  readonly hint?: string;

  constructor(file: string, problem: string, hint?: string) {
    super(`Cannot use ${file}: ${problem}`);
    this.name = "SettingsError";
    if (hint !== undefined) this.hint = hint;
  }
}

const hookEvent = z.enum([...EVENT_TYPES, "*"]);

const hookSchema = z.strictObject({
  on: z.union([hookEvent, z.array(hookEvent).min(1)], {
    error: `Expected a type of event or a list of them: ${EVENT_TYPES.join(", ")}, or "*"`,
  }),
  command: z.array(z.string()).min(1).refine(
    ([program]) => program?.trim(),
    "Expected the name of a program first",
  ),
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

/** The keys of `ralph.toml` and `config.toml`; durations are written like `90s`, `15m`, `2h`. */
export type Settings = z.infer<typeof settingsSchema>;

/** Options for {@linkcode readSettings}. */
export interface ReadSettingsOptions {
  /** The git root, which may contain a `ralph.toml`. */
  root: string;
  /** The user's config folder, which may contain a `config.toml`. */
  configDir: string;
}

/**
 * Reads the project's `ralph.toml` and the user's `config.toml`. The project's keys take
 * precedence; tables of agents are merged by name, and all hooks apply.
 *
 * @returns The settings; empty if there is no file.
 * @throws {SettingsError} If a file is not TOML, or has an unknown key or an invalid value.
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

import { join } from "node:path";
import { parse } from "@std/toml";
import * as z from "zod";
import { sessionPaths } from "../../session/model/session_paths.ts";
import { EVENT_TYPES } from "../../event/vocabulary.ts";
import type { Hook } from "../../worker/hook_sink.ts";
import { readTextFile, UnreadableFileError } from "../../base/read_text_file.ts";
import { nearestName } from "../../base/nearest_name.ts";
import { type OptionKind, RUN_OPTION_ROWS, type RunOptionRow } from "./run_option_rows.ts";

/** Thrown when a settings file is invalid: exit code 2. */
export class SettingsError extends Error {
  /** What to do about it; absent if the message says it all. */
  readonly hint?: string | undefined;

  /** Names the file, and the way out if there is one. */
  constructor(file: string, problem: string, hint?: string) {
    super(`Cannot use ${file}: ${problem}`);
    this.name = "SettingsError";
    this.hint = hint;
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

/** A table `[[hooks]]` of the settings. */
export interface HookSettings {
  /** Types of events, or `"*"`. */
  on: Hook["on"][number] | Hook["on"];
  /** The program and its arguments. */
  command: string[];
  /** How long one call may take, such as `10s`. */
  timeout?: string | undefined;
}

/** The keys of `ralph.toml` and `config.toml`; durations are written like `90s`, `15m`, `2h`. */
export interface Settings {
  /** The options of a run, by the names of their settings: `iterations`, `max_time`. */
  [option: string]: unknown;
  /** Commands to call for events. */
  hooks?: HookSettings[] | undefined;
  /** The OpenCode server, if it is not the usual one. */
  opencode?: { url?: string | undefined } | undefined;
  /** A table for each agent, as `createAgents` takes them. */
  agents?: Record<string, Record<string, unknown>> | undefined;
  /** Folders whose repositories may run what they bring; only in `config.toml`. */
  trust?: string[] | undefined;
}

const KIND_SCHEMAS: Record<OptionKind, (row: RunOptionRow) => z.ZodType> = {
  whole: ({ min = 0 }) => z.int().min(min),
  dollars: () => z.number().positive(),
  duration: () => z.string(),
  switch: () => z.boolean(),
  text: () => z.string(),
  names: () => z.array(z.string()),
  commands: () => z.array(z.string()),
};

const optionSchemas = Object.fromEntries(
  RUN_OPTION_ROWS.flatMap((row) =>
    row.setting === undefined ? [] : [[row.setting, KIND_SCHEMAS[row.kind](row).optional()]]
  ),
);

const settingsSchema = z.strictObject({
  ...optionSchemas,
  hooks: z.array(hookSchema).optional(),
  opencode: z.strictObject({
    url: z.url({ protocol: /^https?$/, error: "expected a URL such as http://127.0.0.1:14096" })
      .optional(),
  }).optional(),
  agents: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  trust: z.array(z.string()).optional(),
});

/** Every key that a settings file may have. */
export const SETTING_NAMES: readonly string[] = Object.keys(settingsSchema.shape);

/** Options for {@linkcode readSettings}. */
export interface ReadSettingsOptions {
  /** The git root, which may contain a `ralph.toml`. */
  root: string;
  /** The user's config folder, which may contain a `config.toml`. @default {sessionPaths().configDir} */
  configDir?: string | undefined;
}

/**
 * Reads the project's `ralph.toml` and the user's `config.toml`. The project's keys take
 * precedence; tables of agents are merged by name, and all hooks apply. What a run makes of them
 * is what `runOptions` returns. Whether a person has allowed what a `ralph.toml` runs is not asked
 * here: `ralph run` does.
 *
 * @example Usage
 * ```ts
 * import { readSettings } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 * import { mkdtemp, rm, writeFile } from "node:fs/promises";
 *
 * const root = await mkdtemp("example-");
 * await writeFile(`${root}/ralph.toml`, 'iterations = 20\nmax_time = "2h"\n');
 * const settings = await readSettings({ root, configDir: `${root}/none` });
 * assertEquals([settings.iterations, settings.max_time], [20, "2h"]);
 * await rm(root, { recursive: true });
 * ```
 *
 * @returns The settings; empty if there is no file.
 * @throws {SettingsError} If a file is not TOML, or has an unknown key or an invalid value.
 */
export async function readSettings(options: ReadSettingsOptions): Promise<Settings> {
  const { root, configDir = sessionPaths().configDir } = options;
  const reading = [readUserSettings(configDir), readProjectSettings(root)] as const;
  // Both have ended before an error is thrown: nobody would wait for the other.
  await Promise.allSettled(reading);
  const [user, project] = await Promise.all(reading);
  return mergeSettings(user, project);
}

/** Reads the user's `config.toml`. */
export async function readUserSettings(configDir: string): Promise<Settings> {
  return await readSettingsFile(join(configDir, "config.toml"));
}

/** Reads the `ralph.toml` of a repository, whether or not a person has allowed what it runs. */
export async function readProjectSettings(root: string): Promise<Settings> {
  const file = join(root, "ralph.toml");
  const settings = await readSettingsFile(file);
  if (settings.trust === undefined) return settings;
  const problem = "trust: a repository cannot trust itself";
  throw new SettingsError(file, problem, "trust belongs in your own config.toml");
}

/** Puts the settings of a user and of a project together. */
export function mergeSettings(user: Settings, project: Settings): Settings {
  const agents = { ...user.agents, ...project.agents };
  const hooks = [...user.hooks ?? [], ...project.hooks ?? []];
  return { ...user, ...project, agents, hooks };
}

async function readSettingsFile(file: string): Promise<Settings> {
  let text: string;
  try {
    text = await readTextFile(file);
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return {};
    const reason = error instanceof UnreadableFileError ? error.reason : (error as Error).message;
    throw new SettingsError(file, reason);
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new SettingsError(file, `it is not valid TOML: ${(error as Error).message}`);
  }
  return checkSettings(value, file);
}

/** Checks settings that are already parsed; `file` is where they are from, for messages. */
export function checkSettings(value: unknown, file: string): Settings {
  const result = settingsSchema.safeParse(value);
  if (result.success) return result.data;
  throw describeIssue(file, result.error.issues[0]);
}

function describeIssue(file: string, issue: z.core.$ZodIssue | undefined): SettingsError {
  const path = issue?.path.map(String).join(".") ?? "";
  if (issue?.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    const where = path === "" ? "" : ` in ${path}`;
    const nearest = path === "" ? nearestName(key, SETTING_NAMES) : undefined;
    const hint = nearest === undefined ? undefined : `did you mean ${nearest}?`;
    return new SettingsError(file, `unknown key "${key}"${where}`, hint);
  }
  return new SettingsError(file, `${path}: ${issue?.message ?? "not understood"}`);
}

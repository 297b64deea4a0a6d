import { createHash } from "node:crypto";
import { join } from "node:path";
import process from "node:process";
import type { Agent } from "../../agent/agent.ts";
import { createAgents, NO_PTY_MODE } from "../../agent/create_agents.ts";
import type { RunLoopOptions } from "../../loop/loop_options.ts";
import { sessionPaths } from "../../session/model/session_paths.ts";
import { nearestName } from "../../base/nearest_name.ts";
import type { Task } from "../../task/task.ts";
import type { Hook } from "../../worker/hook_sink.ts";
import { durationValue } from "../kit/option_values.ts";
import { UsageError } from "../kit/usage.ts";
import { type GivenOption, givenOptions, type RunFlags } from "./option_sources.ts";
import { readSettings, type Settings, SettingsError } from "./settings.ts";

/** How a loop runs, and the hooks to call meanwhile. */
export interface RunOptions extends RunLoopOptions {
  /** The hooks of the settings. */
  hooks: Hook[];
}

/** Options for {@linkcode runOptions}. */
export interface RunOptionsOptions {
  /** The flags of `ralph run`, by their names. @default {none} */
  flags?: RunFlags | undefined;
  /** The environment. @default {process.env} */
  env?: Record<string, string | undefined> | undefined;
  /** The settings. @default {those of `readSettings`} */
  settings?: Settings | undefined;
}

/**
 * Determines how a loop runs, as `ralph run` does. Precedence: flags, the environment, the task's
 * files, `ralph.toml`, `config.toml`, the defaults.
 *
 * @example Usage
 * ```ts ignore
 * import { resolveTask, runLoop, runOptions } from "@ralph/cli";
 *
 * const task = await resolveTask("my-feature");
 * const options = await runOptions(task, { flags: { iterations: "20", "require-commit": true } });
 * for await (const event of runLoop(options)) console.log(event.type);
 * ```
 *
 * @throws {UsageError} If a value is invalid.
 * @throws {SettingsError} If a settings file is invalid.
 */
export async function runOptions(
  task: Task,
  options: RunOptionsOptions = {},
): Promise<RunOptions> {
  const { flags = {}, env = process.env } = options;
  const { configDir, stateDir } = sessionPaths(env);
  const settings = options.settings ?? await readSettings({ root: task.root, configDir });
  const given = givenOptions({ flags, env, settings });
  const { pty = false, ...values } = valuesOf(given);
  const agents = agentsOf(settings, env, { configDir, pty });
  checkAgentNames(given, agents.map((agent) => agent.name));
  // A list of agents on the command line starts with the preferred one.
  const listed = flags.agents === undefined ? [] : values.failover ?? [];
  const agent = values.agent ?? listed[0];
  const asked = agent === undefined ? listed : [...listed, agent];
  const { reason, hint } = NO_PTY_MODE;
  const unfit = agents.find((it) => pty && !it.pty && asked.includes(it.name));
  if (unfit) throw new UsageError(`Cannot use agent "${unfit.name}": ${reason}`, hint);
  if (agent !== undefined) values.agent = agent;
  return {
    ...values,
    task,
    agents,
    env,
    configDir,
    goodCopy: goodCopyFile(task, stateDir),
    hooks: (settings.hooks ?? []).map(toHook),
  };
}

type OptionValues = Omit<RunLoopOptions, "task" | "agents"> & { pty?: boolean };

/** Puts every value where its row says that it goes. */
function valuesOf(given: readonly GivenOption[]): OptionValues {
  const values: Record<string, unknown> = {};
  for (const { to, value } of given) {
    const [first = "", second] = to.split(".");
    if (second === undefined) values[first] = value;
    // A limit of 0 is none.
    else if (first !== "limits" || value !== 0) {
      values[first] = { ...values[first] as object, [second]: value };
    }
  }
  return values;
}

/** @throws {UsageError} If an agent is not known here. */
function checkAgentNames(given: readonly GivenOption[], names: readonly string[]): void {
  for (const { to, value, where } of given) {
    if (to !== "agent" && to !== "fallbackAgent" && to !== "failover") continue;
    const unknown = [value as string | string[]].flat().find((name) => !names.includes(name));
    if (unknown === undefined) continue;
    const nearest = nearestName(unknown, names);
    const here = `Agents here: ${names.join(", ")}`;
    throw new UsageError(
      `Unknown agent "${unknown}" for ${where}`,
      nearest === undefined ? here : `did you mean ${nearest}? ${here}`,
    );
  }
}

function toHook({ on, command, timeout }: NonNullable<Settings["hooks"]>[number]): Hook {
  const hook: Hook = { on: [on].flat(), command };
  if (timeout !== undefined) hook.timeoutMs = durationValue(timeout, "the setting hooks.timeout");
  return hook;
}

/** The absolute path of the last good copy of a task's prd.json. */
export function goodCopyFile(task: Task, stateDir: string): string {
  const place = createHash("sha256").update(task.dir).digest("hex").slice(0, 8);
  return join(stateDir, "good", `${task.name}-${place}.json`);
}

function agentsOf(
  settings: Settings,
  env: Record<string, string | undefined>,
  { configDir, pty }: { configDir: string; pty: boolean },
): Agent[] {
  const opencodeUrl = env.RALPH_OPENCODE_URL || settings.opencode?.url;
  try {
    return createAgents(settings.agents, { opencodeUrl, configDir, pty });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new SettingsError("the settings", error.message);
  }
}

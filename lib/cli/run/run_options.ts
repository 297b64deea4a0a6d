import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Agent } from "../../agent/agent.ts";
import { createAgents, NO_PTY_MODE } from "../../agent/create_agents.ts";
import type { LoopLimits } from "../../event/loop_event.ts";
import type { RunLoopOptions } from "../../loop/loop_options.ts";
import { sessionPaths } from "../../session/model/session_paths.ts";
import { nearestName } from "../../base/nearest_name.ts";
import type { Task } from "../../task/task.ts";
import type { Hook } from "../../worker/hook_sink.ts";
import type { CommandContext, CommandLine } from "../kit/command.ts";
import { dollarsValue, durationValue, wholeNumberValue } from "../kit/option_values.ts";
import { RUN_OPTIONS } from "./run_option_specs.ts";
import { readSettings, type Settings, SettingsError } from "./settings.ts";
import { UsageError } from "../kit/usage.ts";

/** How a loop runs, and the hooks to call meanwhile. */
export interface RunOptions extends RunLoopOptions {
  /** The hooks of the settings. */
  hooks: Hook[];
}

/**
 * Determines how a loop runs. Precedence: flags, the environment, the task's files, `ralph.toml`,
 * `config.toml`, the defaults.
 *
 * @throws {UsageError} If a value is invalid.
 * @throws {SettingsError} If a settings file is invalid.
 */
export async function runOptions(
  line: CommandLine,
  context: CommandContext,
  task: Task,
): Promise<RunOptions> {
  const { configDir, stateDir } = sessionPaths(context.env);
  const settings = await readSettings({ root: task.root, configDir });
  const pty = line.has("pty");
  const agents = agentsOf(settings, context, { configDir, pty });
  const names = agents.map((agent) => agent.name);
  const known = (name: string | undefined, where: string): string | undefined => {
    if (name === undefined || names.includes(name)) return name;
    const nearest = nearestName(name, names);
    const here = `Agents here: ${names.join(", ")}`;
    throw new UsageError(
      `Unknown agent "${name}" for ${where}`,
      nearest === undefined ? here : `did you mean ${nearest}? ${here}`,
    );
  };
  const agent = known(line.value("agent"), "--agent");
  const fallbackAgent = known(context.env.RALPH_AGENT || undefined, "RALPH_AGENT") ??
    known(settings.agent, "the setting agent") ?? "claude";
  const listed = line.value("agents")?.split(",").map((name) => name.trim());
  for (const name of listed ?? []) known(name, "--agents");
  for (const name of settings.failover ?? []) known(name, "the setting failover");
  const failover = listed ?? settings.failover;
  const asked = [...listed ?? [], ...(agent === undefined ? [] : [agent])];
  const { reason, hint } = NO_PTY_MODE;
  const unfit = agents.find((it) => pty && !it.pty && asked.includes(it.name));
  if (unfit) throw new UsageError(`Cannot use agent "${unfit.name}": ${reason}`, hint);
  const model = line.value("model");
  const rotateAt = whole(line, "rotate-at") ?? settings.rotate_at;
  const base = line.value("base");
  const failoverThreshold = whole(line, "failover-threshold", 1);
  const threshold = settings.failover_threshold;
  const coolDownMs = duration(settings.cool_down, "cool_down");
  const backoffBaseMs = duration(settings.backoff, "backoff");
  return {
    task,
    agents,
    // A list of agents starts with the preferred one.
    ...(agent === undefined && listed?.[0] === undefined
      ? {}
      : { agent: agent ?? listed?.[0] ?? "" }),
    fallbackAgent,
    ...(failover === undefined ? {} : { failover }),
    pin: line.has("pin"),
    requireCommit: line.has("require-commit") || (settings.require_commit ?? false),
    ...(model === undefined ? {} : { model }),
    ...(settings.model === undefined ? {} : { fallbackModel: settings.model }),
    limits: limits(line, settings),
    ...(failoverThreshold === undefined ? {} : { failoverThreshold }),
    failoverRules: {
      ...(threshold === undefined ? {} : { threshold }),
      ...(coolDownMs === undefined ? {} : { coolDownMs }),
      ...(backoffBaseMs === undefined ? {} : { backoffBaseMs }),
    },
    checks: [...line.values("check"), ...settings.checks ?? []],
    ...(settings.stagnation === undefined ? {} : { stagnationLimit: settings.stagnation }),
    ...(rotateAt === undefined ? {} : { rotateAt }),
    ...(base === undefined ? {} : { base }),
    yolo: line.has("yolo"),
    env: context.env,
    configDir,
    goodCopy: goodCopyFile(task, stateDir),
    hooks: (settings.hooks ?? []).map(toHook),
  };
}

function toHook(hook: NonNullable<Settings["hooks"]>[number]): Hook {
  const timeoutMs = duration(hook.timeout, "hooks.timeout");
  return {
    on: [hook.on].flat(),
    command: hook.command,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/**
 * The options of `ralph run` as they were given, as arguments for its worker.
 */
export function workerArguments(line: CommandLine): string[] {
  return RUN_OPTIONS.flatMap(({ name, value, multiple }) => {
    if (value === undefined) return line.has(name) ? [`--${name}`] : [];
    if (multiple) return line.values(name).map((each) => `--${name}=${each}`);
    const given = line.value(name);
    return given === undefined ? [] : [`--${name}=${given}`];
  });
}

/**
 * The absolute path of the last good copy of a task's prd.json.
 */
export function goodCopyFile(task: Task, stateDir: string): string {
  const place = createHash("sha256").update(task.dir).digest("hex").slice(0, 8);
  return join(stateDir, "good", `${task.name}-${place}.json`);
}

function agentsOf(
  settings: Settings,
  { env }: CommandContext,
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

function limits(line: CommandLine, settings: Settings): LoopLimits {
  const cost = line.value("max-cost");
  const costUsd = cost === undefined ? settings.max_cost : dollarsValue(cost, "--max-cost");
  const tokens = whole(line, "max-tokens", 1) ?? settings.max_tokens;
  const times = {
    timeMs: time(line, "max-time", settings.max_time, "0"),
    iterationMs: time(line, "iteration-timeout", settings.iteration_timeout, "2h"),
    stallMs: time(line, "stall-timeout", settings.stall_timeout, "15m"),
  };
  return {
    iterations: whole(line, "iterations", 1) ?? settings.iterations ?? 50,
    ...(costUsd === undefined ? {} : { costUsd }),
    ...(tokens === undefined ? {} : { tokens }),
    ...Object.fromEntries(Object.entries(times).filter(([, ms]) => ms > 0)),
  };
}

function time(
  line: CommandLine,
  option: string,
  setting: string | undefined,
  fallback: string,
): number {
  const given = line.value(option);
  if (given !== undefined) return durationValue(given, `--${option}`);
  return durationValue(setting ?? fallback, `the setting ${option.replaceAll("-", "_")}`);
}

function duration(setting: string | undefined, name: string): number | undefined {
  return setting === undefined ? undefined : durationValue(setting, `the setting ${name}`);
}

function whole(line: CommandLine, option: string, min = 0): number | undefined {
  const given = line.value(option);
  return given === undefined ? undefined : wholeNumberValue(given, `--${option}`, { min });
}

import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "jsonc-parser";
import type { PermissionConfig } from "./server/permission_rules.ts";
import type { AgentRun, AgentStartOptions } from "../agent.ts";
import { OPENCODE_PLUGIN } from "./plugin.ts";
import { OpencodeTurns } from "./turns.ts";
import { runPty } from "../pty/run_pty.ts";
import {
  ALLOW_SUFFIX,
  INTERACTIVE_SUFFIX,
  openSignalFolder,
  SIGNAL_VARIABLE,
  type SignalFolder,
} from "../pty/signal_folder.ts";

/** Options for {@linkcode startOpencodePty}. */
export interface OpencodePtyOptions {
  /** The program: a name on PATH or a path. @default {"opencode"} */
  program?: string | undefined;
  /** What it may do without `yolo`, in addition to OpenCode's own config. @default {{}} */
  permission?: PermissionConfig | undefined;
  /** The agent of OpenCode, such as `build`. @default {OpenCode's own default} */
  mode?: string | undefined;
  /** The time in milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
}

/** Its first start in a project installs dependencies of plugins, which takes a while. */
const START_MS = 180_000;
const ESCAPE = "\x1b";
const CTRL_C = "\x03";

/**
 * Starts the interactive OpenCode on a story, in a PTY.
 *
 * A plugin, which the config in its environment names, reports when a turn is over and what happened, and refuses
 * permissions while nobody has taken over. It is removed when the program has ended.
 *
 * @param options The options of the agent.
 * @param start The options of the start.
 * @returns The run, which has a terminal.
 */
export function startOpencodePty(options: OpencodePtyOptions, start: AgentStartOptions): AgentRun {
  const { program = "opencode", now = Date.now } = options;
  const { cwd, model, yolo = false } = start;
  const opened = openSignalFolder(start);
  // The rejection surfaces where `opened` is awaited.
  opened.catch(() => {});
  let folder: SignalFolder | undefined;
  let turns: OpencodeTurns | undefined;
  const env = { ...start.env, OPENCODE_PERMISSION: permissionOf(options, start) };
  return runPty(async () => {
    const { file, path, read } = folder = await opened;
    const plugin = join(path, "ralph_signal.ts");
    await writeFile(plugin, OPENCODE_PLUGIN);
    turns = new OpencodeTurns({ read, eventsFile: `${file}.events`, cwd, model, now });
    Object.assign(env, {
      [SIGNAL_VARIABLE]: file,
      [CONFIG_VARIABLE]: configWith(plugin, start.env[CONFIG_VARIABLE]),
    });
    if (yolo) await writeFile(file + ALLOW_SUFFIX, "");
    return [
      program,
      ...(model === undefined ? [] : ["--model", model]),
      ...(options.mode === undefined ? [] : ["--agent", options.mode]),
      `--prompt=${start.prompt}`,
    ];
  }, {
    cwd,
    env,
    turns: {
      interruptKeys: [ESCAPE, ESCAPE],
      // The first one may only clear a line that a person has begun.
      leaveKeys: [CTRL_C, CTRL_C],
      startMs: START_MS,
      look: () => turns?.look() ?? Promise.resolve({ events: [], started: false, idle: false }),
      onCommand: (command) => turns?.onCommand(command),
      watch: (onNews) => folder?.watch(onNews) ?? { [Symbol.dispose]: () => {} },
      async setInteractive(enabled) {
        const mark = (await opened).file + INTERACTIVE_SUFFIX;
        if (enabled) await writeFile(mark, "");
        else await rm(mark, { force: true });
      },
    },
    classify: (facts) => turns?.ending(facts) ?? { kind: "launch", message: "Never started" },
    async cleanUp() {
      await turns?.[Symbol.asyncDispose]();
      await opened.then((it) => it[Symbol.asyncDispose]());
    },
    signal: start.signal,
  });
}

/** The value of the variable, which OpenCode merges into its config. */
function permissionOf(
  { permission = {} }: Pick<OpencodePtyOptions, "permission">,
  { yolo = false }: Pick<AgentStartOptions, "yolo">,
): string {
  const asked = typeof permission === "string" ? { "*": permission } : permission;
  // Without this tool the model decides for itself; a question would only cost a turn.
  return JSON.stringify({ ...(yolo ? { "*": "allow" } : asked), question: "deny" });
}

/** Config that OpenCode adds to that of its files; it may have comments. */
const CONFIG_VARIABLE = "OPENCODE_CONFIG_CONTENT";

/**
 * OpenCode installs packages into every folder of plugins that it finds, at each start; a plugin
 * that the config names is only loaded.
 */
function configWith(plugin: string, own = "{}"): string {
  const config: { plugin?: unknown } | undefined = parse(own);
  const plugins = Array.isArray(config?.plugin) ? config.plugin : [];
  return JSON.stringify({ ...config, plugin: [...plugins, pathToFileURL(plugin).href] });
}

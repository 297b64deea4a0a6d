import type { PermissionConfig, PermissionRule } from "./server/permission_rules.ts";
import type {
  Agent,
  AgentAvailability,
  AgentProbeOptions,
  AgentRun,
  AgentStartOptions,
} from "../agent.ts";
import type { AgentEnding, AgentEvent } from "../../event/agent_event.ts";
import { inProcessRun } from "../process/in_process_run.ts";
import { startOpencodePty } from "./pty.ts";
import type { OpencodeRun } from "./run.ts";
import { probeProgram } from "../process/probe_program.ts";

/** Options for {@linkcode createOpencode}. */
export interface OpencodeOptions {
  /** The URL of the server. @default {"http://127.0.0.1:14096"} */
  url?: string | undefined;
  /** The folder with `opencode.env`, in which the server's password may be. @default {none} */
  configDir?: string | undefined;
  /** What it may do without `yolo`, in addition to OpenCode's own config. @default {{}} */
  permission?: PermissionConfig | undefined;
  /** The agent of OpenCode, such as `build`. @default {OpenCode's own default} */
  mode?: string | undefined;
  /**
   * How long a person in the session must be quiet before the loop continues, in milliseconds.
   * @default {30_000}
   */
  quietMs?: number | undefined;
  /**
   * How long to wait for the server at the start of an iteration, in milliseconds.
   * @default {30_000}
   */
  waitMs?: number | undefined;
  /** How many attempts in a row to reach the server may fail. @default {20} */
  maxMisses?: number | undefined;
  /** The pause between two such attempts, in milliseconds. @default {1_500} */
  pauseMs?: number | undefined;
  /**
   * Whether it runs in a PTY instead, as the interactive program, without a server.
   * @default {false}
   */
  pty?: boolean | undefined;
  /** The program for a PTY: a name on PATH or a path. @default {"opencode"} */
  program?: string | undefined;
  /** The time in milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
}

/**
 * Creates the agent that works through an OpenCode server, with one OpenCode session per story,
 * which stays on the server when it has ended. The server is never started or stopped.
 *
 * With `yolo` the session may do anything. Otherwise OpenCode's own config and `permission` decide;
 * what they leave open is refused, as nobody is there to ask, and listed in the result.
 *
 * @example Usage
 * ```ts
 * import { createOpencode } from "@ralph/cli";
 *
 * const opencode = createOpencode({ url: "http://127.0.0.1:9" });
 * const { available } = await opencode.probe({ env: {} });
 * console.assert(!available);
 * ```
 *
 * @returns The agent, named `opencode`.
 */
export function createOpencode(options: OpencodeOptions = {}): Agent {
  if (options.pty) {
    const { program = "opencode" } = options;
    return {
      name: "opencode",
      pty: true,
      probe: (probe) => probeProgram(program, { ...probe, hint: "npm install -g opencode-ai" }),
      start: (start) => startOpencodePty(options, start),
    };
  }
  return {
    name: "opencode",
    pty: false,
    probe: (probe) => probeServer(options, probe),
    start: (start) => startRun(options, start),
  };
}

async function probeServer(
  options: OpencodeOptions,
  { env, signal }: AgentProbeOptions,
): Promise<AgentAvailability> {
  const { resolveServerAddress } = await import("./server/address.ts");
  const { diagnoseServer } = await import("./server/describe_server.ts");
  try {
    const address = await resolveServerAddress({ ...options, env });
    const found = await diagnoseServer(address, { env, signal });
    if (found.health.kind === "ready") {
      return { available: true, path: address.url, version: found.health.version };
    }
    const hint = found.hints.join("\n");
    return { available: false, reason: `OpenCode server ${found.message}`, hint };
  } catch (error) {
    signal?.throwIfAborted();
    return { available: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

function startRun(options: OpencodeOptions, start: AgentStartOptions): AgentRun {
  let current: OpencodeRun | undefined;
  let interactive = false;
  const onRun = (run: OpencodeRun) => {
    current = run;
    if (interactive) run.setInteractive(true);
  };
  const run = inProcessRun((signal) => runStory(options, start, signal, onRun), {
    env: start.env,
    signal: start.signal,
    send: (command) => current?.send(command).catch(() => false) ?? Promise.resolve(false),
  });
  return Object.assign(run, {
    setInteractive(enabled: boolean) {
      interactive = enabled;
      current?.setInteractive(enabled);
    },
  });
}

async function* runStory(
  options: OpencodeOptions,
  start: AgentStartOptions,
  signal: AbortSignal,
  onRun: (run: OpencodeRun) => void,
): AsyncGenerator<AgentEvent, AgentEnding, void> {
  const { quietMs = 30_000, waitMs = 30_000, maxMisses = 20, pauseMs = 1_500, mode } = options;
  const { resolveServerAddress } = await import("./server/address.ts");
  const { checkHealth } = await import("./server/check_health.ts");
  const { describeServer } = await import("./server/describe_server.ts");
  const address = await resolveServerAddress({ ...options, env: start.env });
  let health = await checkHealth(address, { signal });
  if (health.kind === "down" && waitMs > 0) {
    const message = `The OpenCode server at ${address.url} does not answer; waiting for it`;
    yield { kind: "error", message };
    health = await checkHealth(address, { downMs: waitMs, startingMs: waitMs, signal });
  }
  if (health.kind !== "ready") {
    const unit = { kind: "unavailable", reason: "not asked" } as const;
    const { message } = describeServer({ health, unit, address: { ...address, remote: true } });
    const kind = health.kind === "unauthorized" ? "auth" : "launch";
    return { kind, message: `OpenCode server ${message}` };
  }
  const model = parseModel(start.model);
  if (model === null) {
    const message = `Unknown model "${start.model}": OpenCode expects provider/model`;
    return { kind: "launch", message };
  }
  yield { kind: "server", url: address.url };

  const { openProject } = await import("./server/opencode_client.ts");
  const { OpencodeRun } = await import("./run.ts");
  const run = new OpencodeRun(start, {
    project: await openProject(address, start.cwd),
    rules: await rulesOf(options, start.yolo ?? false),
    prompt: { text: start.prompt, model, agent: mode },
    quietMs,
    maxMisses,
    pauseMs,
    now: options.now ?? Date.now,
  });
  onRun(run);
  return yield* run.run(signal);
}

async function rulesOf(options: OpencodeOptions, yolo: boolean): Promise<PermissionRule[]> {
  const { permissionRules } = await import("./server/permission_rules.ts");
  return [
    ...permissionRules(yolo ? "allow" : options.permission ?? {}),
    // Without this tool the model decides for itself; a question would only cost a turn.
    { permission: "question", pattern: "*", action: "deny" },
  ];
}

function parseModel(
  model: string | undefined,
): { providerID: string; modelID: string } | undefined | null {
  if (model === undefined) return undefined;
  const [, providerID, modelID] = /^([^/]+)\/(.+)$/.exec(model) ?? [];
  return providerID === undefined || modelID === undefined ? null : { providerID, modelID };
}

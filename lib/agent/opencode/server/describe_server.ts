import {
  checkHealth,
  type CheckHealthOptions,
  MIN_OPENCODE_VERSION,
  type ServerHealth,
} from "./check_health.ts";
import type { ServerAddress } from "./address.ts";
import { readUnitState, type UnitState } from "./unit_state.ts";
import process from "node:process";

/** The description of a server for people. */
export interface ServerReport {
  /** `ok` and `warning`: it can be used; `problem`: it cannot. */
  level: "ok" | "warning" | "problem";
  /** The state of the server, in one line. */
  message: string;
  /** What to do about it, one line each. */
  hints: string[];
}

/** The input of {@linkcode describeServer}. */
export interface ServerFacts {
  /** What answers at the address. */
  health: ServerHealth;
  /** The state of the systemd unit. */
  unit: UnitState;
  /** The address. */
  address: ServerAddress;
  /** The system. @default {"linux"} */
  platform?: string | undefined;
}

/** The command that starts the server. */
const START_HINT = "Start with: systemctl --user start opencode";

/** The commands that set up the server, once. */
export const SETUP_COMMANDS: readonly string[] = [
  "mkdir -p ~/.config/systemd/user && " +
  "ralph systemd print opencode --with-password > ~/.config/systemd/user/opencode.service",
  "systemctl --user daemon-reload",
  "systemctl --user enable --now opencode",
];

const JOURNAL = "See why: journalctl --user -u opencode -n 50";
const RESTART = "systemctl --user restart opencode";

/**
 * Describes the state of an OpenCode server for people, and what to do about it: not installed, not
 * running, starting, port in use, no password, wrong password, started by hand, wrong version.
 *
 * @example Usage
 * ```ts
 * import { describeServer } from "./describe_server.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const report = describeServer({
 *   health: { kind: "down", detail: "connection refused" },
 *   unit: {
 *     kind: "installed",
 *     active: "inactive",
 *     result: "success",
 *     pid: null,
 *     restarts: 0,
 *     file: "/home/me/.config/systemd/user/opencode.service",
 *     enabled: false,
 *   },
 *   address: { url: "http://127.0.0.1:14096", username: "opencode", remote: false },
 * });
 * assertEquals(report, {
 *   level: "problem",
 *   message: "installed but not running",
 *   hints: ["Start with: systemctl --user start opencode"],
 * });
 * ```
 */
export function describeServer(facts: ServerFacts): ServerReport {
  const { health, unit, address } = facts;
  const { url, remote } = address;
  const place = new URL(url).port ? `port ${new URL(url).port}` : url;
  const problem = (message: string, ...hints: string[]): ServerReport => ({
    level: "problem",
    message,
    hints,
  });
  switch (health.kind) {
    case "ready":
      return describeReady(facts, health, place);
    case "unauthorized":
      return health.passwordKnown
        ? problem(
          `running at ${url} with a different password (401)`,
          remote
            ? "Set OPENCODE_SERVER_PASSWORD to the password of that server"
            : `If ~/.config/ralph/opencode.env is newer than the server: ${RESTART}`,
        )
        : problem(
          `running at ${url} with a password that is not known here (401)`,
          "Set OPENCODE_SERVER_PASSWORD, or write it to ~/.config/ralph/opencode.env",
        );
    case "unsupported":
      return problem(
        `version ${health.version} at ${url} is too old: ${MIN_OPENCODE_VERSION} or newer is needed`,
        remote ? "opencode upgrade" : `opencode upgrade && ${RESTART}`,
      );
    case "unhealthy":
      return problem(`not healthy at ${url}: ${health.detail}`, JOURNAL);
    case "foreign":
      return problem(
        `${place} is taken by something else (${health.detail})`,
        ...takenHints(url, remote),
      );
    case "silent":
      return isComingUp(unit) && !remote ? problem(`still starting at ${url}`, JOURNAL) : problem(
        `${place} is open but does not answer: a server that hangs, or something else`,
        ...takenHints(url, remote),
      );
    case "down":
      return remote
        ? problem(
          `nothing answers at ${url}: ${health.detail}`,
          "Start that server, or change RALPH_OPENCODE_URL or url in [opencode] of config.toml",
        )
        : describeDown(facts, problem);
  }
}

function describeReady(
  { unit, address }: ServerFacts,
  { version, secured }: Extract<ServerHealth, { kind: "ready" }>,
  place: string,
): ServerReport {
  const isUnit = unit.kind === "installed" && unit.active === "active" && !address.remote;
  const by = isUnit || address.remote ? "" : ", started by hand and not by systemd";
  const message = `${version} at ${address.url}${by}`;
  if (secured) return { level: "ok", message, hints: [] };
  return {
    level: "warning",
    message: `${message}; OPENCODE_SERVER_PASSWORD is not set: any local user can run commands ` +
      `through ${place}`,
    hints: ["ralph systemd print opencode --with-password"],
  };
}

function describeDown(
  { unit, address, platform = "linux" }: ServerFacts,
  problem: (message: string, ...hints: string[]) => ServerReport,
): ServerReport {
  const byHand = `opencode serve --port ${new URL(address.url).port || "80"}`;
  if (unit.kind === "unavailable") {
    return platform === "darwin"
      ? problem("not running", "ralph systemd print opencode --launchd", `Or by hand: ${byHand}`)
      : problem(
        `not running, and there is no systemd user manager here (${unit.reason})`,
        `${START_HINT}, or without systemd: ${byHand}`,
      );
  }
  if (unit.kind === "not_installed") {
    return problem(
      "not installed: there is no unit ~/.config/systemd/user/opencode.service",
      ...SETUP_COMMANDS,
      START_HINT,
    );
  }
  switch (unit.active) {
    case "inactive":
      return problem("installed but not running", START_HINT);
    case "failed":
      return problem(
        `installed but failed (${unit.result || "no reason"})`,
        JOURNAL,
        `Then: systemctl --user reset-failed opencode && systemctl --user start opencode`,
      );
    case "restarting":
      return problem(`failed, and systemd restarts it (${unit.restarts} times)`, JOURNAL);
    case "starting":
      return problem("still starting", JOURNAL);
    case "active":
      return problem(
        `the unit runs, but nothing listens at ${address.url}: it is starting, or uses another port`,
        JOURNAL,
      );
  }
}

function isComingUp(unit: UnitState): boolean {
  return unit.kind === "installed" && (unit.active === "starting" || unit.active === "active");
}

function takenHints(url: string, remote: boolean): string[] {
  if (remote) return [`Check the address ${url}`];
  const { port } = new URL(url);
  return [
    `See what it is: ss -ltnp 'sport = :${port}'`,
    "Or use a server elsewhere: RALPH_OPENCODE_URL, or url in [opencode] of config.toml",
  ];
}

/** Options for {@linkcode diagnoseServer}. */
export interface DiagnoseServerOptions extends CheckHealthOptions {
  /** The environment for asking systemd. */
  env: Record<string, string | undefined>;
  /** How long to wait for a server that systemd is starting, in milliseconds. @default {10_000} */
  waitMs?: number | undefined;
}

/** What {@linkcode diagnoseServer} found. */
export interface ServerDiagnosis extends ServerReport {
  /** What answers at the address. */
  health: ServerHealth;
  /** The state of the systemd unit. */
  unit: UnitState;
}

/**
 * Finds out the state of the OpenCode server from its answers and from systemd; waits while it is
 * starting. Starts and stops nothing.
 *
 * @example Usage
 * ```ts ignore
 * import { diagnoseServer, resolveServerAddress } from "@ralph/cli";
 *
 * const { env } = process;
 * const { level, message, hints } = await diagnoseServer(await resolveServerAddress({ env }), { env });
 * ```
 *
 * @returns What was found, and what to do about it.
 */
export async function diagnoseServer(
  address: ServerAddress,
  options: DiagnoseServerOptions,
): Promise<ServerDiagnosis> {
  const { env, waitMs = 10_000, ...check } = options;
  const [first, unit] = await Promise.all([checkHealth(address, check), readUnit(address, env)]);
  const found = async (): Promise<{ health: ServerHealth; unit: UnitState }> => {
    const isStarting = unit.kind === "installed" &&
      (unit.active === "starting" || unit.active === "active");
    if (!isStarting || (first.kind !== "down" && first.kind !== "silent")) {
      return { health: first, unit };
    }
    const health = await checkHealth(address, { ...check, downMs: waitMs, startingMs: waitMs });
    return { health, unit: await readUnit(address, env) };
  };
  const facts = await found();
  return { ...facts, ...describeServer({ ...facts, address, platform: process.platform }) };
}

/** The unit of this machine says nothing about a server on another one. */
async function readUnit(
  address: ServerAddress,
  env: Record<string, string | undefined>,
): Promise<UnitState> {
  if (address.remote) return { kind: "unavailable", reason: "the server is on another machine" };
  return await readUnitState({ env });
}

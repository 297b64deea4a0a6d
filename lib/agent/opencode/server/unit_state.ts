import { execFile } from "node:child_process";

/** The name of the systemd user unit. */
const OPENCODE_UNIT = "opencode.service";

/** The state of the OpenCode server's unit, from the systemd user manager. */
export type UnitState =
  /** There is no systemd user manager to ask. */
  | { kind: "unavailable"; reason: string }
  /** The unit is not installed. */
  | { kind: "not_installed" }
  /** The unit is installed; `result` is how its last run ended, such as `exit-code`. */
  | {
    kind: "installed";
    active: "active" | "starting" | "restarting" | "inactive" | "failed";
    result: string;
    pid: number | null;
    restarts: number;
    file: string;
    enabled: boolean;
  };

/** Options for {@linkcode readUnitState}. */
export interface ReadUnitStateOptions {
  /** The environment: PATH, and the variables to reach the user manager. */
  env: Record<string, string | undefined>;
  /** The unit. @default {"opencode.service"} */
  unit?: string | undefined;
  /** How long systemd may take, in milliseconds. @default {3_000} */
  timeoutMs?: number | undefined;
}

const PROPERTIES = [
  "LoadState",
  "ActiveState",
  "SubState",
  "Result",
  "MainPID",
  "NRestarts",
  "FragmentPath",
  "UnitFileState",
];

/**
 * Asks systemd for the state of the OpenCode server's unit. Starts and stops nothing.
 *
 * @example Usage
 * ```ts
 * import { readUnitState } from "./unit_state.ts";
 *
 * const state = await readUnitState({ env: { PATH: "/nowhere" } });
 * console.assert(state.kind === "unavailable");
 * ```
 */
export async function readUnitState(options: ReadUnitStateOptions): Promise<UnitState> {
  const { env, unit = OPENCODE_UNIT, timeoutMs = 3_000 } = options;
  const args = ["--user", "show", unit, `--property=${PROPERTIES.join(",")}`];
  const answer = await new Promise<{ text: string } | { reason: string }>((resolve) => {
    execFile("systemctl", args, { env, timeout: timeoutMs }, (error, stdout, stderr) => {
      if (error === null) return resolve({ text: stdout });
      const missing = (error as { code?: unknown }).code === "ENOENT";
      const words = stderr.trim().split("\n")[0] || error.message;
      resolve({ reason: missing ? "systemctl is not installed" : words });
    });
  });
  return "reason" in answer
    ? { kind: "unavailable", reason: answer.reason }
    : parseUnitState(answer.text);
}

/**
 * Parses the output of `systemctl show`.
 *
 * @param text Lines of the form `Property=value`.
 */
export function parseUnitState(text: string): UnitState {
  const lines = text.split("\n").map((line): [string, string] => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1).trim()];
  });
  const get = new Map(lines);
  if (get.get("LoadState") !== "loaded") return { kind: "not_installed" };
  const pid = Number(get.get("MainPID") ?? 0);
  return {
    kind: "installed",
    active: activeState(get.get("ActiveState"), get.get("SubState")),
    result: get.get("Result") ?? "",
    pid: pid > 0 ? pid : null,
    restarts: Number(get.get("NRestarts") ?? 0),
    file: get.get("FragmentPath") ?? "",
    enabled: get.get("UnitFileState") === "enabled",
  };
}

function activeState(active: string | undefined, sub: string | undefined) {
  switch (active) {
    case "active":
    case "reloading":
      return "active";
    case "activating":
      return sub === "auto-restart" ? "restarting" : "starting";
    case "failed":
      return "failed";
    default:
      return "inactive";
  }
}

import process from "node:process";
import { checkHealth, type CheckHealthOptions, type ServerHealth } from "./check_health.ts";
import { describeServer, type ServerReport } from "./describe_server.ts";
import type { ServerAddress } from "./server_address.ts";
import { readUnitState, type UnitState } from "./unit_state.ts";

/** Options for {@linkcode diagnoseServer}. */
export interface DiagnoseServerOptions extends CheckHealthOptions {
  /** The environment in which systemd is asked. */
  env: Record<string, string | undefined>;
  /** How long to wait for a server that systemd is starting, in milliseconds. @default {10_000} */
  waitMs?: number;
}

/** What {@linkcode diagnoseServer} found. */
export interface ServerDiagnosis extends ServerReport {
  /** What answers at the address. */
  health: ServerHealth;
  /** The state of the systemd unit. */
  unit: UnitState;
}

/**
 * Finds out how the OpenCode server is, from its answers and from systemd; waits while it is
 * starting. Nothing is started or stopped.
 *
 * @example Usage
 * ```ts ignore
 * import { diagnoseServer, resolveServerAddress } from "@ralph/cli";
 *
 * const { env } = process;
 * const { level, message, hints } = await diagnoseServer(await resolveServerAddress({ env }), { env });
 * ```
 *
 * @param address Where the server is.
 * @param options Additional options.
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

/** Of a server elsewhere, the unit of this machine says nothing. */
async function readUnit(
  address: ServerAddress,
  env: Record<string, string | undefined>,
): Promise<UnitState> {
  if (address.remote) return { kind: "unavailable", reason: "the server is on another machine" };
  return await readUnitState({ env });
}

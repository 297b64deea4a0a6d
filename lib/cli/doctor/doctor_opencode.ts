import { stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { agentEnvironment } from "../../agent/agent_environment.ts";
import { findProgram } from "../../base/find_program.ts";
import {
  diagnoseServer,
  type ServerDiagnosis,
} from "../../agent/opencode/server/describe_server.ts";
import { SERVER_ENV_FILE, type ServerAddress } from "../../agent/opencode/server/address.ts";
import type { DoctorFinding } from "../../ui/report/doctor_lines.ts";
import type { DoctorContext } from "./doctor_check.ts";
import { opencodeAddress } from "../attach/opencode_address.ts";

const TITLE = "OpenCode server";

/**
 * Checks the OpenCode server: whether it can be used, and if not, why and how to fix it; who can
 * read its password; whether it survives a logout.
 *
 * @returns A finding for each.
 */
export async function checkOpencode(context: DoctorContext): Promise<DoctorFinding[]> {
  const { env, root, cwd, signal } = context;
  const address = await opencodeAddress({ env }, root ?? cwd);
  const server = await diagnoseServer(address, { env, signal, waitMs: 5_000 });
  const isUnit = server.unit.kind === "installed" && !address.remote;
  const findings = await Promise.all([
    serverFinding(server, context),
    passwordFinding(address, context),
    isUnit ? lingerFinding() : [],
  ]);
  return findings.flat();
}

async function serverFinding(
  { level, message, hints, unit }: ServerDiagnosis,
  context: DoctorContext,
): Promise<DoctorFinding[]> {
  const fix = hints.length === 0 ? {} : { fix: hints.join("\n") };
  const finding = { title: TITLE, detail: message, ...fix };
  if (level !== "problem") return [{ level, ...finding }];
  const { options, env } = context;
  const isAsked = !(options instanceof Error) && options.fallbackAgent === "opencode";
  // An installed unit is meant to run; without one the server may never be needed.
  if (isAsked || unit.kind === "installed") return [{ level: "problem", ...finding }];
  const own = agentEnvironment(env, { agent: "opencode" });
  const isInstalled = await findProgram("opencode", { env: own }) !== undefined;
  return [{ level: isInstalled ? "warning" : "info", ...finding }];
}

async function passwordFinding(
  { remote }: ServerAddress,
  { paths }: DoctorContext,
): Promise<DoctorFinding[]> {
  const file = join(paths.configDir, SERVER_ENV_FILE);
  const found = await stat(file).catch(() => undefined);
  if (remote || found === undefined || (found.mode & 0o077) === 0) return [];
  const detail = `${file} contains the server's password, and others can read it`;
  return [{ level: "warning", title: SERVER_ENV_FILE, detail, fix: `chmod 600 ${file}` }];
}

async function lingerFinding(): Promise<DoctorFinding[]> {
  const { username } = userInfo();
  const lingers = await stat(join("/var/lib/systemd/linger", username)).then(
    () => true,
    () => false,
  );
  if (lingers) return [];
  const detail = "ends when you log out, and starts when you log in";
  const fix = "to start it at boot and keep it running: loginctl enable-linger $USER";
  return [{ level: "info", title: TITLE, detail, fix }];
}

import type { Agent } from "../../agent/agent.ts";
import { agentEnvironment } from "../../agent/agent_environment.ts";
import { createAgents } from "../../agent/create_agents.ts";
import type { DoctorFinding } from "../../ui/report/doctor_lines.ts";
import type { DoctorContext } from "./doctor_check.ts";

/**
 * Whether the settings are valid.
 */
export function checkSettings({ options }: DoctorContext): Promise<DoctorFinding[]> {
  if (!(options instanceof Error)) {
    const detail = "config.toml and ralph.toml are valid, or do not exist";
    return Promise.resolve([{ level: "ok", title: "settings", detail }]);
  }
  const { message, hint } = options as Error & { hint?: string };
  const fix = hint === undefined ? {} : { fix: hint };
  return Promise.resolve([{ level: "problem", title: "settings", detail: message, ...fix }]);
}

/**
 * Checks every agent that is known here: whether it is installed, its version, whether it starts.
 * At least one must be able to run.
 *
 * @returns A finding for each agent, and one more if none can run.
 */
export async function checkAgents(context: DoctorContext): Promise<DoctorFinding[]> {
  const { options } = context;
  const usable = options instanceof Error ? undefined : options;
  // The demo agent is always there, but does no real work.
  const agents = (usable?.agents ?? createAgents()).filter(({ name }) => name !== "demo");
  const wanted = [usable?.fallbackAgent ?? "claude", ...usable?.failover ?? []];
  const found = await Promise.all(agents.map((agent) => lookAt(agent, wanted, context)));
  // The check of its server says more about OpenCode than its agent can.
  const shown = found.filter((_, i) => agents[i]?.name !== "opencode");
  const findings = shown.map(({ finding }) => finding);
  if (found.some(({ canRun }) => canRun)) return findings;
  const none: DoctorFinding = {
    level: "problem",
    title: "no agent",
    detail: `none of ${agents.map(({ name }) => name).join(", ")} can run`,
    fix: "npm install -g @anthropic-ai/claude-code",
  };
  return [...findings, none];
}

async function lookAt(
  agent: Agent,
  wanted: readonly string[],
  { env, signal }: DoctorContext,
): Promise<{ finding: DoctorFinding; canRun: boolean }> {
  const { name } = agent;
  const found = await agent.probe({
    env: agentEnvironment(env, { agent: name }),
    version: true,
    signal,
  });
  if (!found.available) {
    const { reason, hint, path } = found;
    const level = wanted.includes(name) || path !== undefined ? "warning" : "info";
    const way = path === undefined ? hint : `${path} --version`;
    const fix = way === undefined ? {} : { fix: way };
    return { canRun: false, finding: { level, title: name, detail: reason, ...fix } };
  }
  const where = found.path ?? "built in";
  if (found.version !== undefined) {
    const detail = `${where}, sign-in not checked`;
    return { canRun: true, finding: { level: "ok", title: `${name} ${found.version}`, detail } };
  }
  const detail = found.path === undefined ? where : `${where}, not started`;
  return { canRun: true, finding: { level: "ok", title: name, detail } };
}

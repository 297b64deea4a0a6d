/** Options for {@linkcode agentEnvironment}. */
export interface AgentEnvironmentOptions {
  /** The agent for which it is: `opencode` alone gets the password of the OpenCode server. */
  agent: string;
}

/**
 * What a running Claude Code session gives its children. With `CLAUDECODE` a nested
 * Claude Code refuses to start, and with the others it takes itself for a part of that session.
 */
const NESTED_SESSION = new Set([
  "AI_AGENT",
  "CLAUDECODE",
  "CLAUDE_CODE_CHILD_SESSION",
  "CLAUDE_CODE_ENTRYPOINT",
  "CLAUDE_CODE_EXECPATH",
  "CLAUDE_CODE_SESSION_ID",
  "CLAUDE_CODE_SSE_PORT",
  "CLAUDE_EFFORT",
]);

/**
 * Makes the environment of an agent from that of this process.
 *
 * All of it is passed on, as agents need PATH, HOME, proxies, keys and the user's own
 * settings, except: the variables of a Claude Code session around us, ralph's own
 * settings (`RALPH_*`), and for every agent but `opencode` the password of the OpenCode
 * server (`OPENCODE_SERVER_*`). Nothing is added.
 *
 * @example Usage
 * ```ts
 * import { agentEnvironment } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const env = { PATH: "/bin", CLAUDECODE: "1", RALPH_AGENT: "demo" };
 * assertEquals(agentEnvironment(env, { agent: "claude" }), { PATH: "/bin" });
 * ```
 *
 * @param env The environment to start from, such as `process.env`.
 * @param options For which agent.
 * @returns A new environment.
 */
export function agentEnvironment(
  env: Record<string, string | undefined>,
  options: AgentEnvironmentOptions,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || NESTED_SESSION.has(name) || name.startsWith("RALPH_")) continue;
    if (name.startsWith("OPENCODE_SERVER_") && options.agent !== "opencode") continue;
    result[name] = value;
  }
  return result;
}

/** The variable by which the processes of a session are known: all of them inherit it. */
export const SESSION_VARIABLE = "RALPH_SESSION";

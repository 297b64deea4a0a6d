/** Options for {@linkcode agentEnvironment}. */
export interface AgentEnvironmentOptions {
  /** The agent: only `opencode` gets the password of the OpenCode server. */
  agent: string;
}

/**
 * Variables that Claude Code sets for its children. With `CLAUDECODE` a nested Claude Code refuses
 * to start, and with the others it behaves as a part of the outer session.
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
 * Builds the environment of an agent from that of this process.
 *
 * Everything is passed on, because agents need PATH, HOME, proxies, keys and the user's own
 * settings, with these exceptions: the variables of a surrounding Claude Code, ralph's settings
 * (`RALPH_*`), and the password of the OpenCode server (`OPENCODE_SERVER_*`), which only `opencode`
 * gets. Nothing is added.
 *
 * @example Usage
 * ```ts
 * import { agentEnvironment } from "./agent_environment.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const env = { PATH: "/bin", CLAUDECODE: "1", RALPH_AGENT: "demo" };
 * assertEquals(agentEnvironment(env, { agent: "claude" }), { PATH: "/bin" });
 * ```
 *
 * @param env The environment to start from, such as `process.env`.
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

/** The variable that identifies the processes of a session: all of them inherit it. */
export const SESSION_VARIABLE = "RALPH_SESSION";

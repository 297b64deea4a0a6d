import { assertEquals } from "@std/assert";
import { agentEnvironment } from "../../lib/agent/agent_environment.ts";
import { findSecrets, maskSecrets } from "../../lib/base/mask_secrets.ts";

Deno.test("agentEnvironment() keeps the user's settings and drops those of a session around us", () => {
  const env = {
    PATH: "/bin",
    ANTHROPIC_API_KEY: "k",
    CLAUDE_CODE_USE_BEDROCK: "1",
    CLAUDECODE: "1",
    CLAUDE_CODE_ENTRYPOINT: "cli",
    CLAUDE_CODE_SSE_PORT: "1",
    CLAUDE_CODE_SESSION_ID: "s",
    RALPH_AGENT: "demo",
    OPENCODE_SERVER_PASSWORD: "p",
    GONE: undefined,
  };
  const kept = { PATH: "/bin", ANTHROPIC_API_KEY: "k", CLAUDE_CODE_USE_BEDROCK: "1" };
  assertEquals(agentEnvironment(env, { agent: "claude" }), kept);
  assertEquals(agentEnvironment(env, { agent: "opencode" }), {
    ...kept,
    OPENCODE_SERVER_PASSWORD: "p",
  });
});

Deno.test("findSecrets() finds long values of variables named like secrets, longest first", () => {
  const secrets = findSecrets({
    A_TOKEN: "abcdefgh",
    B_KEY: "abcdefghij",
    SHORT_KEY: "abc",
    SSH_AUTH_SOCK: "/run/user/1000/agent",
    HOME: "/home/somebody",
  });
  assertEquals(secrets, ["abcdefghij", "abcdefgh"]);
  assertEquals(maskSecrets("abcdefghij abcdefgh abc", secrets), "*** *** abc");
});

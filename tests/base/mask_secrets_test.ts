import { assertEquals } from "@std/assert";
import { findSecrets, maskSecrets } from "../../lib/base/mask_secrets.ts";

const PEM = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ
AAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIPl4
-----END OPENSSH PRIVATE KEY-----`;

/** Variables, and what of each must not be seen in any line of output. */
const SECRET: [name: string, value: string, ...hidden: string[]][] = [
  ["ANTHROPIC_API_KEY", "sk-ant-api03-abc"],
  ["OPENAIKEY", "abcdefghij"],
  ["SERVICE_TOKEN", "abc1234"],
  ["GH_PAT", "abc1234"],
  ["AZURE_DEVOPS_EXT_PAT", "qwertz77"],
  ["AWS_SECRET_ACCESS_KEY", "/wJalrXUtnFEMI/K7MDENG+bPxRfiCY"],
  ["DB_PASS", "hunter22"],
  ["PGPASSWORD", "hunter22"],
  ["DB_PWD", "hunter22"],
  ["npm_config__authToken", "abc-def-123"],
  ["SSH_PRIVATE_KEY", PEM, ...PEM.split("\n").slice(1, 3)],
  ["DEPLOY", PEM, ...PEM.split("\n").slice(1, 3)],
  ["APP_KEY", PEM.replaceAll("\n", "\\n"), ...PEM.split("\n").slice(1, 3)],
  ["DATABASE_URL", "postgres://me:hunter22@db.example:5432/app", "hunter22", "me:hunter22"],
  ["DATABASE_URL", "postgres://me:p%40ss-word@db/app", "p%40ss-word", "p@ss-word"],
  ["REDIS", "redis://:hunter22@cache:6379/0", "hunter22"],
  ["HTTPS_PROXY", "http://me:pw@proxy:3128", "me:pw"],
  ["REMOTE", "https://ghx0123456789abcdefghij@github.com/a/b.git", "ghx0123456789abcdefghij"],
  ["STORE", "Server=db;User=me;Password=hunter22;Timeout=9", "hunter22"],
  ["LINK", "https://a.example/x?page=1&api_key=hunter22", "hunter22"],
  ["SLACK_WEBHOOK_URL", "https://hooks.example/T000/B000/xyz"],
  ["NOTIFY", "https://hooks.slack.com/services/T000/B000/xyz"],
  ["CI_JOB", "ghp_0123456789abcdefghijABCDEFGHIJ012345"],
  ["SENTRY_DSN", "https://0123abcd@o1.ingest.example/2"],
];

const PLAIN: [name: string, value: string][] = [
  ["GIT_AUTHOR_NAME", "Ada Lovelace"],
  ["GIT_AUTHOR_EMAIL", "ada@example.com"],
  ["AUTHORS_FILE", "AUTHORS.md"],
  ["PATH", "/usr/local/bin:/usr/bin"],
  ["PWD", "/work/compat"],
  ["OLDPWD", "compat-before"],
  ["SSH_AUTH_SOCK", "/run/user/1000/agent"],
  ["GOOGLE_APPLICATION_CREDENTIALS", "/srv/keys/google.json"],
  ["SSH_KEY_PATH", "/keys/id_ed25519"],
  ["KEYBOARD_LAYOUT", "de-latin1"],
  ["MONKEYPATCH", "everything"],
  ["CLAUDE_CODE_MAX_OUTPUT_TOKENS", "128000"],
  ["USE_AUTH", "enabled"],
  ["SHORT_KEY", "abc"],
  ["HOMEPAGE", "https://example.com/a?b=c"],
  ["ORIGIN", "ssh://git@github.com/a/b.git"],
  ["HTTPS_PROXY", "http://proxy.example:3128"],
  ["SSH_PUBLIC_KEY", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"],
  ["AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"],
];

for (const [name, value, ...hidden] of SECRET) {
  const what = hidden.length === 0 ? [value] : hidden;
  Deno.test(`findSecrets() hides what is secret of ${name}=${value.slice(0, 30)}`, () => {
    const secrets = findSecrets({ [name]: value });
    // As a whole, and line by line, as agents print it.
    for (const text of [value, ...what.map((it) => `it is "${it}"!`)]) {
      const masked = text.split("\n").map((line) => maskSecrets(line, secrets)).join("\n");
      for (const each of what) assertEquals(masked.includes(each), false, masked);
    }
  });
}

for (const [name, value] of PLAIN) {
  Deno.test(`findSecrets() leaves ${name}=${value} alone`, () => {
    assertEquals(findSecrets({ [name]: value }), []);
  });
}

Deno.test("maskSecrets() masks a secret that contains another as a whole", () => {
  const secrets = findSecrets({ A_KEY: "abcdef", B_KEY: "abcdefghi" });
  assertEquals(maskSecrets("abcdefghi abcdef", secrets), "*** ***");
});

Deno.test("maskSecrets() leaves no secret of any length, wherever it stands", () => {
  const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=_-";
  for (let length = 7; length <= 200; length++) {
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    const secret = Array.from(bytes, (byte) => letters[byte % letters.length]).join("");
    for (const name of ["X_TOKEN", "X_PAT", "X_API_KEY", "X_PASSWORD"]) {
      const masked = maskSecrets(`<${secret}>${secret}`, findSecrets({ [name]: secret }));
      assertEquals(masked, "<***>***", `${name}=${secret}`);
    }
  }
});

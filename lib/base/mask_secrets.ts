const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|AUTH/i;
const MIN_LENGTH = 8;

/**
 * Picks the values of an environment that must not be shown: those of variables whose names look
 * like secrets (`…KEY`, `…TOKEN`, `…PASSWORD`, …). Paths and values shorter than 8 characters are
 * left out, as masking them would garble ordinary text.
 *
 * @returns The secret values, longest first.
 */
export function findSecrets(env: Record<string, string>): string[] {
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (SECRET_NAME.test(name) && value.length >= MIN_LENGTH && !value.startsWith("/")) {
      secrets.add(value);
    }
  }
  return [...secrets].sort((a, b) => b.length - a.length);
}

/**
 * Replaces every secret in a text with `***`.
 *
 * @example Usage
 * ```ts
 * import { findSecrets, maskSecrets } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const secrets = findSecrets({ API_KEY: "sk-ant-12345" });
 * assertEquals(maskSecrets("bad key sk-ant-12345", secrets), "bad key ***");
 * ```
 *
 * @param secrets What to hide, longest first, as {@linkcode findSecrets} returns it.
 * @returns The text without the secrets.
 */
export function maskSecrets(text: string, secrets: string[]): string {
  for (const secret of secrets) {
    if (text.includes(secret)) text = text.replaceAll(secret, "***");
  }
  return text;
}

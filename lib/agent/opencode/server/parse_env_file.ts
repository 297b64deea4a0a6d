/**
 * Reads the text of an environment file, as systemd's `EnvironmentFile=` does: one `NAME=value` per
 * line, with comments and optional quotes. Other lines are ignored.
 *
 * @example Usage
 * ```ts
 * import { parseEnvFile } from "./parse_env_file.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseEnvFile("# password\nA=1\nB='two words'\n"), { A: "1", B: "two words" });
 * ```
 *
 * @param text The text of the file.
 * @returns The variables; of several with the same name, the last one counts.
 */
export function parseEnvFile(text: string): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/.exec(line);
    if (match === null) continue;
    const [, name = "", value = ""] = match;
    variables[name] = unquote(value.trim());
  }
  return variables;
}

function unquote(value: string): string {
  const match = /^(["'])(.*)\1$/.exec(value);
  if (match === null) return value;
  const [, quote, inner = ""] = match;
  return quote === '"' ? inner.replaceAll(/\\(["\\$`])/g, "$1") : inner;
}

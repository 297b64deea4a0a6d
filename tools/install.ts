/**
 * Installs this checkout as the command `ralph`, where `deno install --global` puts commands.
 *
 * `deno install` itself begins a lock file of its own there: what it downloads is not what was
 * tested here.
 *
 * @module
 */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/**
 * Makes the script that is installed.
 *
 * @param deno The path of Deno.
 * @param root The checkout.
 * @returns A script for `sh`.
 */
export function installedScript(deno: string, root: string): string {
  const quoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;
  const option = (name: string, file: string): string => `--${name}=${quoted(join(root, file))}`;
  const options = ["--allow-all", option("config", "deno.json"), option("lock", "deno.lock")];
  return `#!/bin/sh\nexec ${quoted(deno)} run ${options.join(" ")} --frozen ${
    quoted(join(root, "cli.ts"))
  } "$@"\n`;
}

if (import.meta.main) {
  const { env, execPath } = process;
  const bin = join(env.DENO_INSTALL_ROOT || join(homedir(), ".deno"), "bin");
  await mkdir(bin, { recursive: true });
  const file = join(bin, "ralph");
  await writeFile(file, installedScript(execPath, ROOT));
  await chmod(file, 0o755);
  const onPath = (env.PATH ?? "").split(":").includes(bin);
  // deno-lint-ignore no-console -- the report of a tool
  console.log(`Installed ${file}${onPath ? "" : `; add ${bin} to your PATH`}`);
}

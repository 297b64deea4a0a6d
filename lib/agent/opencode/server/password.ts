import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnvFile } from "./parse_env_file.ts";
import { SERVER_ENV_FILE } from "./address.ts";

const PASSWORD_BYTES = 24;

/** What {@linkcode ensureServerPassword} found or made. */
export interface ServerPasswordFile {
  /** The file, an absolute path. */
  file: string;
  /** Whether the password is new; one that was there is kept. */
  created: boolean;
}

/**
 * Makes sure that there is a password for the OpenCode server in `opencode.env`, which nobody but
 * the user can read. The server takes it up when it is started again.
 *
 * @example Usage
 * ```ts ignore
 * import { ensureServerPassword } from "./password.ts";
 *
 * const { file, created } = await ensureServerPassword("/home/me/.config/ralph");
 * ```
 *
 * @param configDir The folder of ralph's settings.
 * @returns The file, and whether its password is new.
 */
export async function ensureServerPassword(configDir: string): Promise<ServerPasswordFile> {
  const file = join(configDir, SERVER_ENV_FILE);
  const text = await readFile(file, "utf8").catch((error) => {
    if ((error as { code?: string }).code === "ENOENT") return "";
    throw error;
  });
  if (parseEnvFile(text).OPENCODE_SERVER_PASSWORD) {
    await chmod(file, 0o600);
    return { file, created: false };
  }
  await mkdir(configDir, { recursive: true, mode: 0o700 });
  const bytes = crypto.getRandomValues(new Uint8Array(PASSWORD_BYTES));
  const password = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
  const before = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  // Written beside, so that nobody ever sees half of it or more than its owner may.
  const beside = `${file}.${crypto.randomUUID()}.tmp`;
  try {
    await writeFile(beside, `${before}OPENCODE_SERVER_PASSWORD=${password}\n`, { mode: 0o600 });
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  return { file, created: true };
}

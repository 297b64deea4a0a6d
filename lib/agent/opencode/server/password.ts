import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readTextFile } from "../../../base/read_text_file.ts";
import { parseEnvFile } from "./parse_env_file.ts";
import { SERVER_ENV_FILE } from "./address.ts";

const PASSWORD_BYTES = 24;

/** The result of {@linkcode ensureServerPassword}. */
export interface ServerPasswordFile {
  /** The file, an absolute path. */
  file: string;
  /** Whether the password is new; an existing one is kept. */
  created: boolean;
}

/**
 * Makes sure that `opencode.env` has a password for the OpenCode server. Only the user can read the
 * file. The server uses the password after a restart.
 *
 * @example Usage
 * ```ts ignore
 * import { ensureServerPassword } from "./password.ts";
 *
 * const { file, created } = await ensureServerPassword("/home/me/.config/ralph");
 * ```
 *
 * @param configDir Ralph's config folder.
 * @returns The file, and whether its password is new.
 */
export async function ensureServerPassword(configDir: string): Promise<ServerPasswordFile> {
  const file = join(configDir, SERVER_ENV_FILE);
  const text = await readTextFile(file).catch((error) => {
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
  // Written to a private file first, so that nobody ever reads a part of it.
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

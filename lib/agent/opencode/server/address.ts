import { join } from "node:path";
import { readTextFile } from "../../../base/read_text_file.ts";
import { parseEnvFile } from "./parse_env_file.ts";

/** Where the OpenCode server of the systemd unit listens. */
const DEFAULT_SERVER_URL = "http://127.0.0.1:14096";

/** The file with the server's password, in ralph's config folder. */
export const SERVER_ENV_FILE = "opencode.env";

/** How an OpenCode server is reached. */
export interface ServerAddress {
  /** Where it listens, such as `http://127.0.0.1:14096`, without a slash at the end. */
  url: string;
  /** The user name that goes with the password. */
  username: string;
  /** Its password; absent if unknown. */
  password?: string | undefined;
  /** Whether it is on another machine, which this machine's systemd does not manage. */
  remote: boolean;
}

/** Options for {@linkcode resolveServerAddress}. */
export interface ResolveServerAddressOptions {
  /** The environment: `RALPH_OPENCODE_URL`, `OPENCODE_SERVER_PASSWORD`, `OPENCODE_SERVER_USERNAME`. */
  env: Record<string, string | undefined>;
  /** The URL from the config. @default {DEFAULT_SERVER_URL} */
  url?: string | undefined;
  /** The folder with `opencode.env`, which may contain the password. @default {none} */
  configDir?: string | undefined;
}

/**
 * Determines the address and the password of the OpenCode server. Precedence: the environment, then
 * the config and the file that systemd passes to the server, then the default.
 *
 * @example Usage
 * ```ts
 * import { resolveServerAddress } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const { url } = await resolveServerAddress({ env: { RALPH_OPENCODE_URL: "http://[::1]:4096/" } });
 * assertEquals(url, "http://[::1]:4096");
 * ```
 *
 * @throws {TypeError} If the URL is invalid, or its scheme is not `http` or `https`.
 */
export async function resolveServerAddress(
  options: ResolveServerAddressOptions,
): Promise<ServerAddress> {
  const { env, configDir } = options;
  const given = env.RALPH_OPENCODE_URL || options.url || DEFAULT_SERVER_URL;
  const url = parseServerUrl(given);
  const file = configDir === undefined ? {} : await readEnvFile(join(configDir, SERVER_ENV_FILE));
  const password = env.OPENCODE_SERVER_PASSWORD || decodeURIComponent(url.password) ||
    file.OPENCODE_SERVER_PASSWORD;
  const username = env.OPENCODE_SERVER_USERNAME || decodeURIComponent(url.username) ||
    file.OPENCODE_SERVER_USERNAME || "opencode";
  const plain = `${url.protocol}//${url.host}${url.pathname}`.replace(/\/+$/, "");
  return {
    url: plain,
    username,
    password: password || undefined,
    remote: !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname),
  };
}

function parseServerUrl(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new TypeError(
    `Cannot use OpenCode server "${given}": expected a URL such as ${DEFAULT_SERVER_URL}`,
  );
}

async function readEnvFile(file: string): Promise<Record<string, string>> {
  try {
    return parseEnvFile(await readTextFile(file));
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return {};
    throw new Error(`Cannot read "${file}": ${(error as Error).message}`, { cause: error });
  }
}

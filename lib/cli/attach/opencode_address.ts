import { resolveServerAddress, type ServerAddress } from "../../agent/opencode/server/address.ts";
import { sessionPaths } from "../../session/model/session_paths.ts";
import type { CommandContext } from "../kit/command.ts";
import { SettingsError } from "../run/settings.ts";
import { readTrustedSettings } from "../trust/open_trust.ts";

/**
 * The address of a repository's OpenCode server, from the environment, its `ralph.toml` and the
 * user's `config.toml`, with the server's password if it is known.
 *
 * @param root The root of the repository; outside of one, any folder without a `ralph.toml`.
 * @throws {SettingsError} If the settings or the URL are invalid.
 */
export async function opencodeAddress(
  { env }: Pick<CommandContext, "env">,
  root: string,
): Promise<ServerAddress> {
  const { configDir } = sessionPaths(env);
  const settings = await readTrustedSettings(root, env);
  try {
    return await resolveServerAddress({ env, configDir, url: settings.opencode?.url });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new SettingsError("the settings", error.message);
  }
}

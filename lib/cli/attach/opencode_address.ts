import { resolveServerAddress, type ServerAddress } from "../../agent/opencode/server/address.ts";
import { sessionPaths } from "../../session/model/session_paths.ts";
import type { CommandContext } from "../kit/command.ts";
import { readSettings, SettingsError } from "../run/settings.ts";

/**
 * Says where the OpenCode server is for a repository: from the environment, its `ralph.toml` and
 * the user's `config.toml`.
 *
 * @param context The world.
 * @param root The root of the repository; any folder without a `ralph.toml` where there is none.
 * @returns The address, with the password of the server if it is known.
 * @throws {SettingsError} If the settings or the URL cannot be used.
 */
export async function opencodeAddress(
  { env }: Pick<CommandContext, "env">,
  root: string,
): Promise<ServerAddress> {
  const { configDir } = sessionPaths(env);
  const settings = await readSettings({ root, configDir });
  try {
    return await resolveServerAddress({ env, configDir, url: settings.opencode?.url });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new SettingsError("the settings", error.message);
  }
}

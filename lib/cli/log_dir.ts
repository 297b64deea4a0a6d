import { existsSync } from "node:fs";
import { sessionLogDir } from "../session/model/session_paths.ts";
import type { CommandContext } from "./command.ts";

/**
 * Says where the log of a session is, if it has one: sessions of older versions have none.
 *
 * @param id The id of the session.
 * @param context The world.
 * @returns The folder; `undefined` if there is none.
 */
export function logDirOf(id: string, context: CommandContext): string | undefined {
  const dir = sessionLogDir(id, context.env);
  return existsSync(dir) ? dir : undefined;
}

import { openRegistry } from "../session/registry/open_registry.ts";
import type { Registry } from "../session/registry/registry.ts";
import { sessionPaths } from "../session/model/session_paths.ts";
import { sanitizeText } from "../ui/text/sanitize_text.ts";
import type { CommandContext } from "./command.ts";

/**
 * Opens the registry for a command that looks at sessions: what it says of running ones is
 * true, as {@linkcode refreshSessions} has been at work.
 *
 * @param context The world.
 * @returns The registry; close it with `using`.
 */
export async function openSessions(context: CommandContext): Promise<Registry> {
  const registry = openRegistry({ path: sessionPaths(context.env).database });
  try {
    await refreshSessions(registry, context);
    return registry;
  } catch (error) {
    registry[Symbol.dispose]();
    throw error;
  }
}

/** Options for {@linkcode refreshSessions}. */
export interface RefreshSessionsOptions {
  /** Only the sessions of this task folder. @default {all} */
  taskDir?: string;
}

/**
 * Ends the sessions that are recorded as running and whose worker is dead.
 *
 * @param registry The registry.
 * @param context The world.
 * @param options Additional options.
 */
export async function refreshSessions(
  registry: Registry,
  context: CommandContext,
  options: RefreshSessionsOptions = {},
): Promise<void> {
  // Most of the time nothing runs, and then there is nothing to load.
  if (registry.runningSessions().length === 0) return;
  const { recoverSessions } = await import("../worker/recover_sessions.ts");
  const paths = sessionPaths(context.env);
  try {
    await recoverSessions(registry, { paths, ...options });
  } catch (error) {
    // One broken log must not hide all other sessions.
    const message = error instanceof Error ? error.message : String(error);
    context.stderr.write(`warning: ${sanitizeText(message)}\n`);
  }
}

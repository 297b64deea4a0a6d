import { isOpencodeSession } from "../../session/find/decide_session.ts";
import {
  findSession as findAnywhere,
  type FoundSession,
  SessionRefError,
  sessionsOfTask,
} from "../../session/find/find_session.ts";
import type { Session } from "../../session/model/session.ts";
import type { Registry } from "../../session/registry/registry.ts";
import { sanitizeText } from "../../ui/text/sanitize_text.ts";
import type { CommandContext } from "../kit/command.ts";
import { UsageError } from "../kit/usage.ts";

/** Options for {@linkcode findSession}. */
export interface FindSessionOptions {
  /** Who asks, and where. */
  from: CommandContext;
  /** The registry. */
  registry: Registry;
  /** The command, as people type it: `ralph stop`. */
  command: string;
  /** Whether it acts on the session: then another repository's is not taken without asking. */
  acts?: boolean | undefined;
  /** Whether only a running session is of use. @default {false} */
  running?: boolean | undefined;
}

/**
 * Finds the session that a command is about, by the one rule of all commands: what is here comes
 * first. Of another repository's session a command that only reads says which one it is; one that
 * acts asks, or off a terminal names the line to type.
 *
 * @param ref A task's name or path, a session's id or its beginning, or a session of OpenCode.
 * @throws {UsageError} If there is none, several are meant, or nobody can be asked.
 */
export async function findSession(
  ref: string | undefined,
  options: FindSessionOptions,
): Promise<Session> {
  const { from, registry, command, acts = false, running } = options;
  let found: FoundSession;
  try {
    found = await findAnywhere(registry, ref, { cwd: from.cwd, running, command });
  } catch (error) {
    if (error instanceof SessionRefError) throw new UsageError(error.message, error.hint);
    throw error;
  }
  if (found.kind === "found") return found.session;
  const { sessions } = found;
  if (acts) return await choose(ref, sessions, options);
  from.stderr.write(`note: ${describeElsewhere(ref, sessions)}\n`);
  return sessions[0];
}

/** Finds the sessions of the task that a reference means, newest first: at least one. */
export async function findTaskSessions(
  ref: string,
  options: FindSessionOptions & { limit?: number | undefined },
): Promise<Session[]> {
  return sessionsOfTask(options.registry, await findSession(ref, options), options.limit);
}

/**
 * What a command line names its session by: TASK, or `--session`.
 *
 * @throws {UsageError} If it has both.
 */
export function sessionRef(
  line: { operands: readonly string[]; value(name: string): string | undefined },
): string | undefined {
  const [task] = line.operands;
  const id = line.value("session");
  if (task !== undefined && id !== undefined) {
    throw new UsageError("Cannot use TASK with --session: the session says which task it is");
  }
  return id ?? task;
}

export { isOpencodeSession };

type Sessions = readonly [Session, ...Session[]];

function describeElsewhere(ref: string | undefined, sessions: Sessions): string {
  const [{ task, taskDir }] = sessions;
  const place = sanitizeText(taskDir);
  if (ref === undefined) return `no session is here; this is ${sanitizeText(task)}, ${place}`;
  return sessions.length > 1
    ? `${sessions.length} task folders are called ${
      sanitizeText(ref)
    }; this is ${place}, which ran last`
    : `no session of ${sanitizeText(ref)} is here; this is ${place}`;
}

async function choose(
  ref: string | undefined,
  sessions: Sessions,
  { from, command }: FindSessionOptions,
): Promise<Session> {
  const what = ref === undefined ? "No session is running here" : `No session of ${ref} is here`;
  if (!from.interactive) {
    const places = sessions.map(({ taskDir }) => taskDir).join(", ");
    throw new UsageError(
      `${what}: it is in another repository, ${places}`,
      sessions.map(({ id }) => `${command} ${id}`).join("\n"),
    );
  }
  const { isCancel, select } = await import("@clack/prompts");
  const none = "none";
  const picked = await select({
    message: sanitizeText(`${what}. ${command} in another repository?`),
    options: [
      { value: none, label: "No" },
      ...sessions.map(({ id, taskDir, status }) => ({
        value: id,
        label: sanitizeText(taskDir),
        hint: status,
      })),
    ],
  });
  const session = sessions.find(({ id }) => id === picked);
  if (isCancel(picked) || session === undefined) throw new UsageError("No session was chosen");
  return session;
}

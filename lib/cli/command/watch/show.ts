import type { Registry } from "../../../session/registry/registry.ts";
import type { Session } from "../../../session/model/session.ts";
import { iterationTable } from "../../../ui/report/iteration_table.ts";
import { sessionDetails } from "../../../ui/report/session_details.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { findLatestSession, findSessionById } from "../../sessions/find_one_session.ts";
import { logDirOf, openSessions, sessionStates } from "../../sessions/open_sessions.ts";
import { UsageError } from "../../kit/usage.ts";

/** `ralph show`: shows everything about one session. */
export const command: Command = {
  usage: "[TASK|ID] [options]",
  description:
    "Shows everything about one session: how it went, each iteration, and what went wrong.\n" +
    "Without an argument it is the most recently active session. The first 6 characters of an\n" +
    "ID are enough.",
  operands: 1,
  examples: [
    ["ralph show my-feature", "the newest session of a task"],
    ["ralph show 01KA3QXJ5M", "a session listed by ralph history"],
  ],
  options: [{ name: "json", help: "one JSON object, see schemas/show.schema.json" }],
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const { stdout } = context;
    using registry = await openSessions(context);
    const session = await find(registry, line.operands[0], context);
    const iterations = registry.listIterations(session.id);
    if (line.has("json")) {
      stdout.write(`${JSON.stringify({ session, iterations })}\n`);
      return 0;
    }
    const now = Date.now();
    const [state] = await sessionStates(registry, [session]);
    const logDir = logDirOf(session.id, context);
    const width = stdout.columns === undefined ? {} : { width: stdout.columns };
    const table = iterationTable(iterations, { now, ...width });
    const lines = [
      ...sessionDetails(session, {
        now,
        serverLive: state?.serverLive ?? false,
        ...(logDir === undefined ? {} : { logDir }),
      }),
      ...(table.length === 0 ? [] : ["", ...table]),
    ];
    stdout.write(lines.map((each) => `${each}\n`).join(""));
    return 0;
  },
};

async function find(
  registry: Registry,
  given: string | undefined,
  context: CommandContext,
): Promise<Session> {
  const byId = given === undefined ? undefined : findSessionById(registry, given);
  if (byId !== undefined) return byId;
  try {
    return await findLatestSession(registry, given, context);
  } catch (error) {
    // A complete session id is not meant as the name of a task.
    if (given === undefined || !/^[0-7][0-9A-Z]{25}$/i.test(given)) throw error;
    throw new UsageError(`Cannot find session "${given}": it is not recorded`, "ralph history");
  }
}

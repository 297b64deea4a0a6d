import { iterationTable } from "../../../ui/report/iteration_table.ts";
import { sessionDetails } from "../../../ui/report/session_details.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { findSession } from "../../sessions/find_session.ts";
import { logDirOf, openSessions, sessionStates } from "../../sessions/open_sessions.ts";
import { jsonLine } from "../../kit/json_line.ts";

/** `ralph show`: shows everything about one session. */
export const command: Command = {
  usage: "[TASK|ID] [options]",
  description:
    "Shows everything about one session: how it went, each iteration, and what went wrong.\n" +
    "Without an argument it is the most recently active session. The first 4 characters of an\n" +
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
    const [ref] = line.operands;
    const session = await findSession(ref, { from: context, registry, command: "ralph show" });
    const iterations = registry.listIterations(session.id);
    if (line.has("json")) {
      stdout.write(jsonLine({ session, iterations }));
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
        logDir,
      }),
      ...(table.length === 0 ? [] : ["", ...table]),
    ];
    stdout.write(lines.map((each) => `${each}\n`).join(""));
    return 0;
  },
};

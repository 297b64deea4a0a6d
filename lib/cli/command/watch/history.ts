import type { Registry } from "../../../session/registry/registry.ts";
import type { Session } from "../../../session/model/session.ts";
import { historyTable, type SessionHistory } from "../../../ui/report/history_table.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { findTaskSessions } from "../../sessions/find_session.ts";
import { openSessions } from "../../sessions/open_sessions.ts";
import { wholeNumberValue } from "../../kit/option_values.ts";
import { jsonLine } from "../../kit/json_line.ts";

/** `ralph history`: lists sessions, newest first. */
export const command: Command = {
  usage: "[TASK|ID] [options]",
  description: "Lists the sessions of a task, or of all tasks, newest first.",
  operands: 1,
  examples: [
    ["ralph history my-feature", "every session of a task"],
    ["ralph history -n 10", "the last 10 of all tasks"],
  ],
  options: [
    { name: "number", short: "n", value: "N", help: "the last N sessions (default: all)" },
    { name: "json", help: "one JSON object" },
  ],
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const { stdout } = context;
    const [task] = line.operands;
    const number = line.value("number");
    const limit = number === undefined
      ? undefined
      : wholeNumberValue(number, "--number", { min: 1 });
    using registry = await openSessions(context);
    const found = task === undefined
      ? registry.findSessions({ limit })
      : await findTaskSessions(task, {
        from: context,
        registry,
        command: "ralph history",
        limit,
      });
    const sessions = found.map((session) => withAgents(registry, session));
    if (line.has("json")) {
      const entries = sessions.map(({ session, agents }) => ({ ...session, agents }));
      stdout.write(jsonLine({ sessions: entries }));
    } else if (sessions.length === 0) {
      stdout.write("No session yet. Start one: ralph run my-feature\n");
    } else {
      const lines = historyTable(sessions, {
        now: Date.now(),
        tasks: task === undefined,
        width: stdout.columns,
      });
      stdout.write(lines.map((each) => `${each}\n`).join(""));
    }
    return 0;
  },
};

function withAgents(registry: Registry, session: Session): SessionHistory {
  const agents = registry.listIterations(session.id).map((iteration) => iteration.agent);
  if (agents.length === 0 && session.agent !== "") agents.push(session.agent);
  return { session, agents: [...new Set(agents)] };
}

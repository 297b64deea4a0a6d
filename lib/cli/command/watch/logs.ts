import type { LoopEvent } from "../../../event/loop_event.ts";
import { eventLine, type NumberedEvent } from "../../../event/numbered_event.ts";
import { readSessionLog } from "../../../session/log/read_session_log.ts";
import type { Registry } from "../../../session/registry/registry.ts";
import type { Session } from "../../../session/model/session.ts";
import { sessionLogDir, sessionPaths } from "../../../session/model/session_paths.ts";
import { formatCount } from "../../../ui/text/numbers.ts";
import { sanitizeText } from "../../../ui/text/sanitize_text.ts";
import { logLines } from "../../../ui/report/log_lines.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { findSession, sessionRef } from "../../sessions/find_session.ts";
import { onInterruption } from "../../terminal/signals.ts";
import { logDirOf, openSessions } from "../../sessions/open_sessions.ts";
import { wholeNumberValue } from "../../kit/option_values.ts";
import { escapeJson } from "../../kit/json_line.ts";
import { PatientOutput } from "../../terminal/patient_output.ts";
import { UsageError } from "../../kit/usage.ts";

/** Existing lines are written in pieces of this size, in characters. */
const PIECE = 65_536;

/** `ralph logs`: prints what the agents of a session said. */
export const command: Command = {
  usage: "[TASK|ID] [options]",
  description:
    "Prints what the agents of a session said and did: of the newest session of a task, or\n" +
    "without a task of the most recently active session.",
  operands: 1,
  examples: [
    ["ralph logs my-feature -f", "and keep printing until the session ends"],
    ["ralph logs my-feature --iteration 3", "one iteration"],
    ["ralph logs --json | jq .type", "every event, one a line"],
  ],
  options: [
    { name: "follow", short: "f", help: "keep printing until the session ends, or Ctrl-C" },
    { name: "iteration", value: "N", help: "only this iteration" },
    { name: "session", value: "ID", help: "this session; 4 characters of its id are enough" },
    { name: "json", help: "every event as it was recorded, one JSON object a line" },
  ],
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const ref = sessionRef(line);
    const given = line.value("iteration");
    const iteration = given === undefined
      ? undefined
      : wholeNumberValue(given, "--iteration", { min: 1 });
    using registry = await openSessions(context);
    const session = await findSession(ref, { from: context, registry, command: "ralph logs" });
    const follow = line.has("follow") && session.status === "running";
    if (!follow) requireLog(registry, { session, iteration, context });
    using interruption = onInterruption();
    const { signal } = interruption;
    const events = follow
      ? await followed(session, { registry, context, signal })
      : readSessionLog(sessionLogDir(session.id, context.env), {
        onDamage: (message) => context.stderr.write(`warning: ${sanitizeText(message)}\n`),
      });
    using output = new PatientOutput(context.stdout, signal);
    const printing = print(events, {
      output,
      json: line.has("json"),
      piece: follow ? 1 : PIECE,
      signal,
      iteration,
    });
    await printing.catch((error) => {
      // Ctrl-C is the normal end of following.
      if (!signal.aborted) throw error;
    });
    return interruption.exitCode;
  },
};

interface Wanted {
  session: Session;
  iteration: number | undefined;
  context: CommandContext;
}

function requireLog(registry: Registry, { session, iteration, context }: Wanted): void {
  if (session.status !== "running" && logDirOf(session.id, context) === undefined) {
    throw new Error(
      `Cannot read the log of session ${session.id} of ${session.task}: there is none`,
    );
  }
  if (iteration !== undefined && iteration > session.iteration) {
    const count = formatCount(registry.listIterations(session.id).length, "iteration");
    throw new UsageError(`Cannot find iteration ${iteration}: the session has ${count}`);
  }
}

async function followed(
  session: Session,
  options: { registry: Registry; context: CommandContext; signal: AbortSignal },
): Promise<AsyncIterable<NumberedEvent>> {
  const { registry, context, signal } = options;
  const { followSession } = await import("../../../worker/follow_session.ts");
  return followSession(session.id, { registry, paths: sessionPaths(context.env), signal });
}

interface PrintOptions {
  output: PatientOutput;
  json: boolean;
  /** How much to write at once, in characters. */
  piece: number;
  iteration?: number | undefined;
  signal: AbortSignal;
}

async function print(events: AsyncIterable<NumberedEvent>, options: PrintOptions): Promise<void> {
  const { output, json, piece, iteration, signal } = options;
  let text = "";
  for await (const numbered of events) {
    if (signal.aborted) return;
    const { event } = numbered;
    if (iteration !== undefined && iterationOf(event) !== iteration) continue;
    text += json
      ? escapeJson(eventLine(numbered))
      : logLines(event).map((each) => `${each}\n`).join("");
    if (text.length >= piece) {
      if (!await output.write(text)) return;
      text = "";
    }
    // The end of an iteration is its last event.
    if (iteration !== undefined && event.type === "iteration_finished") break;
  }
  if (text !== "") await output.write(text);
}

function iterationOf(event: LoopEvent): number | undefined {
  return "iteration" in event ? event.iteration : undefined;
}

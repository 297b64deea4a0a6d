/**
 * The plugin with which the interactive OpenCode reports the state of its turn to ralph. Ralph
 * writes it into a private folder for one run, and names it in the config of that run.
 *
 * It replaces the file in `RALPH_SIGNAL_FILE` whenever the root session starts to work or becomes
 * idle, writes the events of the session beside it, and refuses permissions while nobody has taken
 * over.
 *
 * @module
 */
import { appendFileSync, existsSync, renameSync, writeFileSync } from "node:fs";
import process from "node:process";

interface PluginEvent {
  type: string;
  // deno-lint-ignore no-explicit-any -- each type of event has other properties
  properties: any;
}

interface PluginInput {
  client: { _client: { post(request: object): Promise<unknown> } };
}

interface PluginHooks {
  event?(input: { event: PluginEvent }): Promise<void>;
}

const REFUSAL = "Refused: nobody is here to allow it. Do without it, or say what is missing.";
const ANSWER =
  "Nobody is here to answer. Decide for yourself, and write down what you decided and why.";

const TOLD = new Set([
  "session.created",
  "session.status",
  "session.idle",
  "session.error",
  "message.updated",
  "message.part.updated",
  "permission.asked",
  "question.asked",
]);

/** The plugin; without `RALPH_SIGNAL_FILE` it does nothing. */
export const RalphSignal = ({ client }: PluginInput): Promise<PluginHooks> => {
  const file = process.env.RALPH_SIGNAL_FILE;
  if (!file) return Promise.resolve({});
  const children = new Set<string>();

  const tell = (event: PluginEvent) =>
    appendFileSync(`${file}.events`, `${JSON.stringify(event)}\n`);
  const signal = (state: string, sessionID: string) => {
    if (children.has(sessionID)) return;
    writeFileSync(`${file}.new`, JSON.stringify({ state, sessionID }));
    renameSync(`${file}.new`, file);
  };
  const answer = async (request: { id: string }, url: string, body: object) => {
    const headers = { "content-type": "application/json" };
    await client._client.post({ url, path: { requestID: request.id }, body, headers });
  };

  return Promise.resolve({
    async event({ event }) {
      const { type, properties } = event;
      if (!TOLD.has(type)) return;
      // A text that is still being written is reported when it is complete.
      if (type === "message.part.updated" && isUnfinished(properties.part)) return;
      tell(event);
      if (type === "session.created" && properties.info.parentID) children.add(properties.info.id);
      if (type === "session.status" && properties.status.type !== "idle") {
        signal(properties.status.type, properties.sessionID);
      }
      if (type === "session.idle") signal("idle", properties.sessionID);
      if (existsSync(`${file}.interactive`)) return;
      if (type === "permission.asked") {
        const allowed = existsSync(`${file}.allow`);
        const reply = allowed ? { reply: "once" } : { reply: "reject", message: REFUSAL };
        if (!allowed) tell({ type: "ralph.refused", properties });
        await answer(properties, "/permission/{requestID}/reply", reply);
      }
      if (type === "question.asked") {
        const answers = properties.questions.map(() => [ANSWER]);
        await answer(properties, "/question/{requestID}/reply", { answers });
      }
    },
  });
};

function isUnfinished(part: { type: string; time?: { end?: number } }): boolean {
  return (part.type === "text" || part.type === "reasoning") && part.time !== undefined &&
    part.time.end === undefined;
}

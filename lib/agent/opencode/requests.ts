import type { ProjectClient } from "./server/opencode_client.ts";
import { decidePermission, type PermissionRule } from "./server/permission_rules.ts";
import type { PermissionRequest, QuestionRequest } from "./server/event.ts";
import type { AgentEvent } from "../../event/agent_event.ts";
import { cutText } from "../../base/cut_text.ts";

const REFUSAL = "Refused: nobody is here to allow it. Do without it, or say what is missing.";
const ANSWER =
  "Nobody is here to answer. Decide for yourself, and write down what you decided and why.";

/** Options for answering what a session waits for. */
export interface AnswerOptions {
  /** The project on the server. */
  project: ProjectClient;
  /** The rules; everything else is refused. */
  rules: readonly PermissionRule[];
}

/**
 * Answers a permission request of a session, which would otherwise wait forever.
 *
 * @returns Events that record a refusal; none if it was allowed.
 */
export async function answerPermission(
  request: PermissionRequest,
  { project, rules }: AnswerOptions,
): Promise<AgentEvent[]> {
  const { id, permission, patterns } = request;
  if (decidePermission(rules, request) === "allow") {
    await unlessAnswered(project.replyPermission(id, "once"));
    return [];
  }
  // A refusal with a message does not end the turn.
  const refused = await unlessAnswered(project.replyPermission(id, "reject", REFUSAL));
  if (!refused) return [];
  const detail = cutText(patterns.join(", "));
  return [{ kind: "denial", denial: { tool: permission, detail } }];
}

/**
 * Answers a question of a session: it should decide for itself.
 *
 * @returns Events that record the answer.
 */
export async function answerQuestion(
  request: QuestionRequest,
  { project }: Pick<AnswerOptions, "project">,
): Promise<AgentEvent[]> {
  if (!await unlessAnswered(project.replyQuestion(request, ANSWER))) return [];
  const asked = request.questions.map(({ question }) => question).join(" ");
  return [{ kind: "text", text: cutText(`Asked: ${asked} Answered: decide for yourself.`) }];
}

/** A person in the session may have answered first. */
async function unlessAnswered(reply: Promise<void>): Promise<boolean> {
  return await reply.then(() => true, () => false);
}

import type { ProjectClient } from "./server/opencode_client.ts";
import { decidePermission, type PermissionRule } from "./server/permission_rules.ts";
import type { PermissionRequest, QuestionRequest } from "./server/event.ts";
import type { AgentEvent } from "../../event/agent_event.ts";
import { cutText } from "../../base/cut_text.ts";

const REFUSAL = "Refused: nobody is here to allow it. Do without it, or say what is missing.";
const ANSWER =
  "Nobody is here to answer. Decide for yourself, and write down what you decided and why.";

/** What is needed to answer what a session waits for. */
export interface AnswerOptions {
  /** The project on the server. */
  project: ProjectClient;
  /** The rules; what none of them allows is refused. */
  rules: readonly PermissionRule[];
}

/**
 * Answers a permission that a session asks for: left alone, it would wait for ever.
 *
 * @param request What is asked for.
 * @param options The rules.
 * @returns What was refused, for the record; nothing if it was allowed.
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
  // With words a refusal does not end the turn.
  const refused = await unlessAnswered(project.replyPermission(id, "reject", REFUSAL));
  if (!refused) return [];
  const detail = cutText(patterns.join(", "));
  return [{ kind: "denial", denial: { tool: permission, detail } }];
}

/**
 * Answers a question that a session asks: it is told to decide for itself.
 *
 * @param request The question.
 * @param options The project.
 * @returns What was said, for the record.
 */
export async function answerQuestion(
  request: QuestionRequest,
  { project }: Pick<AnswerOptions, "project">,
): Promise<AgentEvent[]> {
  if (!await unlessAnswered(project.replyQuestion(request, ANSWER))) return [];
  const asked = request.questions.map(({ question }) => question).join(" ");
  return [{ kind: "text", text: cutText(`Asked: ${asked} Told to decide for itself.`) }];
}

/** A person in the session may be faster than we are. */
async function unlessAnswered(reply: Promise<void>): Promise<boolean> {
  return await reply.then(() => true, () => false);
}

import type { MessageWithParts, ServerError } from "./event.ts";

/** The input of {@linkcode judgeSession}. */
export interface SessionFacts {
  /** The messages of the session, the oldest first. */
  messages: readonly MessageWithParts[];
  /** The ids of the messages that we have sent. */
  ours: ReadonlySet<string>;
  /** Whether the server reports that the session is busy or waiting to retry. */
  busy: boolean;
  /** The last error that the session reported in this turn. */
  error?: ServerError | undefined;
}

/** The state of a session; `person` means that somebody else wrote into it. */
export type SessionVerdict =
  /** It is working. */
  | { kind: "working"; person: boolean }
  /** The answer to the last message is complete. */
  | { kind: "finished"; person: boolean }
  /** The answer failed. */
  | { kind: "failed"; person: boolean; error: ServerError }
  /** It was interrupted by somebody. */
  | { kind: "interrupted"; person: boolean }
  /** The answer is not complete and nothing works on it: the server was stopped in between. */
  | { kind: "lost"; person: boolean };

/**
 * Determines the state of a session from its messages and its status. A turn with tools has several
 * answers; a message that is not ours is from a person, and their turn counts like ours.
 *
 * @param facts The messages and the status.
 */
export function judgeSession(facts: SessionFacts): SessionVerdict {
  const { messages, ours, busy, error } = facts;
  const questions = messages.filter(({ info }) => info.role === "user");
  const person = questions.some((message) => !ours.has(message.info.id) && isTyped(message));
  if (busy) return { kind: "working", person };
  const asked = questions.findLast((message) => ours.has(message.info.id) || isTyped(message));
  const answer = messages.findLast(({ info }) => info.role === "assistant");
  const problem = answer?.info.error ?? error;
  if (problem?.name === "MessageAbortedError") return { kind: "interrupted", person };
  if (problem !== undefined) return { kind: "failed", person, error: problem };
  const isAnswer = answer !== undefined && asked !== undefined && answer.info.id > asked.info.id;
  if (isAnswer && answer.info.time.completed !== undefined) return { kind: "finished", person };
  return { kind: "lost", person };
}

/** Whether a person wrote it: OpenCode itself writes messages too, for example when it compacts. */
export function isTyped({ parts }: Pick<MessageWithParts, "parts">): boolean {
  return parts.some((part) => part.type === "text" && part.synthetic !== true) &&
    !parts.some((part) => part.type === "compaction");
}

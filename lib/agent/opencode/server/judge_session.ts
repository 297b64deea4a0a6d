import type { MessageWithParts, ServerError } from "./event.ts";

/** What {@linkcode judgeSession} is told. */
export interface SessionFacts {
  /** The messages of the session, the oldest first. */
  messages: readonly MessageWithParts[];
  /** The ids of the messages that we have sent. */
  ours: ReadonlySet<string>;
  /** Whether the server says that the session is busy or waits to try again. */
  busy: boolean;
  /** The last error that the session reported in this turn. */
  error?: ServerError | undefined;
}

/** Where a session stands; `person` says whether somebody else has written into it. */
export type SessionVerdict =
  /** It works. */
  | { kind: "working"; person: boolean }
  /** The answer to the last message is complete. */
  | { kind: "finished"; person: boolean }
  /** The answer has failed. */
  | { kind: "failed"; person: boolean; error: ServerError }
  /** It was interrupted by somebody. */
  | { kind: "interrupted"; person: boolean }
  /** Nobody works on the answer, and it is not complete: the server was ended in between. */
  | { kind: "lost"; person: boolean };

/**
 * Says where a session stands, from its messages and its status. A turn with tools makes several
 * answers; a message that is not ours is a person's, whose turn counts like ours.
 *
 * @param facts The messages and the status.
 * @returns The verdict.
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

/** Whether somebody wrote it: OpenCode itself writes messages too, such as when it compacts. */
export function isTyped({ parts }: Pick<MessageWithParts, "parts">): boolean {
  return parts.some((part) => part.type === "text" && part.synthetic !== true) &&
    !parts.some((part) => part.type === "compaction");
}

import { isAbsolute } from "node:path";
import type { Session } from "../model/session.ts";

/** As many characters of an id are enough, if no other session's id begins with them. */
export const MIN_ID_LENGTH = 4;

/** Where somebody asks from: what "here" means. */
export interface Here {
  /** The root of the repository; absent outside of one, where nothing is nearer than the rest. */
  root?: string | undefined;
  /** The task folder that the reference leads to from here, whether it still exists or not. */
  taskDir?: string | undefined;
}

/** What {@linkcode decideSession} decides by. */
export interface SessionQuestion {
  /** A task's name or path, a session's id or its beginning, an OpenCode session; none: whichever. */
  ref?: string | undefined;
  /** The sessions, newest first; those that cannot be meant may be left out. */
  sessions: readonly Session[];
  /** The session that has had `ref` as a conversation of its agent, be it in an earlier iteration. */
  conversation?: Session | undefined;
  /** Where the question is asked. */
  here: Here;
  /** Whether only a running session is of use. @default {false} */
  running?: boolean | undefined;
}

/** What a reference comes to. */
export type SessionDecision =
  /** It is here, or was named so that only it can be meant. */
  | { kind: "found"; session: Session }
  /** None is here: the newest one of each task folder elsewhere, the likeliest first. */
  | { kind: "elsewhere"; sessions: [Session, ...Session[]] }
  /** Several are equally likely. */
  | { kind: "several"; by: "id" | "running"; sessions: Session[] }
  /** There is none. */
  | { kind: "none" };

/**
 * Decides which session a reference means: the one rule that all commands share. What is here comes
 * first: the task folder that it leads to, a task of that name in this repository. Then come an id,
 * and a task of that name anywhere else.
 */
export function decideSession(question: SessionQuestion): SessionDecision {
  const { ref, sessions, here } = question;
  if (ref === undefined) return decideUnnamed(question);
  const exact = question.conversation ?? sessions.find(({ id }) => id === ref.toUpperCase());
  if (exact !== undefined) return { kind: "found", session: exact };
  const [local] = ofTaskHere(ref, sessions, here);
  if (local !== undefined) return { kind: "found", session: local };
  const [byId, ...more] = withId(ref, sessions);
  if (byId !== undefined) {
    return more.length === 0
      ? { kind: "found", session: byId }
      : { kind: "several", by: "id", sessions: [byId, ...more] };
  }
  const named = sessions.filter((session) => session.task === ref);
  return elsewhere(named, question);
}

/** Whether a text could be a session's id, or the beginning of one, however short. */
export function looksLikeId(text: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{0,25}$/i.test(text);
}

/** Whether a text is the id of a session of OpenCode. */
export function isOpencodeSession(text: string): boolean {
  return /^ses_[0-9A-Za-z]+$/.test(text);
}

function decideUnnamed(question: SessionQuestion): SessionDecision {
  const { here: { root }, running = false } = question;
  const sessions = question.sessions
    .filter(({ status }) => !running || status === "running")
    .toSorted(byActivity);
  const local = root === undefined ? sessions : sessions.filter((each) => each.root === root);
  const [first, second] = local;
  if (first === undefined) return elsewhere(sessions, question);
  // What is only looked at may be the wrong one; what is acted on may not.
  if (running && second !== undefined) return { kind: "several", by: "running", sessions: local };
  return { kind: "found", session: first };
}

function ofTaskHere(ref: string, sessions: readonly Session[], { root, taskDir }: Here): Session[] {
  const atFolder = sessions.filter((session) => session.taskDir === taskDir);
  if (atFolder.length > 0) return atFolder;
  // Its folder may be gone. Older versions recorded it as it was typed, relative to nobody knows what.
  return sessions.filter((session) =>
    session.task === ref && root !== undefined &&
    (session.root === root || (taskDir !== undefined && !isAbsolute(session.taskDir)))
  );
}

function withId(ref: string, sessions: readonly Session[]): Session[] {
  if (!looksLikeId(ref) || ref.length < MIN_ID_LENGTH) return [];
  return sessions.filter((session) => session.id.startsWith(ref.toUpperCase()));
}

function elsewhere(
  candidates: readonly Session[],
  { here, running = false }: SessionQuestion,
): SessionDecision {
  const active = candidates.filter(({ status }) => status === "running");
  const likely = running && active.length > 0 ? active : candidates;
  const newest = new Map<string, Session>();
  for (const each of likely) if (!newest.has(each.taskDir)) newest.set(each.taskDir, each);
  const [first, ...others] = newest.values();
  if (first === undefined) return { kind: "none" };
  return here.root === undefined && others.length === 0
    ? { kind: "found", session: first }
    : { kind: "elsewhere", sessions: [first, ...others] };
}

/** What runs is active, however long ago it last printed something. */
function byActivity(a: Session, b: Session): number {
  return Number(b.status === "running") - Number(a.status === "running") ||
    b.updatedAt.localeCompare(a.updatedAt);
}

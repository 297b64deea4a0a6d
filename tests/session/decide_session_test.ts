import { assertEquals } from "@std/assert";
import { decideSession, type SessionDecision } from "../../lib/session/find/decide_session.ts";
import type { SessionStatus } from "../../lib/event/vocabulary.ts";
import type { Session } from "../../lib/session/model/session.ts";

const APP = "/home/me/app";
const SITE = "/home/me/site";

/** What the rule looks at; the newest is named first wherever sessions are listed. */
function session(
  id: string,
  place: string,
  status: SessionStatus = "completed",
  updatedAt = "2026-11-20",
): Session {
  const [root = "", task = ""] = place.split(" ");
  const taskDir = root === "" ? `tasks/${task}` : `${root}/tasks/${task}`;
  return { id, root, task, taskDir, status, updatedAt } as Session;
}

const A = "01KA3QAAAA0000000000000001";
const B = "01KA3QBBBB0000000000000002";
const C = "01KA3QBCCC0000000000000003";

/** A decision in a few words. */
function said(decision: SessionDecision): string {
  switch (decision.kind) {
    case "found":
      return decision.session.id;
    case "elsewhere":
      return `elsewhere ${decision.sessions.map(({ id }) => id).join(" ")}`;
    case "several":
      return `several ${decision.by} ${decision.sessions.map(({ id }) => id).join(" ")}`;
    case "none":
      return "none";
  }
}

interface Row {
  what: string;
  sessions: Session[];
  ref?: string;
  root?: string;
  running?: boolean;
  then: string;
}

const ROWS: Row[] = [
  {
    what: "a task here comes before a running one of its name elsewhere",
    sessions: [session(B, `${SITE} job`, "running"), session(A, `${APP} job`)],
    ref: "job",
    root: APP,
    then: A,
  },
  {
    what: "also for a command that needs a running one",
    sessions: [session(B, `${SITE} job`, "running"), session(A, `${APP} job`)],
    ref: "job",
    root: APP,
    running: true,
    then: A,
  },
  {
    what: "the newest of a task",
    sessions: [session(B, `${APP} job`), session(A, `${APP} job`)],
    ref: "job",
    root: APP,
    then: B,
  },
  {
    what: "another repository's is found, and is said to be elsewhere",
    sessions: [session(B, `${SITE} job`)],
    ref: "job",
    root: APP,
    then: `elsewhere ${B}`,
  },
  {
    what: "outside of a repository nothing is elsewhere",
    sessions: [session(B, `${SITE} job`)],
    ref: "job",
    then: B,
  },
  {
    what: "but two folders of one name are not one",
    sessions: [session(B, `${SITE} job`), session(A, `${APP} job`)],
    ref: "job",
    then: `elsewhere ${B} ${A}`,
  },
  {
    what: "where only a running one is of use, one that has ended elsewhere is left out",
    sessions: [session(B, `${SITE} job`), session(A, `${APP} job`, "running")],
    ref: "job",
    running: true,
    then: A,
  },
  {
    what: "an id is asked about nowhere",
    sessions: [session(B, `${SITE} job`), session(A, `${APP} job`)],
    ref: B.toLowerCase(),
    root: APP,
    then: B,
  },
  {
    what: "the beginning of an id",
    sessions: [session(C, `${SITE} x`), session(B, `${SITE} y`), session(A, `${APP} job`)],
    ref: "01ka3qbb",
    root: APP,
    then: B,
  },
  {
    what: "one that several ids have",
    sessions: [session(C, `${SITE} x`), session(B, `${SITE} y`), session(A, `${APP} job`)],
    ref: "01KA3QB",
    then: `several id ${C} ${B}`,
  },
  {
    what: "three letters are no beginning, even of the only session",
    sessions: [session(A, `${APP} job`)],
    ref: "01K",
    then: "none",
  },
  {
    what: "a task here comes before an id that begins like it",
    sessions: [session(B, `${SITE} job`), session(A, `${APP} 01KA3Q`)],
    ref: "01KA3Q",
    root: APP,
    then: A,
  },
  {
    what: "a path of a folder that is recorded relative to nobody knows what",
    sessions: [session(A, " job")],
    ref: "job",
    root: APP,
    then: A,
  },
  { what: "nothing", sessions: [], ref: "job", root: APP, then: "none" },
  {
    what: "without a reference: here, before what runs elsewhere",
    sessions: [session(B, `${SITE} job`, "running"), session(A, `${APP} job`)],
    root: APP,
    then: A,
  },
  {
    what: "without a reference: what runs, however long ago it said anything",
    sessions: [
      session(B, `${APP} new`, "completed", "2026-11-20"),
      session(A, `${APP} job`, "running", "2026-11-19"),
    ],
    root: APP,
    then: A,
  },
  {
    what: "without a reference: what was active last",
    sessions: [
      session(B, `${APP} new`, "completed", "2026-11-18"),
      session(A, `${APP} job`, "stopped", "2026-11-19"),
    ],
    then: A,
  },
  {
    what: "without a reference: the only one that runs here",
    sessions: [session(B, `${SITE} job`, "running"), session(A, `${APP} job`, "running")],
    root: APP,
    running: true,
    then: A,
  },
  {
    what: "without a reference: several that run here",
    sessions: [session(B, `${APP} new`, "running"), session(A, `${APP} job`, "running")],
    root: APP,
    running: true,
    then: `several running ${B} ${A}`,
  },
  {
    what: "without a reference: one that runs elsewhere, and one that has ended here",
    sessions: [session(B, `${SITE} job`, "running"), session(A, `${APP} job`)],
    root: APP,
    running: true,
    then: `elsewhere ${B}`,
  },
  { what: "without a reference: nothing", sessions: [], running: true, then: "none" },
];

for (const { what, ref, root, sessions, running, then } of ROWS) {
  Deno.test(`decideSession() ${what}`, () => {
    const taskDir = ref === undefined || root === undefined ? undefined : `${root}/tasks/${ref}`;
    assertEquals(said(decideSession({ ref, sessions, running, here: { root, taskDir } })), then);
  });
}

Deno.test("decideSession() takes a path to another repository's task without asking", () => {
  const taskDir = `${SITE}/tasks/job`;
  const sessions = [session(B, `${APP} job`), session(A, `${SITE} job`)];
  const here = { root: APP, taskDir };
  assertEquals(said(decideSession({ ref: "../site/tasks/job", sessions, here })), A);
});

Deno.test("decideSession() takes the session that has had a conversation of OpenCode", () => {
  const [conversation, other] = [session(A, `${SITE} job`), session(B, `${APP} ses_1`)];
  const question = { ref: "ses_1", sessions: [other], conversation, here: { root: APP } };
  assertEquals(said(decideSession(question)), A);
});

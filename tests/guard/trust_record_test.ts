import { assertEquals } from "@std/assert";
import {
  accept,
  acceptedContent,
  type ConsentFacts,
  decideConsent,
  type TrustRecord,
} from "../../lib/guard/trust/trust_record.ts";
import { NO_JUDGED_PRD, type TrustedContent } from "../../lib/guard/trust/trusted_content.ts";

const EMPTY: TrustRecord = {
  version: 1,
  repository: "/r/.git",
  identity: "1:2:3",
  tasks: {},
  hashes: [],
  sessions: {},
};

function content(checks: string[], prompt?: string): TrustedContent {
  return {
    prdFile: "tasks/job/prd.json",
    settings: {},
    prd: { ...NO_JUDGED_PRD, checks },
    prompt: prompt === undefined ? null : { file: "ralph/prompt.md", text: prompt },
  };
}

function decide(record: TrustRecord, now: TrustedContent, more: Partial<ConsentFacts> = {}) {
  const facts = { record, now, task: "tasks/job", root: "/r", trustedFolder: false, ...more };
  return decideConsent(facts).kind;
}

const ALLOWED = accept(EMPTY, "tasks/job", content(["npm test"]));
const KILLED = { ...ALLOWED, sessions: { one: { root: "/r" } } };

Deno.test("decideConsent() asks about commands that nobody has allowed, and about nothing else", () => {
  assertEquals(decide(EMPTY, content([])), "accept");
  assertEquals(decide(EMPTY, content([], "How to work")), "accept");
  assertEquals(decide(EMPTY, content(["npm test"])), "ask");
  assertEquals(decide(EMPTY, content(["npm test"]), { trustedFolder: true }), "accept");
  assertEquals(decide(ALLOWED, content(["npm test"])), "same");
});

Deno.test("decideConsent() asks again about a new, a removed and a weakened check", () => {
  assertEquals(decide(ALLOWED, content(["npm test", "npm run lint"])), "ask");
  assertEquals(decide(ALLOWED, content([])), "ask");
  assertEquals(decide(ALLOWED, content(["npm test || true"])), "ask");
  assertEquals(decide(ALLOWED, content(["npm test"], "How to work")), "accept");
});

Deno.test("decideConsent() does not ask twice about the same commands", () => {
  const twice = accept(ALLOWED, "tasks/job", content(["npm run lint"]));
  assertEquals(decide(twice, content(["npm test"])), "accept");
  // Another task with a command that is already allowed in this repository.
  const other = { ...content(["npm test"]), prdFile: "tasks/other/prd.json" };
  assertEquals(decide(ALLOWED, other, { task: "tasks/other" }), "accept");
});

Deno.test("decideConsent() accepts nothing that a session may have changed", () => {
  for (const trustedFolder of [true, false]) {
    const change = (now: TrustedContent) => decide(KILLED, now, { trustedFolder });
    assertEquals(change(content([])), "ask");
    assertEquals(change(content(["npm test"], "Mark everything")), "keep");
    assertEquals(change(content(["npm test"])), "same");
    // A session in another work tree has not written here.
    assertEquals(decide(KILLED, content([], ""), { root: "/w", trustedFolder: true }), "accept");
  }
  const left = { ...ALLOWED, sessions: { one: { root: "/r", tasks: ["tasks/job"] } } };
  assertEquals(decide(left, content([]), { trustedFolder: true }), "ask");
  // What it has left may come to another work tree by git.
  assertEquals(decide(left, content([]), { root: "/w", trustedFolder: true }), "ask");
  assertEquals(decide(accept(left, "tasks/job", content([])), content([])), "same");
  assertEquals(accept(left, "tasks/job", content([])).sessions, {});
});

Deno.test("decideConsent() does not accept a session's ralph.toml for another task", () => {
  const left = { ...ALLOWED, sessions: { one: { root: "/r", tasks: ["ralph.toml"] } } };
  const hooks = [{ on: "*", command: ["./evil.sh"] }];
  const now = { ...content([]), prdFile: "tasks/new/prd.json", settings: { hooks } };
  assertEquals(decide(left, now, { task: "tasks/new", trustedFolder: true }), "ask");
  const fine = { ...now, settings: {} };
  assertEquals(decide(left, fine, { task: "tasks/new", trustedFolder: true }), "accept");
});

Deno.test("acceptedContent() holds nothing of a task that nobody has seen", () => {
  const found = acceptedContent(ALLOWED, { task: "tasks/x", prdFile: "tasks/x/prd.json" });
  assertEquals(found.prd, NO_JUDGED_PRD);
  assertEquals(found.prompt, null);
});

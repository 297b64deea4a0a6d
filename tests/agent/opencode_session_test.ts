import { assert, assertEquals } from "@std/assert";
import { endingOfRetry, endingOfServerError } from "../../lib/agent/opencode/ending.ts";
import { newOpencodeState, opencodeEvents } from "../../lib/agent/opencode/events.ts";
import { SessionPatience } from "../../lib/agent/opencode/session_patience.ts";
import {
  judgeSession,
  type SessionVerdict,
} from "../../lib/agent/opencode/server/judge_session.ts";
import { messageId } from "../../lib/agent/opencode/server/opencode_client.ts";
import {
  decidePermission,
  permissionRules,
} from "../../lib/agent/opencode/server/permission_rules.ts";
import { readEventStream } from "../../lib/agent/opencode/server/follow_events.ts";
import {
  type MessageWithParts,
  readServerEvent,
  type ServerError,
  type ServerMessage,
} from "../../lib/agent/opencode/server/event.ts";

const NOW = Date.parse("2026-11-20T18:00:00Z");

function user(id: string, part: Record<string, unknown> = {}): MessageWithParts {
  return {
    info: { id, sessionID: "ses_1", role: "user", time: { created: 1 } },
    parts: [{ id: `p${id}`, sessionID: "ses_1", messageID: id, type: "text", text: "x", ...part }],
  };
}

function answer(id: string, more: Partial<ServerMessage> = {}): MessageWithParts {
  const time = { created: 1, completed: 2 };
  return { info: { id, sessionID: "ses_1", role: "assistant", time, ...more }, parts: [] };
}

function judge(
  messages: MessageWithParts[],
  more: { busy?: boolean; error?: ServerError } = {},
): SessionVerdict {
  return judgeSession({ messages, ours: new Set(["m1"]), busy: false, ...more });
}

Deno.test("judgeSession() believes the last answer to the last question", () => {
  assertEquals(judge([user("m1")], { busy: true }), { kind: "working", person: false });
  assertEquals(judge([user("m1"), answer("m2")]), { kind: "finished", person: false });
  assertEquals(judge([user("m1"), answer("m2"), user("m3")]), { kind: "lost", person: true });
  assertEquals(judge([user("m1"), answer("m2"), user("m3"), answer("m4")]), {
    kind: "finished",
    person: true,
  });
});

Deno.test("judgeSession() distinguishes a failure, an interruption and a lost server", () => {
  const error = { name: "APIError", data: { message: "no" } };
  assertEquals(judge([user("m1"), answer("m2", { error })]), {
    kind: "failed",
    person: false,
    error,
  });
  assertEquals(judge([user("m1")], { error }), { kind: "failed", person: false, error });
  const aborted = { name: "MessageAbortedError" };
  assertEquals(judge([user("m1"), answer("m2", { error: aborted })]).kind, "interrupted");
  assertEquals(judge([user("m1"), answer("m2", { time: { created: 1 } })]).kind, "lost");
  assertEquals(judge([user("m1")]).kind, "lost");
});

Deno.test("judgeSession() does not mistake OpenCode's own message for a person's", () => {
  const compaction = user("m3", { type: "compaction" });
  const goOn = user("m4", { synthetic: true });
  assertEquals(judge([user("m1"), answer("m2"), compaction, goOn, answer("m5")]), {
    kind: "finished",
    person: false,
  });
});

Deno.test("SessionPatience waits for a person until they are quiet", () => {
  const patience = new SessionPatience({ quietMs: 1_000 });
  patience.prompted(0);
  assertEquals(patience.judge({ kind: "finished", person: false }, 10), "over");
  assertEquals(patience.judge({ kind: "finished", person: true }, 10), "person");
  assertEquals(patience.isDue(500), false);
  assertEquals(patience.isDue(1_010), true);
  patience.resumed(600);
  assertEquals(patience.judge({ kind: "finished", person: true }, 1_010), "person");
  assertEquals(patience.judge({ kind: "finished", person: true }, 2_010), "over");
});

Deno.test("SessionPatience checks twice before it reports a session as lost", () => {
  const lost = { kind: "lost", person: false } as const;
  const patience = new SessionPatience({ quietMs: 0 });
  patience.prompted(0);
  assertEquals(patience.judge(lost, 30_000), "wait");
  assertEquals(patience.judge(lost, 60_000), "over");
  patience.resumed(0);
  assertEquals(patience.judge(lost, 10), "wait");
  assertEquals(patience.judge(lost, 1_510), "over");
});

Deno.test("SessionPatience ends nothing that a person controls", () => {
  const finished = { kind: "finished", person: false } as const;
  const patience = new SessionPatience({ quietMs: 0 });
  patience.setInteractive(true);
  assertEquals(patience.judge(finished, 0), "wait");
  patience.setInteractive(false);
  assertEquals(patience.isDue(0), true);
  assertEquals(patience.judge(finished, 0), "over");
  patience.hold();
  assertEquals(patience.judge(finished, 0), "wait");
});

Deno.test("endingOfServerError() goes by name and status, and by words last", () => {
  const api = (statusCode: number, message = "no", responseHeaders = {}) =>
    endingOfServerError({ name: "APIError", data: { message, statusCode, responseHeaders } }, NOW);
  assertEquals(api(401).kind, "auth");
  assertEquals(api(404).kind, "launch");
  assertEquals(api(503).kind, "overloaded");
  assertEquals(api(429, "slow", { "retry-after": "60" }), {
    kind: "rate_limit",
    message: "slow (status 429)",
    retryAt: NOW + 60_000,
  });
  assertEquals(api(400, "Cannot read image").kind, "error");
  assertEquals(endingOfServerError({ name: "ProviderAuthError" }, NOW), {
    kind: "auth",
    message: "Provider Auth Error",
  });
  const overflow = { name: "ContextOverflowError", data: { message: "usage limit" } };
  assertEquals(endingOfServerError(overflow, NOW).kind, "error");
  const model = { name: "UnknownError", data: { message: "Model not found: a/b.\n  at x" } };
  assertEquals(endingOfServerError(model, NOW), {
    kind: "launch",
    message: "Model not found: a/b.",
  });
});

Deno.test("endingOfRetry() waits for a short while, and not for a limit", () => {
  const retry = (attempt: number, message: string, inMs: number) =>
    endingOfRetry({ type: "retry", attempt, message, next: NOW + inMs }, NOW);
  assertEquals(retry(1, "boom", 2_000), undefined);
  assertEquals(retry(3, "Rate limit reached", 8_000), undefined);
  assertEquals(retry(4, "boom", 16_000), { kind: "overloaded", message: "boom" });
  assertEquals(retry(4, "Rate limit reached", 16_000), {
    kind: "rate_limit",
    message: "Rate limit reached",
  });
  assertEquals(retry(1, "usage limit, resets in 2h", 7_200_000), {
    kind: "rate_limit",
    message: "usage limit, resets in 2h",
    retryAt: NOW + 7_200_000,
  });
});

Deno.test("opencodeEvents() reports everything once, including sub-sessions, but not other sessions", () => {
  const state = newOpencodeState("/app");
  state.sessions.add("ses_1");
  const tell = (type: string, properties: unknown) => {
    const event = readServerEvent({ type, properties });
    assert(event !== undefined);
    return opencodeEvents(event, state);
  };
  tell("session.created", { info: { id: "ses_2", parentID: "ses_1" } });
  tell("session.created", { info: { id: "ses_9", parentID: "ses_8" } });
  const tokens = { input: 10, output: 2, reasoning: 3, cache: { read: 4, write: 5 } };
  const message = { id: "m2", role: "assistant", time: { created: 1 }, tokens, cost: 0.5 };
  const usage = {
    inputTokens: 10,
    outputTokens: 5,
    cacheReadTokens: 4,
    cacheWriteTokens: 5,
    costUsd: 0.5,
  };
  assertEquals(tell("message.updated", { info: { ...message, sessionID: "ses_2" } }), [
    { kind: "usage", usage },
  ]);
  assertEquals(tell("message.updated", { info: { ...message, sessionID: "ses_2" } }), []);
  assertEquals(tell("message.updated", { info: { ...message, sessionID: "ses_9" } }), []);
  const part = { id: "p1", sessionID: "ses_1", messageID: "m2", type: "tool", tool: "edit" };
  const input = { filePath: "/app/a.ts" };
  const running = { ...part, state: { status: "running", input } };
  const ended = { ...part, state: { status: "error", input, error: "no\nmore" } };
  const begun = { kind: "tool", tool: "edit", detail: "a.ts" } as const;
  assertEquals(tell("message.part.updated", { part: running }), [begun]);
  assertEquals(tell("message.part.updated", { part: ended }), [
    { kind: "tool_result", failed: true, detail: "no" },
  ]);
  assertEquals(tell("message.part.updated", { part: ended }), []);
});

Deno.test("decidePermission() refuses everything that no rule allows", () => {
  const rules = permissionRules({
    edit: "allow",
    bash: { "*": "ask", "git *": "allow", "git push*": "deny" },
  });
  const decide = (permission: string, ...patterns: string[]) =>
    decidePermission(rules, { permission, patterns });
  assertEquals(decide("edit", "a.ts"), "allow");
  assertEquals(decide("bash", "git"), "allow");
  assertEquals(decide("bash", "git log\nx"), "allow");
  assertEquals(decide("bash", "git push origin"), "deny");
  assertEquals(decide("bash", "git log", "rm x"), "deny");
  assertEquals(decide("bash", "gitk"), "deny");
  assertEquals(decide("webfetch", "http://x"), "deny");
  assertEquals(
    decidePermission(permissionRules("allow"), { permission: "x", patterns: [] }),
    "allow",
  );
});

Deno.test("messageId() sorts by time and is never the same twice", () => {
  const ids = [1, 2, 3].map((ms) => messageId(NOW + ms));
  assertEquals(ids, ids.toSorted());
  assert(messageId(NOW) !== messageId(NOW));
  assert(/^msg_[0-9a-f]{12}[0-9A-Za-z]{14}$/.test(ids[0] ?? ""));
});

async function read(chunks: string[], maxLength?: number): Promise<object[]> {
  const stream = ReadableStream.from(chunks.map((each) => new TextEncoder().encode(each)));
  return await Array.fromAsync(
    readEventStream(stream, maxLength === undefined ? {} : { maxLength }),
  );
}

Deno.test("readEventStream() reads events however they are cut, with any line ends", async () => {
  const text = 'event: x\r\ndata: {"a":\r\ndata: 1}\r\n\r\n:beat\n\ndata: {"b":"é"}\n\ndata: {"c"';
  const expected = [{ a: 1 }, { b: "é" }];
  assertEquals(await read([text]), expected);
  assertEquals(await read([...text]), expected);
});

Deno.test("readEventStream() skips events that are too long or not objects, and continues", async () => {
  const long = `data: {"a":"${"x".repeat(500)}"}\n\n`;
  assertEquals(await read([long, "data: nonsense\n\ndata: 1\n\n", 'data: {"b":1}\n\n'], 100), [
    { b: 1 },
  ]);
});

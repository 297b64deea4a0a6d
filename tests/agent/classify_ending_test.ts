import { assertEquals } from "@std/assert";
import {
  type AgentReport,
  classifyEnding,
  type EndingFacts,
} from "../../lib/agent/ending/classify_ending.ts";
import { parseResetTime } from "../../lib/agent/ending/parse_reset_time.ts";

const NOW = Date.parse("2026-11-20T18:00:00Z");

function classify(facts: Partial<EndingFacts>, report?: AgentReport) {
  return classifyEnding({
    exitCode: 0,
    signal: null,
    stderrTail: [],
    outputTail: [],
    sawOutput: true,
    durationMs: 60_000,
    denials: [],
    ...facts,
  }, { now: NOW, timeZone: "UTC", ...(report && { report }) });
}

Deno.test("classifyEnding() never reads the prose of a success", () => {
  const words = "Handled 429, rate limit and 401: You've hit your limit · resets 8pm";
  assertEquals(classify({ outputTail: [words], stderrTail: [words] }), { kind: "ok" });
  assertEquals(classify({}, { failed: false, message: words }), { kind: "ok" });
});

Deno.test("classifyEnding() reads a limit and its reset from stderr of a failure", () => {
  const message = "You've hit your limit · resets 8pm";
  assertEquals(classify({ exitCode: 1, stderrTail: ["starting", message] }), {
    kind: "rate_limit",
    message: `Exit code 1: ${message}`,
    retryAt: Date.parse("2026-11-20T20:00:00Z"),
  });
});

Deno.test("classifyEnding() reads a failed report although the exit code is 0", () => {
  const report = { failed: true, message: "Claude usage limit reached|1763668800" };
  assertEquals(classify({}, report), {
    kind: "rate_limit",
    message: report.message,
    retryAt: 1_763_668_800_000,
  });
});

Deno.test("classifyEnding() distinguishes the service's refusals", () => {
  const kinds = [
    "Invalid API key · Please run /login",
    "API Error: 529 Overloaded",
    "HTTP 503",
    "429 Too Many Requests",
    "You exceeded your current quota",
    "TypeError: x is not a function",
  ].map((line) => classify({ exitCode: 1, stderrTail: [line] }).kind);
  assertEquals(kinds, ["auth", "overloaded", "overloaded", "rate_limit", "rate_limit", "error"]);
});

Deno.test("classifyEnding() classifies an immediate exit without a word as a failed launch", () => {
  const facts = { exitCode: 1, signal: null, sawOutput: false, stderrTail: [], outputTail: [] };
  const silent = { ...facts, durationMs: 90, denials: [] };
  const message = "Exit code 1 without a word on stderr";
  assertEquals(classify(silent), { kind: "launch", message });
  assertEquals(classify({ ...silent, durationMs: 2500 }), { kind: "error", message });
  assertEquals(classify({ ...silent, sawOutput: true }).kind, "error");
  assertEquals(classifyEnding(silent, { hasWorked: true }).kind, "error");
  const boom = { ...silent, durationMs: 300, stderrTail: ["usage:", "error: unknown option"] };
  assertEquals(classify(boom), { kind: "error", message: "Exit code 1: error: unknown option" });
});

Deno.test("classifyEnding() says that a finished agent was denied permissions", () => {
  const denials = [{ tool: "Bash", detail: "git commit" }, { tool: "Bash", detail: "git push" }];
  assertEquals(classify({ denials }), {
    kind: "denied",
    message: "Permission refused: Bash git commit and 1 more",
  });
});

Deno.test("classifyEnding() names the signal, and the last lines of stdout if stderr is empty", () => {
  assertEquals(classify({ exitCode: null, signal: "SIGKILL" }), {
    kind: "error",
    message: "Ended by SIGKILL without a word on stderr",
  });
  assertEquals(classify({ exitCode: 2, outputTail: ["it broke"] }), {
    kind: "error",
    message: "Exit code 2: it broke",
  });
});

Deno.test("classifyEnding() tries patterns of the config first, on stdout if they say so", () => {
  const facts: EndingFacts = {
    exitCode: 0,
    signal: null,
    stderrTail: [],
    outputTail: ["NO MORE TOKENS TODAY, try again in 2h 5m"],
    sawOutput: true,
    durationMs: 60_000,
    denials: [],
  };
  const patterns = [{ ending: "rate_limit", regex: /no more tokens/i, source: "output" }] as const;
  assertEquals(classifyEnding(facts, { patterns, now: NOW }), {
    kind: "rate_limit",
    message: "NO MORE TOKENS TODAY, try again in 2h 5m",
    retryAt: NOW + 125 * 60_000,
  });
});

Deno.test("parseResetTime() reads times of day, spans, dates and zones", () => {
  const cases: [string, string | undefined][] = [
    ["resets 8pm", "2026-11-20T20:00:00Z"],
    ["resets at 20:00", "2026-11-20T20:00:00Z"],
    ["resets 3:30am", "2026-11-21T03:30:00Z"],
    ["resets 12am", "2026-11-21T00:00:00Z"],
    ["resets 5:55pm", "2026-11-20T17:55:00Z"],
    ["resets 5:45pm", "2026-11-21T17:45:00Z"],
    ["resets 8pm (Europe/Berlin)", "2026-11-20T19:00:00Z"],
    ["resets 8am (Asia/Tokyo)", "2026-11-20T23:00:00Z"],
    ["resets Nov 22, 8pm", "2026-11-22T20:00:00Z"],
    ["resets Jan 2 at 3am", "2027-01-02T03:00:00Z"],
    ["try again at Nov 21st, 2026 8:05 PM.", "2026-11-21T20:05:00Z"],
    ["resets in 2h 5m", "2026-11-20T20:05:00Z"],
    ["Try again in 3 days 4 hours 5 minutes.", "2026-11-23T22:05:00Z"],
    ["try again in 30 seconds", "2026-11-20T18:00:30Z"],
    ["retry-after: 120", "2026-11-20T18:02:00Z"],
    ["quota resets at 2026-11-20T21:15:00Z", "2026-11-20T21:15:00Z"],
    ["resets 3 counters", undefined],
    ["rate limit exceeded", undefined],
  ];
  for (const [text, expected] of cases) {
    const time = parseResetTime(text, NOW, "UTC");
    assertEquals(
      time === undefined ? undefined : new Date(time).toISOString(),
      expected?.replace("Z", ".000Z"),
      text,
    );
  }
});

Deno.test("parseResetTime() reads a time of day in this machine's time zone", () => {
  const now = new Date(2026, 10, 20, 18, 0).getTime();
  assertEquals(parseResetTime("resets 8pm", now), new Date(2026, 10, 20, 20, 0).getTime());
});

import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import process from "node:process";
import { claudeResult, limitWords, ofType, says, seen, suiteScene } from "./suite_scene.ts";

/** Failing agents and services: points 4 to 6 of the suite, and the log that started it all. */

const { words: LIMIT } = limitWords();
const BOOM = "echo thinking; echo boom >&2; exit 1";

Deno.test("point 4: an agent that fails once is retried", async () => {
  await using it = await suiteScene({
    agents: { agent: [BOOM, "pass US-001; work one"], other: ["exit 9"] },
  });
  const { code, events } = await it.run("--json");
  assertEquals(code, 0);
  assertEquals(await it.calls(), { agent: 2, other: 0 });
  assertEquals(ofType(events, "failed_over"), []);
});

Deno.test("point 4: the same failure again and again is tried three times, then another agent, then no more", async () => {
  await using it = await suiteScene({ agents: { a: [BOOM], b: [BOOM] } });
  const { code, stdout } = await it.run();
  assertEquals(code, 1);
  assertEquals(await it.calls(), { a: 3, b: 3 });
  assertStringIncludes(stdout, "no agent is left");
  const progress = await it.progress();
  assertEquals(progress.match(/ - FAILOVER$/gm)?.length, 1);
  assertEquals(progress.match(/ - FAILURE /gm)?.length, 2, "a streak is one entry");
  assertEquals(it.sessions().length, 1);
});

Deno.test("point 4: the pauses between failures grow", async () => {
  await using it = await suiteScene({
    agents: { agent: [BOOM] },
    settings: { backoff: "0.4s", failover_threshold: 4 },
  });
  const { code, events } = await it.run("--json");
  assertEquals(code, 1);
  assertEquals(await it.calls(), { agent: 4 });
  const waits = ofType(events, "waiting").map(({ until, time }) => until - Date.parse(time));
  assertEquals(waits.length, 3);
  for (const [i, wait] of waits.entries()) {
    const full = 400 * 2 ** i;
    assert(wait > full * 0.5 - 100 && wait <= full, `${waits}`);
  }
});

Deno.test("point 4: an overloaded service gets ever fewer calls, and a few only within a minute", async () => {
  await using it = await suiteScene({
    agents: { agent: ["echo x; echo 'API Error: 529 Overloaded' >&2; exit 1"] },
    settings: { cool_down: "0.4s" },
  });
  const { code, events } = await it.run("--json", "--max-time", "3s");
  assertEquals(code, 3);
  const waits = ofType(events, "waiting").map(({ until, time }) => until - Date.parse(time));
  // Three tries, and one after each cool-down of 0.4 s, 0.8 s, 1.6 s, ...; the last may be cut short.
  const calls = (await it.calls()).agent ?? 0;
  assert(calls >= 3 && calls <= 3 + waits.length, `${calls} calls, ${waits}`);
  assert(waits.length <= 4, `${waits}`);
});

const REFUSALS: Record<
  string,
  { agents: Record<string, string[]>; tables?: Record<string, string> }
> = {
  "on stderr alone": { agents: { limited: [`echo '${LIMIT.replace("'", "'\\''")}' >&2; exit 1`] } },
  "on stdout with exit code 0, where the config says so": {
    agents: { limited: ["echo working; echo 'NO MORE TOKENS, try again in 2h'"] },
    tables: {
      limited:
        'patterns = [{ ending = "rate_limit", regex = "^no more tokens", source = "output" }]',
    },
  },
  "as JSON with exit code 0": {
    agents: {
      claude: [[
        says({
          type: "rate_limit_event",
          rate_limit_info: { status: "rejected", resetsAt: 4_102_444_800 },
        }),
        says({
          type: "assistant",
          error: "rate_limit",
          message: { model: "<synthetic>", content: [{ type: "text", text: LIMIT }] },
        }),
        claudeResult(LIMIT),
      ].join("\n")],
    },
  },
  "as JSON with exit code 1": {
    agents: {
      claude: [
        says({ type: "result", is_error: true, api_error_status: 429, result: LIMIT }) +
        "\nexit 1",
      ],
    },
  },
};
for (const [how, { agents, tables = {} }] of Object.entries(REFUSALS)) {
  Deno.test(`point 5: a limit is recognised ${how}, and the loop fails over at once`, async () => {
    await using it = await suiteScene({
      agents: { ...agents, other: ["pass US-001; work one"] },
      tables,
    });
    const { code, events } = await it.run("--json");
    assertEquals(code, 0);
    const [limited = ""] = Object.keys(agents);
    assertEquals(await it.calls(), { [limited]: 1, other: 1 });
    const [first] = ofType(events, "iteration_finished");
    assertEquals(first?.ending.kind, "rate_limit");
    assert(first?.ending.kind === "rate_limit" && (first.ending.retryAt ?? 0) > Date.now());
    assertEquals(ofType(events, "failed_over").map(({ from, to }) => [from, to]), [
      [limited, "other"],
    ]);
  });
}

Deno.test("point 5: the same words in a file that the agent reads or quotes are not a limit", async () => {
  const words = `${LIMIT}. 429 Too Many Requests, rate limit exceeded, usage limit reached`;
  const turn = [
    says({
      type: "assistant",
      message: {
        id: "1",
        content: [{ type: "tool_use", id: "t", name: "Read", input: { file_path: "errors.md" } }],
      },
    }),
    says({
      type: "user",
      message: {
        content: [{ type: "tool_result", tool_use_id: "t", content: words, is_error: true }],
      },
    }),
    "pass US-001; work one",
    claudeResult(words),
  ].join("\n");
  await using claude = await suiteScene({ agents: { claude: [turn], other: ["exit 9"] } });
  assertEquals((await claude.run()).code, 0);
  assertEquals(await claude.calls(), { claude: 1, other: 0 });

  const quoted = words.replaceAll("'", "'\\''");
  await using command = await suiteScene({
    agents: {
      agent: [`echo '${quoted}'; echo '${quoted}' >&2; pass US-001; work one; echo '${quoted}'`],
      other: ["exit 9"],
    },
  });
  assertEquals((await command.run()).code, 0);
  assertEquals(await command.calls(), { agent: 1, other: 0 });
});

Deno.test("point 5: without another agent the loop visibly waits for the reset, and then continues", async () => {
  await using it = await suiteScene({
    agents: {
      agent: [
        "echo x; echo 'rate limit, try again in 2 seconds' >&2; exit 1",
        "pass US-001; work 1",
      ],
    },
  });
  const { code, stdout, ms } = await it.run();
  assertEquals(code, 0);
  assertMatch(stdout, /waiting for agent until=\S+Z ".*rate limit, try again in 2 seconds"/);
  assert(ms > 2_000, `${ms} ms`);
  assertEquals(await it.calls(), { agent: 2 });
  assertEquals(
    (await it.progress()).includes("FAILOVER"),
    false,
    "there is nobody to fail over to",
  );
});

const LONG = "echo x; echo 'rate limit, try again in 3 hours' >&2; exit 1";

for (const [signal, expected] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`point 6: ${signal} during the wait for a limit ends it at once`, async () => {
    await using it = await suiteScene({ agents: { agent: [LONG] } });
    const call = it.start("run", "job", "-a", "agent", "--foreground", "--json");
    await seen(call, '"type":"waiting"');
    const at = performance.now();
    process.kill(call.child.pid ?? 0, signal);
    const { code, stdout } = await call.result;
    assertLess(performance.now() - at, 1_000);
    assertEquals(code, expected);
    assertStringIncludes(stdout, '"type":"waited"');
    assertStringIncludes(stdout, '"cancelled":true');
    assertEquals(await it.calls(), { agent: 1 });
    assertEquals(it.sessions()[0]?.status, "stopped");
  });
}

Deno.test("point 6: ralph stop and ralph checkpoint end the wait of a worker at once", async () => {
  for (const [command, status] of [["stop", "stopped"], ["checkpoint", "checkpointed"]] as const) {
    await using it = await suiteScene({ agents: { agent: [LONG] } });
    const call = it.start("run", "job", "-a", "agent");
    await seen(call, "waiting for agent");
    const at = performance.now();
    assertEquals((await it.start(command, "job").result).code, 0);
    assertLess(performance.now() - at, 2_000);
    assertEquals((await call.result).code, 130);
    assertEquals(await it.calls(), { agent: 1 });
    assertEquals(it.sessions()[0]?.status, status);
  }
});

Deno.test("the seed's log: agents that die at once fail over once, with the cause", async () => {
  // As in the log: only "Exit code 1". An agent that says a word is one that has started.
  const unknown = "echo \"error: unknown option '--output-format'\" >&2; exit 1";
  for (const [last, calls] of [["exit 1", 1], [unknown, 3]] as const) {
    await using it = await suiteScene({
      stories: Array.from({ length: 7 }, (_, i) => ({ id: `US-00${i + 1}` })),
      agents: { claude: ["exit 1"], other: [last] },
      settings: { backoff: "1s" },
    });
    const { code, stdout } = await it.run();
    assertEquals(code, 1);
    assertEquals(await it.calls(), { claude: 1, other: calls });
    const progress = await it.progress();
    assertEquals(progress.match(/ - FAILOVER$/gm)?.length, 1);
    assertMatch(
      progress,
      /FAILURE \(Iteration 1\)\n- \*\*Agent:\*\* claude[^]*FAILOVER\n- \*\*From agent:\*\* claude\n- \*\*To agent:\*\* other[^]*FAILURE \(Iteration \d\)\n- \*\*Agent:\*\* other/,
    );
    assertStringIncludes(progress, "- **Error:** Exit code 1 without a word on stderr");
    const end = stdout.slice(stdout.indexOf("Failed job"));
    assertStringIncludes(end, "claude: Exit code 1 without a word on stderr");
    assertStringIncludes(end, last === "exit 1" ? "other: Exit code 1" : "unknown option");
    assertStringIncludes(end, "exit code 1");
  }
});

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { claudeResult, ofType, says, seen, suiteScene } from "./suite_scene.ts";

/** What counts as done, and what must not change: points 1 to 3, 13 to 15 and 17 of the suite. */

const TAG = "<promise>COMPLETE</promise>";

Deno.test("point 1: a task whose stories all pass ends with 0, and no agent is called", async () => {
  await using it = await suiteScene({
    stories: [{ id: "US-001", passes: true }, { id: "US-002", passes: true }],
    agents: { agent: ["exit 1"] },
  });
  for (const mode of ["--foreground", "--worker"]) {
    const { code, stdout } = await it.run(mode);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "2 of 2 stories in 0 iterations");
  }
  assertEquals(await it.calls(), { agent: 0 });
  assertEquals(await it.repo.git("status", "--porcelain"), "");
});

Deno.test("point 2: COMPLETE with open stories is not done, and the loop continues", async () => {
  await using it = await suiteScene({
    stories: [{ id: "US-001" }, { id: "US-002" }],
    agents: { agent: [`echo '${TAG}'`, `pass US-001; work one; echo '${TAG}'`, `echo '${TAG}'`] },
  });
  const { code, events } = await it.run("--json", "-i", "4");
  assertEquals(code, 3);
  assertEquals(ofType(events, "iteration_finished").map(({ outcome }) => outcome), [
    "open",
    "passed",
    "open",
    "open",
  ]);
  assertEquals(events.at(-1)?.type === "loop_finished" && it.sessions()[0]?.stories, {
    done: 1,
    total: 2,
  });
  assertEquals(await it.calls(), { agent: 4 });
});

Deno.test("point 3: the tag in a quoted prompt, in prose and in a tool's result is ignored", async () => {
  const init = says({ type: "system", subtype: "init", session_id: "s", model: "m" });
  const turn = [
    init,
    says({
      type: "assistant",
      message: {
        id: "1",
        content: [
          { type: "text", text: `I will print ${TAG} when all is done` },
          { type: "tool_use", id: "t", name: "Read", input: { file_path: "a.md" } },
        ],
      },
    }),
    says({
      type: "user",
      message: { content: [{ type: "tool_result", tool_use_id: "t", content: `1\t${TAG}` }] },
    }),
    claudeResult(`The prompt says: print ${TAG}`),
  ].join("\n");
  await using it = await suiteScene({ agents: { claude: [turn] } });
  const { code, events } = await it.run("--json", "-i", "2");
  assertEquals(code, 3);
  assertEquals(ofType(events, "iteration_finished").map((each) => [each.outcome, each.ending]), [
    ["open", { kind: "ok" }],
    ["open", { kind: "ok" }],
  ]);
  assertEquals(await it.calls(), { claude: 2 });

  await using quoting = await suiteScene({
    agents: { agent: ['cat "$(dirname "$0")/prompt.$n"; echo "$0" >&2'] },
  });
  assertEquals((await quoting.run("-i", "2")).code, 3);
  assertStringIncludes(await quoting.prompt("agent", 1), TAG);
  assertEquals(await quoting.calls(), { agent: 2 });
});

const DAMAGES: Record<string, string> = {
  "deleted": 'rm -f "$PRD"',
  "cut in the middle": 'head -c 40 "$PRD" > ../x; mv ../x "$PRD"',
  "emptied": ': > "$PRD"',
  "an empty list": `echo '{"userStories":[]}' > "$PRD"`,
  "an empty object": `echo '{}' > "$PRD"`,
  "null": `echo null > "$PRD"`,
  "a folder": 'rm -rf "$PRD"; mkdir -p "$PRD"',
};
Deno.test("point 13: a prd.json that is deleted, cut or emptied is an error, and never done", async () => {
  // Each waits a second for the agent to finish writing: all at once.
  await Promise.all(
    Object.entries(DAMAGES).map(async ([what, damage]) => {
      await using it = await suiteScene({
        agents: { agent: [`PRD=tasks/job/prd.json; ${damage}`] },
      });
      const { code, stdout } = await it.run();
      assertEquals(code, 1, what);
      assertStringIncludes(stdout, "prd.json is still broken");
      assertEquals(stdout.includes("Completed"), false, what);
      assertEquals(await it.calls(), { agent: 4 }, what);
      assertStringIncludes(await it.prompt("agent", 2), "Repair prd.json before anything else");
      assertEquals(it.sessions()[0]?.status, "failed");
    }),
  );
});

Deno.test("point 13: stories that an agent removes do not count as done", async () => {
  await using it = await suiteScene({
    stories: [{ id: "US-001" }, { id: "US-002" }],
    agents: { agent: [`echo '{"userStories":[{"id":"US-001","passes":true}]}' > "$PRD"; work x`] },
  });
  const { code, stdout } = await it.run();
  assertEquals(code, 1);
  assertStringIncludes(stdout, "open stories have vanished from prd.json: US-002");
  assertEquals(await it.calls(), { agent: 1 });
});

Deno.test("point 14: unknown keys, their order and every byte but one field of prd.json survive", async () => {
  await using it = await suiteScene({
    agents: { agent: ["pass US-001; work one"] },
    settings: { checks: ["test -f fixed"] },
  });
  const odd = [
    '{ "_schema":"x" , "metadata" : {"a":[1,2,  3], "b": "\\u003c\\u00e9"},',
    '\t"userStories": [',
    '\t\t{"custom": {"deep": null}, "id": "US-001", "title": "Grüße ✔", "passes": false, "retryCount":7,',
    '\t\t "labels":["x"], "priority": 1.10},',
    '\t\t{"id": "US-002", "title":"b", "passes": false, "dependsOn": ["US-001"], "files": {"a": 1}}',
    '\t], "version": 1e3, "techStack": {} }',
  ].join("\r\n");
  await writeFile(it.repo.task.prdFile, odd);
  await it.repo.git("commit", "--quiet", "-am", "odd");
  const { code, events } = await it.run("--json", "-i", "2");
  assertEquals(code, 3);
  // Twice marked by the agent, and twice reopened by ralph.
  assertEquals(ofType(events, "story_set_back").length, 2);
  assertEquals(await readFile(it.repo.task.prdFile, "utf8"), odd);
});

const EXITS: [string, number, Parameters<typeof suiteScene>[0], string[]][] = [
  ["every story passes", 0, { agents: { a: ["pass US-001; work one"] } }, []],
  ["no agent is left", 1, { agents: { a: ["exit 1"] } }, []],
  ["nothing changes", 1, { agents: { a: ["echo hm"] }, settings: { stagnation: 2 } }, []],
  [
    "a check fails at the end",
    1,
    { stories: [{ id: "US-001", passes: true }], agents: { a: [""] } },
    ["--check", "false"],
  ],
  ["an option is unknown", 2, { agents: { a: [""] } }, ["--no-such-option"]],
  ["the iteration limit is reached", 3, { agents: { a: ["work one"] } }, ["-i", "1"]],
  ["the time limit is reached", 3, { agents: { a: ["sleep 60"] } }, ["--max-time", "0.3s"]],
  [
    "what is left waits for something",
    4,
    { stories: [{ id: "US-001", dependsOn: ["US-009"] }], agents: { a: [""] } },
    [],
  ],
  [
    "the agent is not installed",
    5,
    { agents: { a: [""] }, tables: { a: 'env = { PATH = "/nowhere" }' } },
    ["-a", "codex"],
  ],
  ["the loop kills itself", 143, { agents: { a: ["kill -TERM $PPID; sleep 60"] } }, []],
];
for (const [what, expected, scene, args] of EXITS) {
  Deno.test(`point 15: the exit code is ${expected} when ${what}`, async () => {
    await using it = await suiteScene(scene);
    for (const mode of ["--foreground", "--worker"]) {
      const { code, stdout, stderr } = await it.run(mode, ...args);
      assertEquals(code, expected, stdout + stderr);
    }
  });
}

Deno.test("point 15: a killed worker is reported as a failure by the run that follows it", async () => {
  await using it = await suiteScene({ agents: { a: ["kill -KILL $PPID; sleep 60"] } });
  const { code, stdout, stderr } = await it.run("--worker");
  assertEquals(code, 1, stdout + stderr);
  assertStringIncludes(stdout + stderr, "worker died");
});

Deno.test("point 17: an iteration that runs out of time keeps its work, and has it recorded", async () => {
  await using it = await suiteScene({
    agents: { agent: ["work one; echo half > half.txt; sleep 60", "pass US-001; work two"] },
    settings: { iteration_timeout: "1s" },
  });
  const { code, events } = await it.run("--json");
  assertEquals(code, 0);
  const [first, second] = ofType(events, "iteration_finished");
  assertEquals([first?.ending.kind, first?.commits, first?.changed], ["timeout", 1, true]);
  assertEquals([second?.outcome, second?.commits], ["passed", 1]);
  assertStringIncludes(await it.prompt("agent", 2), "what it changed is kept");
  assertEquals(await readFile(join(it.repo.root, "half.txt"), "utf8"), "half\n");
  assertMatch(await it.progress(), /FAILURE \(Iteration 1\)[^]*No end after 1 s/);
  assertEquals(await it.calls(), { agent: 2 });
});

Deno.test("point 17: a loop that runs out of time keeps its work, and has it recorded", async () => {
  await using it = await suiteScene({
    agents: { agent: ["work one; echo half > half.txt; echo up; sleep 60"] },
  });
  const { code, stdout } = await it.run("--max-time", "1s");
  assertEquals(code, 3);
  assertStringIncludes(stdout, "1 commit, 1 file changed");
  assertEquals(await readFile(join(it.repo.root, "half.txt"), "utf8"), "half\n");
  const shown = await it.start("show", "job", "--json").result;
  const { iterations } = JSON.parse(shown.stdout) as { iterations: { commits: number }[] };
  assertEquals(iterations.map(({ commits }) => commits), [1]);
});

Deno.test("point 17: a stop in the middle keeps a story that was finished just before", async () => {
  await using it = await suiteScene({
    stories: [{ id: "US-001" }, { id: "US-002" }],
    agents: { agent: ["pass US-001; work one; echo up; sleep 60"] },
  });
  const call = it.start("run", "job", "-a", "agent", "--foreground", "--json");
  await seen(call, '"line":"up"');
  process.kill(call.child.pid ?? 0, "SIGINT");
  assertEquals((await call.result).code, 130);
  const [session] = it.sessions();
  assert(session !== undefined);
  assertEquals([session.status, session.stories], ["stopped", { done: 1, total: 2 }]);
});

Deno.test("a check is ended with the time of the loop, and its story does not count", async () => {
  await using it = await suiteScene({ agents: { agent: ["pass US-001; work one"] } });
  const { code, stdout, ms } = await it.run("--check", "sleep 65", "--max-time", "3s");
  assertEquals(code, 3, stdout);
  assert(ms < 30_000);
  const reason = 'check \\"sleep 65\\" was ended: time limit (3 s) reached';
  assertStringIncludes(stdout, `iteration 1 US-001 reopened "${reason}"`);
  assertStringIncludes(stdout, "Stopped job: time limit (3 s) reached");
  assertEquals(it.sessions()[0]?.stories, { done: 0, total: 1 });
});

Deno.test("a run says in its first line and its summary that it has no checks", async () => {
  const words = "no checks: the agents' own marks only";
  await using it = await suiteScene({ agents: { agent: ["pass US-001; work one"] } });
  const { stdout } = await it.run();
  assertStringIncludes(stdout.split("\n").find((line) => line.includes(" started ")) ?? "", words);
  assertStringIncludes(stdout, `  checks   ${words}`);
  await using checked = await suiteScene({ agents: { agent: ["pass US-001; work one"] } });
  assert(!(await checked.run("--check", "true")).stdout.includes("no checks"));
});

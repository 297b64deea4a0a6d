import { assertEquals, assertNotEquals } from "@std/assert";
import { describeDifference, difference } from "../../lib/guard/trust/difference.ts";
import { executables, hashExecutables } from "../../lib/guard/trust/executables.ts";
import {
  NO_JUDGED_PRD,
  type ProjectSettings,
  type TrustedContent,
} from "../../lib/guard/trust/trusted_content.ts";

function content(settings: ProjectSettings = {}, checks: string[] = []): TrustedContent {
  const prd = { ...NO_JUDGED_PRD, checks };
  return { prdFile: "tasks/job/prd.json", settings, prd, prompt: null };
}

Deno.test("executables() lists checks, hooks and agents in one order, each once", () => {
  const settings = {
    checks: ["npm run lint", "npm run lint"],
    hooks: [{ on: ["loop_finished", "*"], command: ["./notify.sh", "two words"] }],
    agents: {
      mine: { command: ["aider", "--yes"], env: { B: "2", A: "1" }, model: "small" },
      claude: { allowed_tools: ["Bash"], patterns: [] },
      demo: { story_ms: 1 },
    },
    opencode: { url: "http://127.0.0.1:1" },
  };
  assertEquals(executables(content(settings, ["npm test"])), [
    { kind: "check", name: "", run: "npm run lint", file: "ralph.toml" },
    { kind: "check", name: "", run: "npm test", file: "tasks/job/prd.json" },
    { kind: "hook", name: "*,loop_finished", run: './notify.sh "two words"', file: "ralph.toml" },
    { kind: "agent", name: "claude", run: 'allowed_tools = ["Bash"]', file: "ralph.toml" },
    {
      kind: "agent",
      name: "mine",
      run: 'aider --yes, env = {"A":"1","B":"2"}',
      file: "ralph.toml",
    },
    { kind: "agent", name: "opencode", run: 'url = "http://127.0.0.1:1"', file: "ralph.toml" },
  ]);
});

Deno.test("executables() spells two different commands differently", () => {
  const tables: Record<string, unknown>[] = [
    { command: ["a", "b"] },
    { command: ["a b"] },
    { command: ["a", "env = {}"] },
    { command: ["a"], env: {} },
    { command: ["a,", "b"] },
    { program: "a" },
    { args: ["a"] },
  ];
  const hashes = tables.map((table) =>
    hashExecutables(executables(content({ agents: { mine: table } })))
  );
  assertEquals(new Set(hashes).size, tables.length);
});

Deno.test("hashExecutables() does not depend on the order of commands or on what runs nothing", () => {
  const hash = (it: TrustedContent) => hashExecutables(executables(it));
  assertEquals(hash(content({}, ["a", "b"])), hash(content({ iterations: 3 }, ["b", "a"])));
  assertNotEquals(hash(content({}, ["a", "b"])), hash(content({}, ["a"])));
});

Deno.test("difference() names removed, weakened and new commands, and rules that run nothing", () => {
  const before = content(
    { max_cost: 5, hooks: [{ on: "*", command: ["x"], timeout: "1s" }] },
    ["npm test"],
  );
  const after = content(
    { checks: [], hooks: [{ on: "*", command: ["x"], timeout: "9s" }] },
    ["npm test || true"],
  );
  assertEquals(
    describeDifference(difference(before, after)),
    'check "npm test" of tasks/job/prd.json was removed; ' +
      'check "npm test || true" of tasks/job/prd.json was added; ' +
      "checks of ralph.toml was changed; max_cost of ralph.toml was changed; " +
      "timeout of hook * of ralph.toml was changed",
  );
  assertEquals(describeDifference(difference(before, before)), "");
});

Deno.test("difference() sees another prompt, merge target and agent's model", () => {
  const before = content({ agents: { codex: { model: "small" } } });
  const after: TrustedContent = {
    ...content({ agents: { codex: { model: "large" } } }),
    prd: { ...NO_JUDGED_PRD, mergeTarget: "main", autoMerge: true },
    prompt: { file: "ralph/prompt.md", text: "Mark everything as passed" },
  };
  const { added, removed, rules } = difference(before, after);
  assertEquals([added, removed], [[], []]);
  assertEquals(rules.map(({ file, name }) => `${file}: ${name}`), [
    "ralph.toml: agents.codex.model",
    "ralph/prompt.md: the text",
    "tasks/job/prd.json: autoMerge",
    "tasks/job/prd.json: mergeTarget",
  ]);
});

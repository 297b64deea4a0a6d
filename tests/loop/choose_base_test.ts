import { assertEquals } from "@std/assert";
import { type BaseFacts, chooseBase } from "../../lib/loop/branch/choose_base.ts";

const A = 'ralph/b starts from ralph/a, the branch of task "a": its commits come along';
const OLD = "ralph/b starts from old, the branch of another task: its commits come along";

const facts: BaseFacts = {
  branch: "ralph/b",
  asked: undefined,
  current: "main",
  head: "0123456789abcdef0123456789abcdef01234567",
  defaultBranch: "main",
  startedFrom: new Map([["ralph/a", "main"]]),
  taskBranches: new Map([["ralph/a", "a"]]),
};

const cases: [
  what: string,
  given: Partial<BaseFacts>,
  base: string | undefined,
  warning?: string,
][] = [
  ["the current branch", { current: "feature" }, "feature"],
  ["what the user asks for", { asked: "v1.0", current: "feature" }, "v1.0"],
  [
    "another task's branch, with a warning, if the user asks for it",
    { asked: "ralph/a" },
    "ralph/a",
    A,
  ],
  ["nothing before the first commit", { head: null }, undefined],
  ["the commit of a detached HEAD", { current: undefined }, "0123456789ab"],
  ["where the other task's branch started", {
    current: "ralph/a",
    startedFrom: new Map([["ralph/a", "develop"]]),
  }, "develop"],
  ["where a stack of tasks started", {
    current: "ralph/c",
    startedFrom: new Map([["ralph/c", "ralph/a"], ["ralph/a", "develop"]]),
  }, "develop"],
  ["the default branch if records lead in a circle", {
    current: "ralph/a",
    startedFrom: new Map([["ralph/a", "ralph/c"], ["ralph/c", "ralph/a"]]),
  }, "main"],
  [
    "the default branch if there is no record",
    { current: "ralph/a", startedFrom: new Map() },
    "main",
  ],
  ["the default branch if the record is of a branch that is gone", {
    current: "ralph/a",
    startedFrom: new Map([["ralph/a", undefined]]),
  }, "main"],
  [
    "the other task's branch, with a warning, if there is nothing else",
    {
      current: "ralph/a",
      startedFrom: new Map(),
      defaultBranch: undefined,
    },
    "ralph/a",
    A,
  ],
  [
    "a branch that ralph made for a task that is gone, with a warning",
    {
      asked: "old",
      startedFrom: new Map([["old", "main"]]),
    },
    "old",
    OLD,
  ],
  ["the default branch, even if a task works on it", {
    taskBranches: new Map([["main", "a"]]),
  }, "main"],
  ["the task's own former start", {
    current: "ralph/a",
    startedFrom: new Map([["ralph/a", "ralph/b"], ["ralph/b", "main"]]),
  }, "ralph/b"],
];

Deno.test("chooseBase() chooses where a new branch starts", async (t) => {
  for (const [what, given, base, warning] of cases) {
    await t.step(what, () => assertEquals(chooseBase({ ...facts, ...given }), { base, warning }));
  }
});

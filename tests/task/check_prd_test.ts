import { assert, assertEquals, assertMatch } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { checkPrd } from "../../lib/task/prd/check_prd.ts";
import { findBranchProblem } from "../../lib/git/branch_name.ts";
import { findCircle } from "../../lib/task/prd/find_circle.ts";
import { sharedPrds } from "../kit/shared_prds.ts";

/** The findings in short: level, path, line and message. */
function check(value: unknown): string[] {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 1);
  return checkPrd(text, { file: "p" }).map(({ level, path, line, message }) =>
    `${level} ${path}:${line}: ${message}`
  );
}

const steps = ["s"];

Deno.test("checkPrd() finds nothing in a good file", () => {
  assertEquals(
    check([
      { id: "A", steps, priority: 1 },
      { id: "B", steps, priority: 1, dependsOn: ["A"] },
    ]),
    [],
  );
});

Deno.test("checkPrd() reports what is not JSON, and every value of the wrong kind", () => {
  assertEquals(check("[1 2]"), [
    'error :1: p is not valid JSON at line 1, column 4: expected "," or "]"',
  ]);
  assertEquals(check([{ id: [] }, { passes: "yes" }]), [
    "error [0].id:3: p: [0].id is a list, expected a string or a number",
    'error [1].passes:6: p: [1].passes is "yes", expected true or false',
  ]);
});

Deno.test("checkPrd() reports ids that are taken or unknown", () => {
  assertEquals(
    check([
      { id: "A", steps, dependsOn: ["X"], blocks: ["Y"] },
      { id: "A", steps },
      { id: "C", steps, passes: true, blockedBy: ["X"] },
    ]),
    [
      'error [0].dependsOn:7: Story "A" needs "X", and there is no such story',
      'warning [0].blocks:10: Story "A" says that it blocks "Y", and there is no such story',
      'error [1].id:15: Story id "A" is already used by [0]',
      'warning [2].blockedBy:26: Story "C" needs "X", and there is no such story',
    ],
  );
});

Deno.test("checkPrd() prints a circle, but not one that a passing story breaks", () => {
  const circle = (passes: boolean) =>
    check(JSON.stringify([
      { id: "A", steps, dependsOn: ["B"] },
      { id: "B", steps, dependsOn: ["A"], passes },
    ]));
  const message = 'Stories wait for each other in a circle: "A" needs "B" needs "A"';
  assertEquals(circle(false), [`error [0]:1: ${message}`]);
  assertEquals(circle(true), [`warning [0]:1: ${message}`]);
});

Deno.test("checkPrd() reports pending decisions", () => {
  const gate = (more: object) =>
    check(JSON.stringify([{ id: "A", steps, type: "decision-gate", ...more }]));
  assertEquals(gate({ decisionConfig: { status: "pending", inputFile: "d.md" } }), [
    'warning [0].decisionConfig:1: Story "A" waits for a decision in d.md',
  ]);
  assertEquals(gate({}), ['warning [0].decisionConfig:1: Story "A" waits for a decision']);
  assertEquals(gate({ decisionConfig: { status: "applied" } }), []);
  assertEquals(gate({ passes: true }), []);
});

Deno.test("checkPrd() reports stories that contradict themselves, or say too little", () => {
  const open = { description: "d", passes: false };
  assertEquals(
    check(JSON.stringify([
      { id: "A" },
      { id: "B", passes: true, acceptanceCriteria: [open, { ...open, passes: true }] },
      { id: "C", passes: true, acceptanceCriteria: ["d"] },
      { id: "D", steps, passes: false, status: "done" },
      { id: "E", steps, priority: "soon" },
    ])),
    [
      'warning [0]:1: Story "A" has no criteria',
      'warning [1].passes:1: Story "B" passes, and 1 of its 2 criteria does not',
      'warning [3].status:1: Story "D" has the status "done" and passes false, and passes is what counts',
      'warning [4].priority:1: Story "E" has the priority "soon", which is not known: it runs last',
    ],
  );
});

Deno.test("checkPrd() reports unsafe branch names", () => {
  assertEquals(check('{"branchName":"--force","mergeTarget":"a..b","stories":[{"steps":["s"]}]}'), [
    'error branchName:1: branchName is "--force", which is not a safe branch name: it starts with "-"',
    'error mergeTarget:1: mergeTarget is "a..b", which is not a safe branch name: it holds ".."',
  ]);
});

Deno.test("checkPrd() reports a duplicate key, and a file without stories", () => {
  assertEquals(check('[{"steps":["s"],\n"passes":true,\n"passes":false}]'), [
    "error [0].passes:3: [0].passes appears more than once in its object",
  ]);
  assertEquals(check("[]"), ["warning :1: There are no stories"]);
});

Deno.test({
  name: "checkPrd() finds no error in real files of others (if they are available)",
  ignore: !sharedPrds,
  fn: () => {
    assert(sharedPrds);
    for (const name of readdirSync(sharedPrds)) {
      const findings = checkPrd(readFileSync(new URL(name, sharedPrds), "utf8"));
      assertEquals(findings.filter(({ level }) => level === "error"), [], name);
    }
  },
});

Deno.test("findCircle() finds circles of every length, without the path that leads into them", () => {
  const find = (needs: Record<string, string>) =>
    findCircle(
      Object.entries(needs).map(([id, list]) => ({
        id,
        dependsOn: list.split("").filter(Boolean),
      })),
    );
  assertEquals(find({ a: "", b: "a", c: "ab", d: "abc" }), undefined);
  assertEquals(find({ a: "x", b: "a" }), undefined);
  assertEquals(find({ a: "a" }), ["a"]);
  assertEquals(find({ a: "b", b: "cd", c: "", d: "b" }), ["b", "d"]);
  assertEquals(find({ a: "", b: "c", c: "d", d: "ab" }), ["b", "c", "d"]);
});

Deno.test("findCircle() follows a chain of a hundred thousand stories", () => {
  const stories = Array.from({ length: 100_000 }, (_, i) => ({
    id: `${i}`,
    dependsOn: [`${i + 1}`],
  }));
  assertEquals(findCircle(stories), undefined);
  assertEquals(findCircle([...stories, { id: "100000", dependsOn: ["0"] }])?.length, 100_001);
});

Deno.test("findBranchProblem() follows the rules of git", () => {
  for (const name of ["main", "ralph/my-feature", "v1.2", "a@b", "é"]) {
    assertEquals(findBranchProblem(name), undefined, name);
  }
  const bad = ["", "-f", "a b", "a..b", "a\n", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "@"];
  for (const name of [...bad, "HEAD", "/a", "a/", "a//b", "a.", ".a", "a/.b", "a.lock", "a@{1}"]) {
    assertMatch(findBranchProblem(name) ?? "", /^\w+ /, JSON.stringify(name));
  }
});

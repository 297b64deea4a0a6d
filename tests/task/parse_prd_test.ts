import { assert, assertEquals, assertThrows } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { formatJsonPath } from "../../lib/task/prd/locate_json.ts";
import { inspectPrd, parsePrd } from "../../lib/task/prd/parse_prd.ts";
import { PrdError } from "../../lib/task/prd/prd.ts";
import { sharedPrds } from "../kit/shared_prds.ts";

function stories(text: string) {
  return parsePrd(text).stories;
}

function story(json: string) {
  const [first] = stories(`[${json}]`);
  assert(first);
  return first;
}

function errorOf(text: string): PrdError {
  return assertThrows(() => parsePrd(text, { file: "tasks/x/prd.json" }), PrdError);
}

Deno.test("parsePrd() reads the newest form", () => {
  const prd = parsePrd(JSON.stringify({
    schemaVersion: "2.5",
    project: "Shop",
    branchName: "ralph/shop",
    mergeTarget: "main",
    autoMerge: true,
    pauseBetweenStories: true,
    type: "investigation",
    description: "A shop",
    agent: "opencode",
    model: "a/b",
    notes: "Be kind",
    failoverThreshold: 2,
    checks: ["make test"],
    phases: [{ id: 1, name: "Find out", description: "Look" }],
    userStories: [{
      id: "US-001-DECIDE",
      title: "Decide",
      description: "Which one",
      acceptanceCriteria: [{ description: "Is decided", passes: true }],
      priority: 1.5,
      passes: true,
      notes: "n",
      agent: "claude",
      model: "c/d",
      phase: 1,
      type: "decision-gate",
      blockedBy: ["US-002"],
      blocks: ["US-003"],
      decisionConfig: { slug: "db", inputFile: "decisions/db.md", status: "answered" },
    }],
  }));
  assertEquals(prd, {
    schemaVersion: "2.5",
    project: "Shop",
    description: "A shop",
    branchName: "ralph/shop",
    mergeTarget: "main",
    autoMerge: true,
    pauseBetweenStories: true,
    type: "investigation",
    agent: "opencode",
    model: "a/b",
    notes: "Be kind",
    failoverThreshold: 2,
    checks: ["make test"],
    phases: [{ id: "1", name: "Find out", description: "Look" }],
    stories: [{
      id: "US-001-DECIDE",
      title: "Decide",
      description: "Which one",
      criteria: [{ description: "Is decided", passes: true }],
      priority: 1.5,
      passes: true,
      notes: "n",
      agent: "claude",
      model: "c/d",
      phase: "1",
      type: "decision-gate",
      dependsOn: ["US-002"],
      blocks: ["US-003"],
      decision: { slug: "db", inputFile: "decisions/db.md", status: "answered" },
      path: ["userStories", 0],
    }],
  });
});

Deno.test("parsePrd() finds the stories under every known key", () => {
  for (const key of ["userStories", "stories", "features", "tasks"]) {
    assertEquals(stories(`{"${key}":[{"title":"A"}]}`)[0]?.path, [key, 0]);
  }
  assertEquals(stories('[{"title":"A"}]')[0]?.path, [0]);
  assertEquals(stories('{"userStories":[],"tasks":[{"title":"A"}]}').length, 1);
  assertEquals(stories('{"userStories":[]}'), []);
  assertEquals(stories("[]"), []);
});

Deno.test("parsePrd() reads the empty template as no stories", () => {
  assertEquals(stories('{"project":"","description":"","phases":[],"bugs":[]}'), []);
});

Deno.test("parsePrd() reads the project's name from every known key", () => {
  for (const key of ["project", "name", "productName"]) {
    assertEquals(parsePrd(`{"${key}":"Shop","stories":[]}`).project, "Shop");
  }
  const prd = parsePrd('{"feature":{"name":"Feed","description":"Live"},"stories":[]}');
  assertEquals([prd.project, prd.description], ["Feed", "Live"]);
});

Deno.test("parsePrd() builds ids from strings, numbers and positions", () => {
  const list = stories('[{"id":"setup"},{"id":7},{"title":"no id"},{"id":""},{"id":"setup"}]');
  assertEquals(list.map(({ id }) => id), ["setup", "7", "3", "4", "setup"]);
});

Deno.test("parsePrd() falls back for a missing title", () => {
  assertEquals(story('{"description":"Do it\\nnow"}').title, "Do it");
  assertEquals(story('{"details":"Do it"}').title, "Do it");
  assertEquals(story('{"details":"Do it"}').description, "Do it");
  assertEquals(story('{"name":"N","description":"D"}').title, "N");
  assertEquals(story('{"id":"A"}').title, "A");
});

Deno.test("parsePrd() reads every kind of priority", () => {
  const priority = (value: string) => story(`{"priority":${value}}`).priority;
  assertEquals(["1", "1.1", '"2"'].map(priority), [1, 1.1, 2]);
  assertEquals(['"high"', '"Medium"', '"low"'].map(priority), [1, 2, 3]);
  assertEquals(['"P0"', '"p1"', '"P2"'].map(priority), [0, 1, 2]);
  assertEquals(["null", '"soon"', '""'].map(priority), [999, 999, 999]);
  assertEquals(story("{}").priority, 999);
});

Deno.test("parsePrd() knows when a story is done, and passes wins", () => {
  const passes = (json: string) => story(json).passes;
  assert(passes('{"passes":true}'));
  assert(passes('{"status":"done"}'));
  assert(passes('{"status":"Completed"}'));
  assert(passes('{"tested":true}'));
  assert(passes('{"passes":true,"status":"open"}'));
  assert(passes('{"passes":null,"status":"done"}'));
  assert(!passes('{"passes":false,"status":"done"}'));
  assert(!passes('{"status":"in_progress"}'));
  assert(!passes("{}"));
});

Deno.test("parsePrd() reads criteria from every key and shape", () => {
  const one = [{ description: "It works", passes: false }];
  for (const key of ["acceptanceCriteria", "acceptance", "steps", "testSteps", "actionItems"]) {
    assertEquals(story(`{"${key}":["It works"]}`).criteria, one);
  }
  assertEquals(story('{"tests":"It works"}').criteria, one);
  assertEquals(story('{"acceptanceCriteria":[],"steps":["It works"]}').criteria, one);
  assertEquals(story('{"acceptanceCriteria":["It works"],"tests":{"unit":3}}').criteria, one);
  assertEquals(
    story('{"acceptanceCriteria":["a",{"description":"b","passes":true},{"description":"c"}]}')
      .criteria.map(({ passes }) => passes),
    [false, true, false],
  );
  assertEquals(story("{}").criteria, []);
});

Deno.test("parsePrd() joins blockedBy and dependsOn without repetition", () => {
  assertEquals(story('{"blockedBy":["A",2],"dependsOn":["B","A"]}').dependsOn, ["A", "2", "B"]);
});

Deno.test("parsePrd() treats an empty gate as a pending decision", () => {
  assertEquals(story('{"type":"decision-gate"}').decision, { status: "pending" });
  assertEquals(story('{"decisionConfig":{}}').decision, { status: "pending" });
  assertEquals(story("{}").decision, undefined);
});

Deno.test("parsePrd() accepts checks as one command or a list", () => {
  assertEquals(parsePrd('{"checks":"make","stories":[]}').checks, ["make"]);
  assertEquals(parsePrd('{"checks":["a","b"],"stories":[]}').checks, ["a", "b"]);
});

Deno.test("parsePrd() ignores a byte order mark and unknown keys", () => {
  assertEquals(stories('\uFEFF{"stories":[{"id":"A","x":{"y":1}}],"z":[]}')[0]?.id, "A");
});

Deno.test("parsePrd() says where the text is not JSON", () => {
  const at = (text: string) => {
    const { message, line, column } = errorOf(text);
    return [line, column, message.replace(/^.*column \d+: /, "")];
  };
  assertEquals(at('[\n  {"id": 1}\n  {"id": 2}\n]'), [3, 3, 'expected "," or "]"']);
  assertEquals(at('{\n  "a": 1\n  "b": 2\n}'), [3, 3, 'expected "," or "}"']);
  assertEquals(at('{\r\n  "a": [1, 2,]\r\n}'), [2, 14, "expected a value"]);
  assertEquals(at('{"a": 1,}'), [1, 9, "expected a key in double quotes"]);
  assertEquals(at('{"a" 1}'), [1, 6, 'expected ":"']);
  assertEquals(at('{"a": // why\n1}'), [1, 7, "expected no comments"]);
  assertEquals(at('{"a": [1, 2'), [1, 12, 'expected "," or "]"']);
  assertEquals(at('{"a": "b'), [1, 7, "expected the end of a string"]);
  assertEquals(at("[] []"), [1, 4, "expected nothing more"]);
  assertEquals(
    errorOf("[1 2]").message,
    'tasks/x/prd.json is not valid JSON at line 1, column 4: expected "," or "]"',
  );
});

Deno.test("parsePrd() locates the error, wherever a file is cut or corrupted", () => {
  const text = readFileSync(new URL("../testdata/prd/mixed.json.txt", import.meta.url), "utf8");
  for (let offset = 0; offset < text.length; offset++) {
    const spoilt = [text.slice(0, offset), `${text.slice(0, offset)}§${text.slice(offset + 1)}`];
    for (const text of spoilt) {
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      if (isJson) continue;
      const error = errorOf(text);
      assert(error.line !== undefined && error.column !== undefined, `${offset}: ${error.message}`);
    }
  }
});

Deno.test("parsePrd() refuses a file that is nested too deeply to say where it is wrong", () => {
  const deep = "[".repeat(100_000);
  assertEquals(errorOf(deep).message, "tasks/x/prd.json is not valid JSON");
  assertEquals(errorOf(`{"a":${deep}${deep.replaceAll("[", "]")}}`).path, "userStories");
});

Deno.test("parsePrd() never reads an empty or foreign file as one without stories", () => {
  assertEquals(errorOf("").message, "tasks/x/prd.json is empty, expected a PRD");
  assertEquals(errorOf(" \n").message, "tasks/x/prd.json is empty, expected a PRD");
  assertEquals(
    errorOf("null").message,
    "tasks/x/prd.json is null, expected an object or a list of stories",
  );
  assertEquals(
    errorOf("{}").message,
    "tasks/x/prd.json: userStories is missing, expected a list of stories",
  );
  assertEquals(
    errorOf('{"project":"x","phases":[{"stories":[]}],"bugs":[]}').path,
    "userStories",
  );
});

Deno.test("parsePrd() says what a value is and what it should be", () => {
  const error = errorOf('{\n"userStories":[{},{},{\n  "id":"A",\n  "passes": "yes"}]}');
  assertEquals(
    error.message,
    'tasks/x/prd.json: userStories[2].passes is "yes", expected true or false',
  );
  assertEquals([error.path, error.line, error.column], ["userStories[2].passes", 4, 13]);
  const message = (text: string) => errorOf(text).message.replace("tasks/x/prd.json: ", "");
  assertEquals(
    message('[{"priority":true}]'),
    '[0].priority is true, expected a number, "high", "medium", "low" or "P0" to "P2"',
  );
  assertEquals(message("[1]"), "[0] is 1, expected a story, which is an object");
  assertEquals(
    message('[{"acceptanceCriteria":["a",{"description":"b","passes":1}]}]'),
    "[0].acceptanceCriteria[1].passes is 1, expected true or false",
  );
  assertEquals(
    message('[{"acceptanceCriteria":[1]}]'),
    '[0].acceptanceCriteria[0] is 1, expected a string or {"description": ..., "passes": ...}',
  );
  assertEquals(
    message('{"stories":[],"failoverThreshold":0}'),
    "failoverThreshold is 0, expected a whole number above 0",
  );
  assertEquals(
    message('[{"decisionConfig":{"status":"maybe"}}]'),
    '[0].decisionConfig.status is "maybe", expected "pending", "answered" or "applied"',
  );
});

Deno.test("inspectPrd() reports every error", () => {
  const { errors, prd } = inspectPrd('{"agent":1,"stories":[{"passes":1},{"notes":[]}]}');
  assertEquals(prd, undefined);
  assertEquals(errors.map(({ path }) => path), [
    "agent",
    "stories[0].passes",
    "stories[1].notes",
  ]);
});

Deno.test("formatJsonPath() quotes keys that are not identifiers", () => {
  assertEquals(formatJsonPath(["a b", 0, "c"]), '["a b"][0].c');
});

Deno.test({
  name: "parsePrd() reads real files of others (if they are available)",
  ignore: !sharedPrds,
  fn: () => {
    assert(sharedPrds);
    const counts = readdirSync(sharedPrds).sort().map((name) => {
      const prd = parsePrd(readFileSync(new URL(name, sharedPrds), "utf8"));
      const done = prd.stories.filter(({ passes }) => passes).length;
      const criteria = prd.stories.flatMap(({ criteria }) => criteria).length;
      return `${done}/${prd.stories.length} ${criteria}`;
    });
    assertEquals(counts.length, 12);
  },
});

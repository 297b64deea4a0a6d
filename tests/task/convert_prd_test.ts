import { assert, assertEquals, assertThrows } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { convertPrd } from "../../lib/task/markdown/convert_prd.ts";
import { editJson } from "../../lib/task/prd/edit_json.ts";
import { parsePrdMarkdown, PrdMarkdownError } from "../../lib/task/markdown/parse_prd_markdown.ts";
import { PrdError } from "../../lib/task/prd/prd.ts";

const FORMS = readFileSync(new URL("../testdata/prd/forms.md", import.meta.url), "utf8");
const GOLDEN = readFileSync(new URL("../testdata/prd/forms.json", import.meta.url), "utf8");
const CHAT = { task: "chat", taskDir: "tasks/chat" };

function prdMd(stories: string, rest = ""): string {
  return `# PRD: Chat\n\n## User Stories\n\n${stories}\n${rest}`;
}

const TWO = prdMd(
  "### US-001: Send\n**Description:** Send it.\n\n**Acceptance Criteria:**\n- [ ] sent\n- [ ] seen\n\n" +
    "### US-002: Read\n**Description:** Read it.\n\n**Acceptance Criteria:**\n- [ ] read\n",
);

Deno.test("convertPrd() writes the golden file, for all kinds of line ends", () => {
  const { text, warnings, changes } = convertPrd(FORMS, CHAT);
  assertEquals(text, GOLDEN);
  assertEquals(convertPrd(`\uFEFF${FORMS.replaceAll("\n", "\r\n")}`, CHAT).text, GOLDEN);
  assertEquals(changes.added, ["US-001", "US-002", "US-003", "US-010-A", "US-010-DECIDE"]);
  assertEquals(warnings, [
    {
      line: 58,
      message:
        'The heading "A heading without an id" has no id such as US-001, so it is not a story',
    },
    { line: 65, message: 'Story "US-010-DECIDE" has no acceptance criteria' },
    {
      line: 75,
      message:
        'The heading "US-003: Search, in detail" is outside the section of user stories, so it is not a story',
    },
  ]);
});

const seed = new URL("../../../shared/seeds/opencode-server-management.prd.md", import.meta.url);
Deno.test({
  name: "convertPrd() reads a real prd.md of 11 stories (if it is available)",
  ignore: !existsSync(seed),
  fn: () => {
    const markdown = readFileSync(seed, "utf8");
    const { prd, warnings } = convertPrd(markdown, { task: "osm", taskDir: "tasks/osm" });
    const written = [...markdown.matchAll(/^- \[ \] (.*)$/gm)].map((match) => match[1]);
    const criteria = prd.stories.flatMap(({ criteria }) => criteria);
    assertEquals(criteria.map(({ description }) => description), written);
    assertEquals([prd.stories.length, criteria.length, warnings.length], [11, 63, 0]);
    assertEquals([prd.mergeTarget, prd.type, prd.branchName], [null, "feature", "ralph/osm"]);
  },
});

Deno.test("convertPrd() gives the same text again, even after a story has passed", () => {
  const first = convertPrd(TWO, CHAT).text;
  assertEquals(convertPrd(TWO, { ...CHAT, previous: first }).text, first);
  const passed = editJson(first, ["userStories", 0, "passes"], true);
  const { text, changes } = convertPrd(TWO, { ...CHAT, previous: passed });
  assertEquals(text, passed);
  assertEquals(changes, {
    fields: [],
    added: [],
    changed: [],
    removed: [],
    kept: ["US-001", "US-002"],
  });
  // However it is written.
  const compact = `\uFEFF${JSON.stringify(JSON.parse(passed))}`;
  assertEquals(convertPrd(TWO, { ...CHAT, previous: compact }).text, compact);
});

Deno.test("convertPrd() keeps the work that was done, and reports the differences", () => {
  const previous = JSON.stringify(
    {
      project: "My name",
      branchName: "work",
      mergeTarget: "main",
      autoMerge: true,
      agent: "opencode",
      techStack: ["deno"],
      stories: [
        {
          id: "US-001",
          title: "Send",
          description: "Send it.",
          acceptanceCriteria: [
            { description: "sent", passes: true },
            { description: "heard", passes: true },
          ],
          priority: 1,
          status: "done",
          notes: "n",
          model: "a/b",
          labels: ["x"],
        },
        { id: "US-003", title: "Gone" },
        { id: "US-001-A", title: "Spawned", spawnedBy: "US-001", passes: true },
      ],
    },
    null,
    "\t",
  ).replaceAll("\n", "\r\n");
  const { text, changes, warnings } = convertPrd(TWO, { ...CHAT, previous });
  const data = JSON.parse(text);
  assertEquals(data.stories, undefined);
  assertEquals(
    [data.project, data.branchName, data.mergeTarget, data.autoMerge, data.agent, data.techStack],
    ["My name", "work", "main", true, "opencode", ["deno"]],
  );
  const [first, second, third] = data.userStories;
  assertEquals(first, {
    id: "US-001",
    title: "Send",
    description: "Send it.",
    acceptanceCriteria: [
      { description: "sent", passes: true },
      { description: "seen", passes: false },
    ],
    priority: 1,
    status: "done",
    notes: "n",
    model: "a/b",
    labels: ["x"],
    passes: true,
  });
  assertEquals([second.id, second.passes, third.id, third.passes], [
    "US-002",
    false,
    "US-001-A",
    true,
  ]);
  assertEquals(changes.added, ["US-002"]);
  assertEquals(changes.changed, [{ id: "US-001", fields: ["acceptanceCriteria"] }]);
  assertEquals(changes.removed, ["US-003"]);
  assertEquals(changes.kept, ["US-001-A"]);
  assertEquals(warnings, [{
    line: 5,
    message: 'Story "US-001" passed before its criteria changed, and still passes',
  }]);
  assert(text.includes('\r\n\t"autoMerge": true'));
  assertEquals(convertPrd(TWO, { ...CHAT, previous: text }).text, text);
});

Deno.test("convertPrd() keeps the ticks of duplicate criteria, one for one", () => {
  const md = prdMd("### US-001: A\n- [ ] same\n- [ ] same\n");
  const first = convertPrd(md, CHAT).text;
  const ticked = editJson(first, ["userStories", 0, "acceptanceCriteria", 0, "passes"], true);
  assertEquals(convertPrd(md, { ...CHAT, previous: ticked }).text, ticked);
});

Deno.test("convertPrd() derives the project from the title, but keeps a custom name", () => {
  const { text } = convertPrd(TWO, CHAT);
  const renamed = TWO.replace("PRD: Chat", "PRD: Talk");
  assertEquals(convertPrd(renamed, { ...CHAT, previous: text }).prd.project, "Talk");
  const named = editJson(text, ["project"], "Mine");
  const { prd, changes } = convertPrd(renamed, { ...CHAT, previous: named });
  assertEquals([prd.project, prd.description, changes.fields], ["Mine", "Talk", ["description"]]);
});

Deno.test("convertPrd() keeps a branch of null, and uses one from the markdown", () => {
  const previous = editJson(convertPrd(TWO, CHAT).text, ["branchName"], null);
  assertEquals(convertPrd(TWO, { ...CHAT, previous }).prd.branchName, null);
  const { prd } = convertPrd(TWO, { ...CHAT, previous, branchName: "mine" });
  assertEquals(prd.branchName, "mine");
});

Deno.test("convertPrd() refuses a previous file that it cannot read", () => {
  assertThrows(() => convertPrd(TWO, { ...CHAT, previous: "{" }), PrdError, "not valid JSON");
});

Deno.test("parsePrdMarkdown() refuses a file without stories or with an id twice", () => {
  const none = assertThrows(() => parsePrdMarkdown(prdMd("### Later\n")), PrdMarkdownError);
  assertEquals(
    none.message,
    'Cannot convert prd.md at line 3: there is no story, expected headings such as "### US-001: Title"',
  );
  assertEquals(assertThrows(() => parsePrdMarkdown(""), PrdMarkdownError).line, 1);
  const twice = assertThrows(
    () => parsePrdMarkdown(prdMd("### US-001: A\n\n### US-001: B\n"), { file: "x/prd.md" }),
    PrdMarkdownError,
  );
  assertEquals(
    twice.message,
    'Cannot convert x/prd.md at line 7: story id "US-001" is already used on line 5',
  );
  assertEquals([twice.file, twice.line], ["x/prd.md", 7]);
});

Deno.test("parsePrdMarkdown() reads ids and titles of every form", () => {
  const read = (heading: string) => {
    const [story] = parsePrdMarkdown(`## User Stories\n${heading}\n- [ ] x\n`).stories;
    return `${story?.id}|${story?.title}`;
  };
  for (
    const heading of [
      "### US-001: Fix - it",
      "#### US-001 - Fix - it",
      "### US-001. Fix - it",
      "### US-001 – Fix - it",
      "## US-001: Fix - it ##",
      "### **US-001**: Fix - it",
      "### **US-001: Fix - it**",
      "### `US-001` Fix - it",
      "### User Story US-001: Fix - it",
    ]
  ) assertEquals(read(heading), "US-001|Fix - it", heading);
  assertEquals(read("### US-107A: T"), "US-107A|T");
  assertEquals(read("### US-001.1: T"), "US-001.1|T");
  assertEquals(read("### US-010-DECIDE: T"), "US-010-DECIDE|T");
  assertEquals(read("### US-001-Fix it"), "US-001|Fix it");
});

Deno.test("parsePrdMarkdown() reads merge targets, and warns about unknown ones", () => {
  const read = (text: string) => {
    const md = prdMd("### US-001: A\n- [ ] x\n", `## Merge Target\n\n${text}\n`);
    const { mergeTarget, warnings } = parsePrdMarkdown(md);
    return [mergeTarget, warnings.length];
  };
  for (const text of ["`main`", "main", "main.", "**main**", "- main", "main - when done"]) {
    assertEquals(read(text), ["main", 0], text);
  }
  assertEquals(read("release/1.x (the next one)"), ["release/1.x", 0]);
  for (const text of ["None - leave as standalone branch.", "none", "N/A", "`None`", "No"]) {
    assertEquals(read(text), [null, 0], text);
  }
  for (const text of ["Merge into main", "TBD", "[branch]", "--force", ""]) {
    assertEquals(read(text), [null, 1], text);
  }
  assertEquals(read("no-fix"), ["no-fix", 0]);
  assertEquals(parsePrdMarkdown(TWO).mergeTarget, undefined);
});

Deno.test("parsePrdMarkdown() finds stories in groups, and without a section", () => {
  const groups = prdMd(
    "### Phase 1\n\n#### US-001: A\n- [ ] a\n\n### Phase 2\n\n#### US-002: B\n- [ ] b\n",
  );
  const { stories, warnings } = parsePrdMarkdown(groups);
  assertEquals(stories.map(({ id }) => id), ["US-001", "US-002"]);
  assertEquals(warnings, []);
  const bare = parsePrdMarkdown("# X\n\n### US-001: A\n- [ ] a\n\n### FR-1: not one\n");
  assertEquals(bare.stories.map(({ id }) => id), ["US-001"]);
});

Deno.test("parsePrdMarkdown() reads labels that are list items, and groups of criteria", () => {
  const [listed, grouped] = parsePrdMarkdown(prdMd(
    "### US-001: A\n- **Description:** d\n- **Acceptance Criteria:**\n  - [ ] a\n  - [ ] b\n\n" +
      "### US-002: B\n**Acceptance Criteria:**\nBackend:\n- a\n\nFrontend:\n- b\n\n**Files:**\n- c\n",
  )).stories;
  assertEquals(listed?.description, "d");
  assertEquals(listed?.criteria.map(({ description }) => description), ["a", "b"]);
  assertEquals(grouped?.criteria.map(({ description }) => description), ["a", "b"]);
});

Deno.test("parsePrdMarkdown() warns of a code fence that is never closed", () => {
  const { warnings, stories } = parsePrdMarkdown(
    prdMd("### US-001: A\n- [ ] a\n\n```\n### US-002: B\n"),
  );
  assertEquals(stories.length, 1);
  assertEquals(warnings.map(({ line }) => line), [8]);
});

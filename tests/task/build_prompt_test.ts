import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildPrompt, storyText } from "../../lib/task/prompt/build_prompt.ts";
import {
  BUILT_IN_PROMPT,
  findPromptTemplate,
  renderTemplate,
} from "../../lib/task/prompt/prompt_template.ts";
import type { Prd, Story } from "../../lib/task/prd/prd.ts";
import type { Task } from "../../lib/task/task.ts";
import { tempDir } from "../kit/testing.ts";

const story: Story = {
  id: "US-001",
  title: "Add a {AGENT} button",
  description: "As a user I want a button.",
  criteria: [
    { description: "It is green", passes: true },
    { description: "It works", passes: false },
  ],
  priority: 1,
  passes: false,
  notes: "Mind the gap",
  dependsOn: [],
  blocks: [],
  path: ["userStories", 3],
};
const prd: Prd = {
  project: "Shop",
  description: "",
  branchName: "ralph/x",
  mergeTarget: null,
  autoMerge: false,
  pauseBetweenStories: false,
  notes: "Use tabs",
  checks: [],
  phases: [],
  stories: [story],
};

async function makeTask(root: string, folder = "tasks/x"): Promise<Task> {
  const dir = join(root, folder);
  await mkdir(dir, { recursive: true });
  const prdFile = join(dir, "prd.json");
  return { name: "x", dir, root, prdFile, progressFile: join(dir, "progress.txt") };
}

Deno.test("renderTemplate() replaces known placeholders once and leaves unknown ones", () => {
  const values = { TASK_DIR: "tasks/{AGENT}$&", AGENT: "claude" };
  assertEquals(
    renderTemplate("{TASK_DIR} {AGENT} {OTHER} {agent} {toString}", { agent: "claude", values }),
    "tasks/{AGENT}$& claude {OTHER} {agent} {toString}",
  );
});

Deno.test("renderTemplate() keeps the blocks of the agent and of all, and drops others", () => {
  const template = `one
<!-- agent:claude -->
for claude
<!-- /agent:claude -->
  <!-- agent:opencode -->
  for opencode
  <!-- /agent:opencode -->
<!-- agent:* -->
for all<!-- agent:opencode --> and more<!-- /agent:opencode -->
<!-- /agent:* -->
two <!-- agent:claude -->inline<!-- /agent:claude -->
three`;
  const render = (agent: string) => renderTemplate(template, { agent, values: {} });
  assertEquals(render("claude"), "one\nfor claude\nfor all\ntwo inline\nthree");
  assertEquals(
    render("opencode"),
    "one\n  for opencode\nfor all and more\ntwo \nthree",
  );
});

Deno.test("renderTemplate() keeps a block that does not end, or that is in a value", () => {
  const block = "<!-- agent:opencode -->x<!-- /agent:opencode -->";
  assertEquals(renderTemplate("{A}", { agent: "claude", values: { A: block } }), block);
  const open = "a <!-- agent:opencode --> b";
  assertEquals(renderTemplate(open, { agent: "claude", values: {} }), open);
});

Deno.test("findPromptTemplate() looks in the task, the project and the config, then uses the built-in one", async () => {
  await using dir = await tempDir();
  await using config = await tempDir();
  const task = await makeTask(dir.path);
  const configDir = config.path;
  await mkdir(join(dir.path, "ralph"));
  const files = [
    join(configDir, "prompt.md"),
    join(dir.path, "ralph", "prompt.md"),
    join(task.dir, "prompt.md"),
  ];
  assertEquals(await findPromptTemplate({ task, configDir }), {
    text: BUILT_IN_PROMPT,
    source: "built-in",
  });
  for (const source of files) {
    await writeFile(source, `from ${source}`);
    assertEquals(await findPromptTemplate({ task, configDir }), { text: `from ${source}`, source });
  }
  await writeFile(join(task.dir, "prompt.md"), "\n");
  assertEquals((await findPromptTemplate({ task, configDir })).source, files[1]);
});

Deno.test("findPromptTemplate() says which template cannot be read", async () => {
  await using dir = await tempDir();
  const task = await makeTask(dir.path);
  await mkdir(join(task.dir, "prompt.md"));
  await assertRejects(
    () => findPromptTemplate({ task }),
    Error,
    `Cannot read the prompt template "${join(task.dir, "prompt.md")}": `,
  );
});

Deno.test("storyText() spells out description, criteria and notes", () => {
  assertEquals(
    storyText(story),
    "**US-001: Add a {AGENT} button**\n\nAs a user I want a button.\n\n" +
      "Acceptance criteria:\n\n- [x] It is green\n- [ ] It works\n\n" +
      "Notes on this story:\n\nMind the gap",
  );
  const bare = { ...story, title: "US-001", description: "", criteria: [], notes: "" };
  assertEquals(storyText(bare), "**US-001**");
});

Deno.test("buildPrompt() puts everything that the agent needs before the template", async () => {
  await using dir = await tempDir();
  const task = await makeTask(dir.path);
  await writeFile(join(task.root, "AGENTS.md"), "Project rules");
  await writeFile(join(task.dir, "AGENTS.md"), "Task rules");
  const prompt = await buildPrompt({
    task,
    prd,
    story,
    agent: "claude",
    branch: "ralph/x",
    template: "BEGIN {PRD_FILE} {PROGRESS_FILE} {TASK_DIR} {BRANCH_NAME} {AGENT} {STORY_TITLE}",
    extra: ["Look at the tests"],
    reasons: ['check "deno task ok" fails:\nline'],
  });
  const inOrder = [
    `- Root of the repository, where you are: ${task.root}`,
    "- PRD: tasks/x/prd.json, with this story at `userStories[3]`",
    "Use tabs",
    '<file path="AGENTS.md">\nProject rules\n</file>',
    '<file path="tasks/x/AGENTS.md">\nTask rules\n</file>',
    "Look at the tests",
    '- check "deno task ok" fails:\n  line',
    "- [ ] It works",
    "Mind the gap",
    "BEGIN tasks/x/prd.json tasks/x/progress.txt tasks/x ralph/x claude Add a {AGENT} button\n",
  ];
  const places = inOrder.map((text) => prompt.indexOf(text));
  assertEquals(places.indexOf(-1), -1);
  assertEquals(places, [...places].sort((a, b) => a - b));
});

Deno.test("buildPrompt() has the story once, where the template wants it", async () => {
  await using dir = await tempDir();
  const task = await makeTask(dir.path);
  const build = (template: string) => buildPrompt({ task, prd, story, agent: "claude", template });
  const inTemplate = await build("Do this:\n{STORY}\nNow.");
  assertStringIncludes(inTemplate, "Do this:\n**US-001: Add a {AGENT} button**");
  assertEquals(inTemplate.match(/It is green/g)?.length, 1);
  const dropped = await build("Go<!-- agent:opencode -->{STORY}<!-- /agent:opencode -->");
  assertMatch(dropped, /## Your story\n\n\*\*US-001/);
});

Deno.test("buildPrompt() leaves out what is empty", async () => {
  await using dir = await tempDir();
  const task = await makeTask(dir.path);
  const quiet = { ...prd, notes: " " };
  const prompt = await buildPrompt({ task, prd: quiet, story, agent: "claude", template: "Go" });
  assertEquals([...prompt.matchAll(/^## .*$/gm)].map(String), ["## Your story"]);
  assertStringIncludes(prompt, "- Branch: none (detached HEAD)");
});

Deno.test("buildPrompt() reads one AGENTS.md once if the task is the root", async () => {
  await using dir = await tempDir();
  const task = await makeTask(dir.path, ".");
  await writeFile(join(task.root, "AGENTS.md"), "Rules");
  const prompt = await buildPrompt({ task, prd, story, agent: "claude", template: "Go" });
  assertEquals(prompt.match(/Rules/g)?.length, 1);
  assertStringIncludes(prompt, "- Task folder: .\n");
});

Deno.test("buildPrompt() cuts an AGENTS.md over 64 KiB and says so", async () => {
  await using dir = await tempDir();
  const task = await makeTask(dir.path);
  await writeFile(join(task.root, "AGENTS.md"), "rule é\n".repeat(20_000));
  const prompt = await buildPrompt({ task, prd, story, agent: "claude", template: "Go" });
  assertMatch(prompt, /rule é\n\n\[Cut after 64 KiB of 157 KiB: read the rest in the file\]/);
  assert(prompt.length < 70_000);
});

Deno.test("BUILT_IN_PROMPT asks for everything that the loop relies on", async () => {
  await using dir = await tempDir();
  const task = await makeTask(dir.path);
  const prompt = await buildPrompt({ task, prd, story, agent: "claude", branch: "ralph/x" });
  for (
    const text of [
      "tasks/x/prd.json",
      "tasks/x/progress.txt",
      "`ralph/x`",
      "`feat: US-001 - Add a {AGENT} button`",
      "## YYYY-MM-DD HH:MM - US-001",
      "## Codebase Patterns",
      "<promise>COMPLETE</promise>",
      '"status": "done"',
    ]
  ) assertStringIncludes(prompt, text);
  const placeholders = /\{[A-Z_]+\}/g;
  assertEquals([...prompt.matchAll(placeholders)].map(String), ["{AGENT}", "{AGENT}"]);
  assertNotMatch(BUILT_IN_PROMPT, /^.{111,}$/m);
});

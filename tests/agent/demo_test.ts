import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createAgents } from "../../lib/agent/create_agents.ts";
import { createDemo } from "../../lib/agent/demo/demo.ts";
import { parsePrd } from "../../lib/task/prd/parse_prd.ts";
import { collect, testStart } from "../kit/agent_testing.ts";
import { tempRepo } from "../kit/testing.ts";

async function runDemo(root: string, prdText: string, index = 0, signal?: AbortSignal) {
  const taskDir = join(root, "tasks", "demo");
  await mkdir(taskDir, { recursive: true });
  await writeFile(join(taskDir, "prd.json"), prdText);
  const prd = parsePrd(prdText, { file: "prd.json" });
  const story = prd.stories[index];
  assert(story);
  const start = testStart({ cwd: root, taskDir, prd, story, ...(signal && { signal }) });
  const demo = createDemo({ storyMs: signal ? 60_000 : 0 });
  const collected = await collect(demo.start(start));
  const after = await readFile(join(taskDir, "prd.json"), "utf8");
  return { ...collected, taskDir, after, prd: parsePrd(after, { file: "prd.json" }) };
}

const git = async (cwd: string, ...args: string[]) =>
  (await promisify(execFile)("git", args, { cwd })).stdout.trim();

Deno.test("createDemo() does its story: file, criteria, story, progress and commit", async () => {
  await using repo = await tempRepo();
  const text = JSON.stringify(
    {
      userStories: [{
        id: "US-001",
        title: "First",
        acceptanceCriteria: [{ description: "It works", passes: false }, "plain"],
        passes: false,
      }],
    },
    null,
    2,
  );
  const { events, result, prd, taskDir } = await runDemo(repo.path, text);
  assertEquals(result.ending, { kind: "ok" });
  assertEquals(prd.stories[0]?.passes, true);
  assertEquals(prd.stories[0]?.criteria[0]?.passes, true);
  const file = await readFile(join(repo.path, "demo/US-001.md"), "utf8");
  assertStringIncludes(file, "# US-001: First");
  assertStringIncludes(file, "- [x] It works");
  const progress = await readFile(join(taskDir, "progress.txt"), "utf8");
  assertStringIncludes(progress, "# Ralph Progress Log");
  assertStringIncludes(progress, " - US-001\n");
  assertEquals(await git(repo.path, "log", "-1", "--format=%s"), "feat: US-001 - First");
  assertEquals(await git(repo.path, "status", "--porcelain"), "");
  assert(events.some((it) => it.kind === "tool" && it.tool === "Bash"));
});

Deno.test("createDemo() works on a list of stories with odd ids and no criteria", async () => {
  await using repo = await tempRepo();
  const text = '[{"description":"One"},{"id":"../../etc/x","title":"Two","status":"open"}]\n';
  const { result, prd } = await runDemo(repo.path, text, 1);
  assertEquals(result.ending, { kind: "ok" });
  assertEquals(prd.stories.map((it) => it.passes), [false, true]);
  await readFile(join(repo.path, "demo/etc-x.md"), "utf8");
});

Deno.test("createDemo() commits only its own files, and no ignored ones", async () => {
  await using repo = await tempRepo();
  await writeFile(join(repo.path, ".gitignore"), "tasks/\n");
  await writeFile(join(repo.path, "mine.txt"), "mine");
  await git(repo.path, "add", "mine.txt", ".gitignore");
  const { result } = await runDemo(repo.path, '{"userStories":[{"id":"A","title":"B"}]}');
  assertEquals(result.ending, { kind: "ok" });
  const files = await git(repo.path, "show", "--name-only", "--format=", "HEAD");
  assertEquals(files, "demo/A.md");
  assertStringIncludes(await git(repo.path, "status", "--porcelain"), "A  mine.txt");
});

Deno.test("createDemo() stops at once when it is aborted", async () => {
  await using repo = await tempRepo();
  const controller = new AbortController();
  queueMicrotask(() => controller.abort({ kind: "timeout", message: "Too long" }));
  const text = '{"userStories":[{"id":"A","title":"B"}]}';
  const { result, after } = await runDemo(repo.path, text, 0, controller.signal);
  assertEquals(result.ending, { kind: "timeout", message: "Too long" });
  assertEquals(after, text);
});

Deno.test("createAgents() gives demo the story_ms of its table", async () => {
  await using repo = await tempRepo();
  const taskDir = join(repo.path, "tasks", "demo");
  await mkdir(taskDir, { recursive: true });
  const text = '{"userStories":[{"id":"A","title":"B"}]}';
  await writeFile(join(taskDir, "prd.json"), text);
  const prd = parsePrd(text, { file: "prd.json" });
  const [story] = prd.stories;
  const demo = createAgents({ demo: { story_ms: 1_600 } }).find(({ name }) => name === "demo");
  assert(story && demo);
  const begin = performance.now();
  const { result } = await collect(demo.start(testStart({ cwd: repo.path, taskDir, prd, story })));
  // Twice the default. A timer may be early by less than a millisecond, and there are five.
  const took = performance.now() - begin;
  assert(took >= 1_595, `${took} ms`);
  assertEquals(result.ending, { kind: "ok" });
  assertThrows(
    () => createAgents({ demo: { story_ms: -1 } }),
    TypeError,
    'Cannot use agent "demo": agents.demo.story_ms: ',
  );
});

import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { DEMO_PRD } from "../../lib/cli/command/work/demo.ts";
import { parseProgress } from "../../lib/task/progress/parse_progress.ts";
import { readPrd } from "../../lib/task/prd/read_prd.ts";
import { ralph } from "../kit/ralph_process.ts";
import { tempRepo } from "../kit/testing.ts";
import { claudeEnvironment, findClaude, git } from "./claude_testing.ts";
import { type ModelReply, type ModelRequest, scriptedModel } from "./scripted_model.ts";

const program = await findClaude();
const ignore = program === undefined;
const why = ignore ? " (skipped: no claude on PATH or in RALPH_TEST_CLAUDE)" : "";
const SEED = fileURLToPath(
  new URL("../../../shared/seeds/opencode-server-management.prd.md", import.meta.url),
);

/** Does the story that the prompt names: one tool call that edits, marks, notes and commits. */
function work({ body }: ModelRequest): ModelReply {
  const text = JSON.stringify(body.messages);
  if (text.includes('"tool_result"')) return { kind: "text", text: "Done" };
  const id = /\*\*(US-\d{3}): /.exec(text)?.[1] ?? "";
  const prd = /tasks\/[\w-]+\/prd\.json/.exec(text)?.[0] ?? "";
  const mark =
    `const fs = require("fs"), f = "${prd}", p = JSON.parse(fs.readFileSync(f, "utf8"));` +
    `const s = p.userStories.find((s) => s.id === "${id}");` +
    `s.acceptanceCriteria.forEach((c) => c.passes = true); s.passes = true;` +
    `fs.writeFileSync(f, JSON.stringify(p, null, 2) + "\\n")`;
  const note = `\\n## 2026-01-23 13:08 - ${id}\\n- Written\\n---\\n`;
  const command = [
    `echo "# ${id}" > ${id}.md`,
    `node -e '${mark}'`,
    `printf '${note}' >> ${prd.replace("prd.json", "progress.txt")}`,
    "git add --all",
    `git commit --quiet -m "feat: ${id}"`,
  ].join(" && ");
  return { kind: "tool", tool: "Bash", input: { command }, text: `Working on ${id}` };
}

Deno.test({
  name: `ralph run completes a whole PRD with the real Claude Code${why}`,
  ignore,
  async fn() {
    await using repo = await tempRepo();
    await using model = await scriptedModel(work);
    const home = join(repo.path, ".git", "home");
    const dir = join(repo.path, "tasks", "job");
    await mkdir(join(repo.path, "src"), { recursive: true });
    await mkdir(dir, { recursive: true });
    // The user's own PRD with its 11 stories, if it is available.
    if (existsSync(SEED)) await copyFile(SEED, join(dir, "prd.md"));
    else await writeFile(join(dir, "prd.md"), DEMO_PRD);
    const config = join(home, ".config", "ralph");
    await mkdir(config, { recursive: true });
    await writeFile(
      join(config, "config.toml"),
      `[agents.claude]\nprogram = ${JSON.stringify(program)}\n`,
    );
    const env = claudeEnvironment(model.url, home);
    const options = { cwd: join(repo.path, "src"), home, env };
    assertEquals((await ralph(["convert", "job"], options)).code, 0);
    await git(repo.path, "add", "--all");
    await git(repo.path, "commit", "-qm", "docs: the PRD");

    const { code, stdout, stderr } = await ralph(["run", "job", "--yolo", "--json"], options);
    assertEquals(code, 0, stderr + stdout.slice(-2_000));
    const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as LoopEvent);
    const prd = await readPrd(join(dir, "prd.json"));
    const total = prd.stories.length;
    assert(prd.stories.every((story) => story.passes));
    const finished = events.filter((event) => event.type === "iteration_finished");
    assertEquals(finished.map(({ passed }) => passed), prd.stories.map(({ id }) => [id]));
    assertEquals(finished.map(({ commits }) => commits), prd.stories.map(() => 1));
    const usage = events.flatMap((event) =>
      event.type === "agent" && event.event.kind === "usage" ? [event.event.usage] : []
    );
    assertGreater(usage.length, total);
    const last = events.at(-1);
    assert(last?.type === "loop_finished");
    assertEquals(last.result.usage.outputTokens, total * 400);
    assertGreater(last.result.usage.costUsd ?? 0, 0);
    const log = await git(repo.path, "log", "--format=%s", "main..ralph/job");
    assertEquals(log.split("\n").length, total);
    assertEquals(await git(repo.path, "status", "--porcelain"), "");
    const progress = parseProgress(await readFile(join(dir, "progress.txt"), "utf8"));
    assertEquals(progress.entries.filter(({ kind }) => kind === "story").length, total);
    const shown = await ralph(["show", "job"], options);
    assertStringIncludes(shown.stdout, "completed");
  },
});

import { basename, join, relative, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Agent, AgentStartOptions } from "../agent.ts";
import type { AgentEvent } from "../../event/agent_event.ts";
import { inProcessRun } from "../process/in_process_run.ts";
import { editPrd, setStoryPasses } from "../../task/prd/edit_prd.ts";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { readTextFile } from "../../base/read_text_file.ts";
import { formatProgressEntry } from "../../task/progress/format_progress_entry.ts";
import { localTime } from "../../base/local_time.ts";
import type { Story } from "../../task/prd/prd.ts";
import { GitError, runGit } from "../../git/run_git.ts";

/** Options for {@linkcode createDemo}. */
export interface DemoOptions {
  /** Minimum duration of a story, in milliseconds. @default {800} */
  storyMs?: number | undefined;
  /** The file of the PRD in the task folder. @default {"prd.json"} */
  prdFile?: string | undefined;
  /** The time in milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
}

const STEPS = 5;

/**
 * Creates the agent that shows how ralph works, without a model, a network or an account.
 *
 * For its story it writes `demo/<id>.md`, ticks the criteria, sets the story to passed, adds to
 * `progress.txt` and commits, in any git repository and any dialect of prd.json.
 *
 * @example Usage
 * ```ts
 * import { createDemo } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const demo = createDemo({ storyMs: 0 });
 * assertEquals(await demo.probe({ env: {} }), { available: true });
 * ```
 *
 * @returns The agent, named `demo`.
 */
export function createDemo(options: DemoOptions = {}): Agent {
  return {
    name: "demo",
    probe: () => Promise.resolve({ available: true }),
    start: (start) => inProcessRun((signal) => demoStory(options, start, signal), start),
  };
}

async function* demoStory(
  options: DemoOptions,
  start: AgentStartOptions,
  signal: AbortSignal,
): AsyncGenerator<AgentEvent, void, void> {
  const { storyMs = 800, prdFile = "prd.json", now = Date.now } = options;
  const { story, cwd, taskDir } = start;
  const pause = () => sleep(storyMs / STEPS, undefined, { signal });
  const prd = `${taskDir}/${prdFile}`;

  yield { kind: "text", text: `Working on ${story.id}: ${story.title}` };
  await pause();
  const file = await writeDemoFile(story, cwd);
  yield { kind: "tool", tool: "Write", detail: file };
  yield { kind: "tool_result", failed: false, detail: `Wrote ${file}` };
  await pause();
  const ticked = await tickCriteria(prd, story, { signal });
  yield { kind: "tool", tool: "Edit", detail: basename(prd) };
  yield { kind: "tool_result", failed: false, detail: `Ticked ${ticked} criteria` };
  await pause();
  await setStoryPasses(prd, story.id, true, { signal });
  yield { kind: "tool", tool: "Edit", detail: basename(prd) };
  yield { kind: "tool_result", failed: false, detail: `Set ${story.id} to passed` };
  await pause();
  const progress = await writeDemoProgress(taskDir, { story, file, time: new Date(now()) });
  const message = `feat: ${story.id} - ${story.title}`;
  yield { kind: "tool", tool: "Bash", detail: `git commit -m ${JSON.stringify(message)}` };
  const commit = await commitDemo([file, prd, progress], { cwd, message, signal });
  yield { kind: "tool_result", failed: false, detail: commit };
  await pause();
  yield { kind: "text", text: `${story.id} is done` };
}

const CRITERIA_KEYS = ["acceptanceCriteria", "acceptance", "steps", "testSteps", "actionItems"];

/**
 * Writes the demo agent's file for a story.
 *
 * @param cwd The root of the repository.
 * @returns The path of the file, relative to the root.
 */
async function writeDemoFile(story: Story, cwd: string): Promise<string> {
  const file = `demo/${safeFileName(story.id)}.md`;
  const list = story.criteria.map((it) => `- [x] ${it.description}\n`).join("");
  const parts = [`# ${story.id}: ${story.title}\n`];
  if (story.description !== "") parts.push(`${story.description}\n`);
  if (list !== "") parts.push(list);
  await mkdir(join(cwd, "demo"), { recursive: true });
  await writeFile(join(cwd, file), parts.join("\n"));
  return file;
}

/**
 * An id may be any text: characters that could leave the folder or are awkward in a name become
 * `-`.
 */
function safeFileName(id: string): string {
  const name = id.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[.-]+/, "").slice(0, 80);
  return name === "" ? "story" : name;
}

/**
 * Marks the criteria of a story as passed; plain strings cannot be marked.
 *
 * @param file The file of the PRD.
 * @param options A signal that cancels the edit.
 * @returns How many criteria were changed.
 */
async function tickCriteria(
  file: string,
  story: Story,
  options: { signal?: AbortSignal } = {},
): Promise<number> {
  let raw: unknown = JSON.parse(await readTextFile(file));
  for (const key of story.path) raw = (raw as Record<string | number, unknown> | undefined)?.[key];
  let changed = 0;
  for (const key of CRITERIA_KEYS) {
    const list = (raw as Record<string, unknown> | undefined)?.[key];
    if (!Array.isArray(list)) continue;
    for (const [index, criterion] of list.entries()) {
      if (typeof criterion !== "object" || criterion === null) continue;
      const path = [...story.path, key, index, "passes"];
      if (await editPrd(file, path, true, options)) changed++;
    }
  }
  return changed;
}

/**
 * Appends the entry of a story to `progress.txt`, as agents do.
 *
 * @param entry The story, its file, and the time.
 * @returns The path of `progress.txt`.
 */
async function writeDemoProgress(
  taskDir: string,
  entry: { story: Story; file: string; time: Date },
): Promise<string> {
  const { story, file, time } = entry;
  const path = join(taskDir, "progress.txt");
  const header = "# Ralph Progress Log\n" +
    `Effort: ${basename(taskDir)}\nType: Feature\nStarted: ${localTime(time).slice(0, 10)}\n---\n`;
  // Fails if the file exists, which is the usual case.
  await writeFile(path, header, { flag: "wx" }).catch(() => {});
  const body = [
    `- Wrote \`${file}\` with the title and the criteria of the story`,
    `- Files changed: ${file}`,
    "- **Learnings for future iterations:**",
    "  - The demo agent needs no model: it shows the loop, not the work",
  ].join("\n");
  const text = formatProgressEntry({ kind: "story", story: story.id, body }, time);
  await appendFile(path, `\n${text}`);
  return path;
}

/**
 * Commits the given files, and nothing else that may be staged.
 *
 * Files outside the repository and ignored ones are left out. Without an identity in git's config,
 * the demo's is used.
 *
 * @param options The root of the repository, the message, and a signal.
 * @returns What was committed, in words.
 * @throws {GitError} If git fails.
 */
async function commitDemo(
  files: string[],
  options: { cwd: string; message: string; signal: AbortSignal },
): Promise<string> {
  const { cwd, message, signal } = options;
  const git = (...args: string[]) => runGit(args, { cwd, signal });
  const paths: string[] = [];
  for (const file of files) {
    const path = relative(cwd, resolve(cwd, file));
    if (!path.startsWith("..") && !await succeeds(git("check-ignore", "--quiet", "--", path))) {
      paths.push(path);
    }
  }
  if (paths.length === 0) return "Nothing to commit";
  await git("add", "--", ...paths);
  if ((await git("status", "--porcelain", "--", ...paths)).trim() === "") {
    return "Nothing to commit";
  }
  const identity = await succeeds(git("var", "GIT_COMMITTER_IDENT"))
    ? []
    : ["-c", "user.name=ralph demo", "-c", "user.email=demo@ralph.invalid"];
  // Signing could ask for a passphrase, and nobody is there to type it.
  await git(...identity, "-c", "commit.gpgSign=false", "commit", "-qm", message, "--", ...paths);
  return `Committed ${(await git("rev-parse", "--short", "HEAD")).trim()}`;
}

async function succeeds(run: Promise<string>): Promise<boolean> {
  try {
    await run;
    return true;
  } catch (error) {
    if (error instanceof GitError && error.exitCode !== null) return false;
    throw error;
  }
}

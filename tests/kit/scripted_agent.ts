import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Agent } from "../../lib/agent/agent.ts";
import { createCommand } from "../../lib/agent/command/command.ts";
import type { LoopEvent, LoopResult } from "../../lib/event/loop_event.ts";
import { resolveTask } from "../../lib/task/resolve_task.ts";
import type { Task } from "../../lib/task/task.ts";
import { tempRepo } from "./testing.ts";

/** Agents and tasks for loop tests: real programs with numbered replies, in real repositories. */

/** A program whose n-th call does what the n-th reply says; the last reply is repeated. */
export interface ScriptedAgent {
  /** The command line. */
  command: string[];
  /** How many calls there were so far. */
  calls(): Promise<number>;
  /** The prompt of a call, from 1. */
  prompt(call: number): Promise<string>;
}

/**
 * Writes a scripted agent. A reply is a piece of shell, run in the repository; `pass US-001` in it
 * marks a story as passed in the `$PRD` of the task, and `work NAME` commits a file.
 */
export async function scriptedAgent(
  folder: string,
  replies: readonly string[],
): Promise<ScriptedAgent> {
  await mkdir(folder, { recursive: true });
  const program = join(folder, "agent.sh");
  const cases = replies.map((reply, i) =>
    `${i === replies.length - 1 ? "*" : i + 1})\n${reply}\n;;`
  );
  await writeFile(
    program,
    `#!/bin/sh
cat > "${folder}/prompt.tmp"
n=$(( $(cat "${folder}/calls" 2>/dev/null || echo 0) + 1 ))
echo $n > "${folder}/calls"
mv "${folder}/prompt.tmp" "${folder}/prompt.$n"
PRD=$(ls tasks/*/prd.json | head -n 1)
pass() {
  sed "/\\"id\\": *\\"$1\\"/s/\\"passes\\": *false/\\"passes\\": true/" "$PRD" > "$PRD.new" && mv "$PRD.new" "$PRD"
}
work() { echo "$1" >> "$1.txt"; git add --all && git commit --quiet -m "feat: $1"; }
case $n in
${cases.join("\n")}
esac
`,
  );
  await chmod(program, 0o755);
  return {
    command: [program],
    calls: async () => Number(await readFile(join(folder, "calls"), "utf8").catch(() => "0")),
    prompt: (call) => readFile(join(folder, `prompt.${call}`), "utf8"),
  };
}

/** One story of {@linkcode taskRepo}; ids alone get defaults. */
export type StoryInput = { id: string; passes?: boolean } & Record<string, unknown>;

/** A repository with one committed task. */
export interface TaskRepo extends AsyncDisposable {
  /** Its root. */
  root: string;
  /** A folder beside the repository's own files that git does not see. */
  outside: string;
  /** The task `job`. */
  task: Task;
  /** Runs git in it. */
  git(...args: string[]): Promise<string>;
}

/** Creates a repository with a task `job` of these stories, one story a line. */
export async function taskRepo(
  stories: readonly StoryInput[],
  prd: Record<string, unknown> = {},
): Promise<TaskRepo> {
  const dir = await tempRepo();
  const root = join(dir.path, "repo");
  await promisify(execFile)("git", ["clone", "--quiet", dir.path, root]);
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)("git", args, { cwd: root })).stdout;
  await git("config", "user.name", "Tester");
  await git("config", "user.email", "tester@example.com");
  await git("config", "commit.gpgsign", "false");
  await mkdir(join(root, "tasks", "job"), { recursive: true });
  const lines = stories.map((story, i) =>
    JSON.stringify({ title: `Story ${story.id}`, passes: false, priority: i + 1, ...story })
  );
  const head = JSON.stringify({ project: "job", ...prd }).slice(0, -1);
  await writeFile(
    join(root, "tasks", "job", "prd.json"),
    `${head},"userStories":[\n${lines.join(",\n")}\n]}\n`,
  );
  await git("add", "--all");
  await git("commit", "--quiet", "-m", "The task");
  return {
    root,
    outside: dir.path,
    task: await resolveTask("job", { cwd: root }),
    git,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

/** An agent that runs a scripted program. */
export function asAgent(name: string, { command }: ScriptedAgent): Agent {
  return createCommand(name, { command });
}

/** Reads a loop to its end. */
export async function collect(
  loop: AsyncGenerator<LoopEvent, LoopResult>,
): Promise<{ events: LoopEvent[]; result: LoopResult }> {
  const events: LoopEvent[] = [];
  for (;;) {
    const next = await loop.next();
    if (next.done) return { events, result: next.value };
    events.push(next.value);
  }
}

import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Agent, AgentStartOptions } from "./agent.ts";
import type { AgentEvent } from "../event/agent_event.ts";
import { commitDemo, tickCriteria, writeDemoFile, writeDemoProgress } from "./demo_work.ts";
import { inProcessRun } from "./in_process_run.ts";
import { setStoryPasses } from "../task/prd/edit_prd.ts";

/** Options for {@linkcode createDemo}. */
export interface DemoOptions {
  /** How long a story takes at least, in milliseconds. @default {800} */
  storyMs?: number;
  /** The file of the PRD in the task folder. @default {"prd.json"} */
  prdFile?: string;
  /** The time in milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

const STEPS = 5;

/**
 * Makes the agent that shows how ralph works: without a model, a network or an account.
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
 * @param options Additional options.
 * @returns The agent, named `demo`.
 */
export function createDemo(options: DemoOptions = {}): Agent {
  return {
    name: "demo",
    probe: () => Promise.resolve({ available: true }),
    start: (start) =>
      inProcessRun((signal) => demoStory(options, start, signal), {
        ...(start.signal && { signal: start.signal }),
      }),
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

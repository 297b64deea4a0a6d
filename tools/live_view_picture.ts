import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Agent } from "../lib/agent/agent.ts";
import type { AgentEvent } from "../lib/event/agent_event.ts";
import { createDemo } from "../lib/agent/demo/demo.ts";
import { DEMO_PRD } from "../lib/cli/command/work/demo.ts";
import type { LoopEvent } from "../lib/event/loop_event.ts";
import { runLoop } from "../lib/loop/run_loop.ts";
import { convertPrd } from "../lib/task/markdown/convert_prd.ts";
import { resolveTask } from "../lib/task/resolve_task.ts";
import { runGit } from "../lib/git/run_git.ts";
import { reduceView } from "../lib/ui/live/reduce_view.ts";
import { renderView } from "../lib/ui/live/render_view.ts";
import { initialView } from "../lib/ui/live/view_state.ts";
import { terminalSvg } from "./terminal_svg.ts";

const COLUMNS = 80;
/** The story during which the picture is taken. */
const STORY = "US-002";
const STARTED_AT = Date.parse("2026-11-20T18:00:00Z");
/** How long each thing that the agent says or does seems to take. */
const STEP_MS = 1900;
/** How many of them are waited for, so that the view has a few lines to show. */
const STEPS_SEEN = 6;

/**
 * Runs the task of `ralph demo` in a repository of its own, and draws the live view in the
 * middle of it.
 *
 * The run is real; only its clock is not: it moves on by the same time with everything that the
 * agent does. With that clock, no settings of the user's git and {@linkcode FIXED_ENVIRONMENT}
 * in the process's environment even the commits have the same names in every run.
 */
export async function liveViewPicture(): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "ralph-picture-")));
  try {
    const { events, now } = await recordDemo(root);
    const lines = renderView(events.reduce(reduceView, initialView()), {
      columns: COLUMNS,
      rows: Infinity,
      now,
      color: true,
      timeZone: "UTC",
      keys: [
        { key: "d", label: "leave" },
        { key: "c", label: "checkpoint" },
        { key: "s", label: "stop" },
        { key: "r", label: "retry now" },
      ],
    });
    return terminalSvg(lines, { columns: COLUMNS, title: "ralph run demo" });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Variables that make commits the same in every run; set them before the process starts. */
export const FIXED_ENVIRONMENT: Readonly<Record<string, string>> = {
  TZ: "UTC",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_DEFAULT_HASH: "sha1",
  GIT_AUTHOR_NAME: "ralph demo",
  GIT_AUTHOR_EMAIL: "demo@localhost",
  GIT_AUTHOR_DATE: "2026-11-20T18:00:00Z",
  GIT_COMMITTER_NAME: "ralph demo",
  GIT_COMMITTER_EMAIL: "demo@localhost",
  GIT_COMMITTER_DATE: "2026-11-20T18:00:00Z",
};

/** The events of the demo up to the middle of {@linkcode STORY}, and the time of the last one. */
async function recordDemo(root: string): Promise<{ events: LoopEvent[]; now: number }> {
  const dir = join(root, "tasks", "demo");
  await mkdir(dir, { recursive: true });
  await runGit(["init", "--quiet", "--initial-branch=main"], { cwd: root });
  const { text } = convertPrd(DEMO_PRD, { task: "demo", taskDir: "tasks/demo" });
  await writeFile(join(dir, "prd.md"), DEMO_PRD);
  await writeFile(join(dir, "prd.json"), text);
  await runGit(["add", "--all"], { cwd: root });
  await runGit(["commit", "--quiet", "--message=docs: the PRD"], { cwd: root });

  let time = STARTED_AT;
  const now = (): number => time;
  const agent = onClock(createDemo({ storyMs: 0, now }), () => time += STEP_MS);
  const task = await resolveTask("demo", { cwd: root });
  const events: LoopEvent[] = [];
  let running = "";
  let seen = 0;
  for await (
    const event of runLoop({
      task,
      agents: [agent],
      agent: agent.name,
      limits: { iterations: 20 },
      now,
      monotonic: now,
    })
  ) {
    events.push(event);
    if (event.type === "iteration_started") running = event.story.id;
    if (event.type === "agent" && running === STORY) seen++;
    if (seen === STEPS_SEEN) break;
  }
  return { events, now: time };
}

/** An agent that moves a clock on before each of its events. */
function onClock(agent: Agent, tick: () => void): Agent {
  return {
    ...agent,
    start(options) {
      const run = agent.start(options);
      return { ...run, events: ticking(run.events, tick) };
    },
  };
}

async function* ticking(
  events: AsyncIterable<AgentEvent>,
  tick: () => void,
): AsyncGenerator<AgentEvent> {
  for await (const event of events) {
    tick();
    yield event;
  }
}

import { assertEquals } from "@std/assert";
import process from "node:process";
import type { AgentResult, AgentRun, AgentStartOptions } from "../../lib/agent/agent.ts";
import type { AgentEvent } from "../../lib/event/agent_event.ts";
import { isProcessGroupAlive } from "../../lib/base/end_processes.ts";
import type { Prd, Story } from "../../lib/task/prd/prd.ts";

/** Environment of test agents: nothing but PATH. */
export const TEST_ENV: Record<string, string> = { PATH: process.env.PATH ?? "/usr/bin:/bin" };

/** The result of a run. */
export interface Collected {
  events: AgentEvent[];
  result: AgentResult;
}

/** Reads a run to its end, and asserts that no process of its group is left. */
export async function collect(run: AgentRun): Promise<Collected> {
  const events = await Array.fromAsync(run.events);
  const result = await run.result;
  await assertGone(events);
  return { events, result };
}

/** Asserts that no process of the group that the events name is left. */
export async function assertGone(events: AgentEvent[]): Promise<void> {
  const process = events.find((it) => it.kind === "process");
  if (process) assertEquals(await isProcessGroupAlive(process.pid), false, "processes are left");
}

/** The lines of plain output of one stream. */
export function outputLines(events: AgentEvent[], stream: "stdout" | "stderr"): string[] {
  return events.flatMap((it) => it.kind === "output" && it.stream === stream ? [it.line] : []);
}

/** A story with the given fields. */
export function testStory(fields: Partial<Story> = {}): Story {
  return {
    id: "US-001",
    title: "First",
    description: "Do the first thing",
    criteria: [{ description: "It works", passes: false }],
    priority: 1,
    passes: false,
    notes: "",
    dependsOn: [],
    blocks: [],
    path: ["userStories", 0],
    ...fields,
  };
}

/** Start options with the given fields, for an agent that does not read its PRD. */
export function testStart(
  fields: Partial<AgentStartOptions> & { cwd: string },
): AgentStartOptions {
  const story = fields.story ?? testStory();
  const prd: Prd = {
    project: "Test",
    description: "",
    branchName: null,
    mergeTarget: null,
    autoMerge: false,
    pauseBetweenStories: false,
    notes: "",
    checks: [],
    phases: [],
    stories: [story],
  };
  return { prompt: "Do it", taskDir: fields.cwd, prd, story, env: TEST_ENV, ...fields };
}

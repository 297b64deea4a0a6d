import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDemo } from "../../../agent/demo/demo.ts";
import { convertPrd } from "../../../task/markdown/convert_prd.ts";
import { LoopControl } from "../../../loop/loop_control.ts";
import type { RunLoopOptions } from "../../../loop/loop_options.ts";
import { runLoop } from "../../../loop/run_loop.ts";
import { progressSink } from "../../../task/progress/progress_sink.ts";
import { resolveTask } from "../../../task/resolve_task.ts";
import { runGit } from "../../../git/run_git.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { showRun } from "../../run/show_run.ts";
import { stopOnSignals } from "../../terminal/signals.ts";

/** `ralph demo`: the main job in a throw-away repository. */
export const command: Command = {
  usage: "[options]",
  description:
    "Shows ralph at work in a throw-away git repository, without an account: a PRD in\n" +
    "markdown is converted, and the built-in demo agent runs over its stories.",
  operands: 0,
  examples: [["ralph demo", "about five seconds"]],
  options: [{ name: "json", help: "one event a line, as JSON" }],
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const json = line.has("json");
    const { stdout, env } = context;
    const say = (text: string): void => {
      if (!json) stdout.write(`${text}\n`);
    };
    const root = await mkdtemp(join(tmpdir(), "ralph-demo-"));
    const dir = join(root, "tasks", "demo");
    await mkdir(dir, { recursive: true });
    await runGit(["init", "--quiet", "--initial-branch=main"], { cwd: root });
    await runGit(["config", "user.name", "ralph demo"], { cwd: root });
    await runGit(["config", "user.email", "demo@localhost"], { cwd: root });
    await writeFile(join(dir, "prd.md"), DEMO_PRD);
    const { text, prd } = convertPrd(DEMO_PRD, { task: "demo", taskDir: "tasks/demo" });
    await writeFile(join(dir, "prd.json"), text);
    await runGit(["add", "--all"], { cwd: root });
    await runGit(["commit", "--quiet", "--message=docs: the PRD"], { cwd: root });
    say(`A throw-away repository: ${root}`);
    say(`tasks/demo/prd.md converted to prd.json: ${prd.stories.length} stories`);
    say("");
    const task = await resolveTask("demo", { cwd: root });
    const agent = createDemo();
    const loop = { task, agents: [agent], agent: agent.name, env, limits: { iterations: 20 } };
    const exitCode = await runUnrecorded(context, { loop, json });
    say("");
    say("Where to look:");
    say(`  git -C ${root} log --stat ralph/demo`);
    say(`  ${join(dir, "prd.json")}       what passes`);
    say(`  ${join(dir, "progress.txt")}   the agent's notes for the next one`);
    return exitCode;
  },
};

/** Runs a loop in this process without recording a session, for a throw-away repository. */
async function runUnrecorded(
  context: CommandContext,
  { loop, json }: { loop: RunLoopOptions; json: boolean },
): Promise<number> {
  const control = new LoopControl();
  using _signals = stopOnSignals(control);
  await using progress = progressSink({ task: loop.task });
  const keys = [{ key: "Ctrl-C", label: "stop" }];
  const output = showRun(context, { task: loop.task.name, json, keys });
  {
    await using _output = output;
    for await (const event of runLoop({ ...loop, control })) {
      await progress.write(event);
      output.write(event);
    }
  }
  return output.finish();
}

/** The PRD of `ralph demo`, as a user would write it. */
export const DEMO_PRD = `# PRD: A pocket guide to tea

## Type
Feature

## Introduction

Three short pages about tea, to see how ralph works: one story at a time, each by a fresh
agent, each in a commit of its own.

## Goals

- A page for each kind of tea
- Nothing that needs an account

## User Stories

### US-001: Green tea
**Description:** As a reader, I want a page about green tea so that I do not burn it.

**Acceptance Criteria:**
- [ ] The page names the temperature of the water
- [ ] The page names the time

### US-002: Black tea
**Description:** As a reader, I want a page about black tea so that it wakes me up.

**Acceptance Criteria:**
- [ ] The page names the temperature of the water
- [ ] The page names the time
- [ ] Milk is mentioned

### US-003: Herbal tea
**Description:** As a reader, I want a page about herbal tea so that I can sleep.

**Acceptance Criteria:**
- [ ] The page names three herbs
- [ ] The page says that it is not tea

## Non-Goals

- Coffee

## Merge Target

None - leave as standalone branch.
`;

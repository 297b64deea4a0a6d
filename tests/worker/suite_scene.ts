import { assertEquals } from "@std/assert";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import type { Session } from "../../lib/session/model/session.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import {
  type RalphCall,
  type RalphOptions,
  type RalphResult,
  startRalph,
} from "../kit/ralph_process.ts";
import { scriptedAgent, type StoryInput, type TaskRepo, taskRepo } from "../kit/scripted_agent.ts";

/** Scenes for the suite of failing loops: scripted agents, and `ralph` as its users call it. */

/** Options of a scene. */
export interface SceneOptions {
  /** The stories of the task. @default {one story, `US-001`} */
  stories?: readonly StoryInput[];
  /** Further fields of prd.json. @default {none} */
  prd?: Record<string, unknown>;
  /** The replies of each agent, by name; the first is the default. `claude` mimics Claude Code. */
  agents: Record<string, readonly string[]>;
  /** Settings of the user's config.toml. @default {no backoff} */
  settings?: Record<string, unknown>;
  /** Further lines of the table of an agent, by name, or the table of one more. @default {none} */
  tables?: Record<string, string>;
  /** The requested agent. @default {the first} */
  ask?: string;
}

/** A task with its agents, and `ralph` on it. */
export interface Scene extends AsyncDisposable {
  repo: TaskRepo;
  /** How `ralph` is called there. */
  options: RalphOptions;
  /** Runs the task, in the foreground by default, and asserts that no process is left. */
  run(...args: string[]): Promise<RalphResult & { events: LoopEvent[]; ms: number }>;
  /** Starts any command of `ralph`. */
  start(...args: string[]): RalphCall;
  /** How often each agent was called. */
  calls(): Promise<Record<string, number>>;
  /** The prompt of a call of an agent. */
  prompt(agent: string, call: number): Promise<string>;
  /** The text of progress.txt. */
  progress(): Promise<string>;
  /** The sessions, newest first. */
  sessions(): Session[];
}

/** Creates a scene without any agent, setting or session of the user. */
export async function suiteScene(scene: SceneOptions): Promise<Scene> {
  const { stories = [{ id: "US-001" }], prd = {}, settings = {}, tables = {} } = scene;
  const repo = await taskRepo(stories, prd);
  const names = Object.keys(scene.agents);
  const scripts = new Map(
    await Promise.all(names.map(async (name) =>
      [
        name,
        await scriptedAgent(join(repo.outside, "agents", name), scene.agents[name] ?? []),
      ] as const
    )),
  );
  const home = join(repo.outside, "home");
  const folder = join(home, ".config", "ralph");
  await mkdir(folder, { recursive: true });
  const lines = Object.entries({ trust: [tmpdir()], failover: names, backoff: "0", ...settings })
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  for (const name of new Set([...names, ...Object.keys(tables)])) {
    lines.push(`[agents.${name}]`, tables[name] ?? "");
    const command = scripts.get(name)?.command;
    if (command === undefined) continue;
    lines.push(
      name === "claude"
        ? `program = ${JSON.stringify(await readsOneLine(command[0] ?? ""))}`
        : `command = ${JSON.stringify(command)}`,
    );
  }
  await writeFile(join(folder, "config.toml"), `${lines.join("\n")}\n`);
  const options: RalphOptions = { cwd: repo.root, home };
  const { ask = names[0] ?? "demo" } = scene;
  return {
    repo,
    options,
    start: (...args) => startRalph(args, options),
    async run(...args) {
      const at = performance.now();
      const chosen = ["--detach", "--foreground", "--worker"].some((each) => args.includes(each));
      const mode = chosen ? [] : ["--foreground"];
      const agent = args.includes("-a") ? [] : ["-a", ask];
      const given = args.filter((arg) => arg !== "--worker");
      const result = await startRalph(["run", "job", ...agent, ...mode, ...given], options)
        .result;
      const ms = performance.now() - at;
      await assertNothingLeft(home);
      return { ...result, ms, events: args.includes("--json") ? eventsOf(result.stdout) : [] };
    },
    async calls() {
      const counts = names.map(async (name) => [name, await scripts.get(name)?.calls() ?? 0]);
      return Object.fromEntries(await Promise.all(counts));
    },
    prompt: async (agent, call) => await scripts.get(agent)?.prompt(call) ?? "",
    progress: () => readFile(repo.task.progressFile, "utf8"),
    sessions() {
      using registry = openRegistry({ path: sessionPaths({ HOME: home }).database });
      return registry.findSessions({});
    },
    [Symbol.asyncDispose]: () => repo[Symbol.asyncDispose](),
  };
}

/** Claude Code gets its prompt as a line, and further lines while it runs: its stdin stays open. */
async function readsOneLine(program: string): Promise<string> {
  const wrapper = `${program}.claude`;
  const script = `[ "$1" = --version ] && exec echo 2.1.0\nhead -n 1 | "${program}"`;
  await writeFile(wrapper, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return wrapper;
}

/** Reads the events that `--json` printed. */
export function eventsOf(stdout: string): LoopEvent[] {
  return stdout.split("\n").flatMap((line) => line === "" ? [] : [JSON.parse(line) as LoopEvent]);
}

/**
 * A limit in Claude Code's words, which resets between two and three hours from now, as the hour
 * of a clock in UTC, in which `ralph` runs here.
 */
export function limitWords(): { words: string; hour: number } {
  const hour = new Date(Date.now() + 3 * 3_600_000).getUTCHours();
  const clock = `${hour % 12 === 0 ? 12 : hour % 12}${hour < 12 ? "am" : "pm"}`;
  return { words: `You've hit your limit · resets ${clock}`, hour };
}

/** Picks the events of one type. */
export function ofType<Type extends LoopEvent["type"]>(
  events: readonly LoopEvent[],
  type: Type,
): Extract<LoopEvent, { type: Type }>[] {
  return events.filter((event) => event.type === type) as Extract<LoopEvent, { type: Type }>[];
}

/** Waits until a condition is true; only the test's own time limit ends it otherwise. */
export async function until<T>(look: () => Promise<T> | T): Promise<Exclude<T, false | undefined>> {
  for (;;) {
    const found = await look();
    if (found !== false && found !== undefined) return found as Exclude<T, false | undefined>;
    await delay(10);
  }
}

/** Waits for words on the output of a call. */
export function seen(call: RalphCall, words: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    call.child.stdout?.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes(words)) resolve(text);
    });
    call.result.then(({ stdout, stderr }) =>
      reject(new Error(`Ended before "${words}": ${stdout}${stderr}`))
    );
  });
}

/** How long the last process may outlive `ralph`: a worker writes its last events first. */
const LEAVING_MS = 1_500;

/**
 * Asserts that no process is left that `ralph` has started: all of them inherit HOME, which no two
 * scenes share, also those that left their process group.
 */
export async function assertNothingLeft(home: string): Promise<void> {
  if (process.platform !== "linux") return;
  const end = performance.now() + LEAVING_MS;
  for (;;) {
    const left = await processesOf(home);
    if (left.length === 0) return;
    if (performance.now() > end) assertEquals(left, [], "processes are left");
    await delay(20);
  }
}

/** The processes, zombies aside, whose HOME is this folder. */
export async function processesOf(home: string): Promise<{ pid: number; command: string }[]> {
  const found: { pid: number; command: string }[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
    if (!(await read("environ")).split("\0").includes(`HOME=${home}`)) continue;
    const stat = await read("stat");
    const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
    if (state === "" || state === "Z" || state === "X") continue;
    found.push({ pid: Number(pid), command: (await read("cmdline")).replaceAll("\0", " ").trim() });
  }
  return found;
}

/** A line of Claude Code's stream of JSON, as a piece of shell that prints it. */
export function says(message: Record<string, unknown>): string {
  return `printf '%s\\n' '${JSON.stringify(message).replaceAll("'", "'\\''")}'`;
}

/** The end of a run of Claude Code that went well, as a piece of shell. */
export function claudeResult(result: string, more: Record<string, unknown> = {}): string {
  return says({ type: "result", subtype: "success", is_error: false, result, ...more });
}

/** How the real Claude Code reacts to a failing service, and how the loop reacts to that. */

import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import { writeControl } from "../../lib/worker/control_file.ts";
import {
  assertNothingLeft,
  eventsOf,
  limitWords,
  ofType,
  processesOf,
  type Scene,
  seen,
  suiteScene,
  until,
} from "../worker/suite_scene.ts";
import { claudeEnvironment, findClaude } from "./claude_testing.ts";
import {
  type ModelReply,
  type ModelRequest,
  type ScriptedModel,
  scriptedModel,
} from "./scripted_model.ts";

const program = await findClaude();
const ignore = program === undefined;
const why = ignore ? " (skipped: no claude on PATH or in RALPH_TEST_CLAUDE)" : "";

const OTHER = 'sed -i \'s/"passes":false/"passes":true/\' tasks/job/prd.json; work other';

interface ClaudeScene extends Scene {
  model: ScriptedModel;
  /** Runs the task with everything allowed, and returns its events. */
  loop(...args: string[]): Promise<{ code: number | null; events: LoopEvent[] }>;
}

/** A task for the real Claude Code, and perhaps another agent that does it at once. */
async function claudeScene(
  script: (request: ModelRequest, step: number) => ModelReply,
  options: {
    other?: boolean;
    settings?: Record<string, unknown>;
    args?: string[];
    /** Leaves Claude Code its own ten retries. */
    retries?: boolean;
  } = {},
): Promise<ClaudeScene> {
  const model = await scriptedModel(script);
  const it = await suiteScene({
    agents: options.other ? { other: [OTHER] } : {},
    ask: "claude",
    settings: {
      failover: options.other ? ["claude", "other"] : ["claude"],
      ...options.settings,
    },
    tables: {
      claude: `program = ${JSON.stringify(program)}\nargs = ${JSON.stringify(options.args ?? [])}`,
    },
  });
  const { CLAUDE_CODE_MAX_RETRIES, ...env } = claudeEnvironment(model.url, it.options.home);
  Object.assign(it.options, { env: options.retries ? env : { ...env, CLAUDE_CODE_MAX_RETRIES } });
  return {
    ...it,
    model,
    async loop(...args) {
      const { code, events } = await it.run("--yolo", "--json", ...args);
      return { code, events };
    },
    async [Symbol.asyncDispose]() {
      await model[Symbol.asyncDispose]();
      await it[Symbol.asyncDispose]();
    },
  };
}

/** Does the story, with one call of a tool. */
function work({ body }: ModelRequest): ModelReply {
  if (JSON.stringify(body.messages).includes('"tool_result"')) {
    return { kind: "text", text: "Done" };
  }
  const command =
    `sed -i 's/"passes":false/"passes":true/' tasks/job/prd.json && git commit -qam it`;
  return { kind: "tool", tool: "Bash", input: { command } };
}

function endings(events: LoopEvent[]): string[] {
  return ofType(events, "iteration_finished").map(({ agent, ending }) => `${agent} ${ending.kind}`);
}

const { words, hour } = limitWords();
const LIMIT: ModelReply = { kind: "error", status: 429, message: words };
const SLOW_DOWN: ModelReply = {
  kind: "error",
  status: 429,
  message: "slow down",
  headers: { "retry-after": "1" },
};

function e2e(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `${name}${why}`, ignore, fn });
}

e2e("claude with status 429: the loop waits visibly for the cool-down, and goes on", async () => {
  // Claude Code itself asks a second time after a second.
  await using it = await claudeScene(
    (request, step) => step < 2 ? SLOW_DOWN : work(request),
    { settings: { cool_down: "2s" } },
  );
  const { code, events } = await it.loop();
  assertEquals(code, 0);
  assertEquals(endings(events), ["claude rate_limit", "claude ok"]);
  const [waiting, more] = ofType(events, "waiting");
  assert(waiting !== undefined && more === undefined);
  assertStringIncludes(waiting.reason, "slow down");
  assert(waiting.until > Date.parse(waiting.time));
  assertEquals(ofType(events, "waited").map(({ cancelled }) => cancelled), [false]);
  assertEquals(ofType(events, "failed_over"), []);
});

e2e("claude at its usage limit: the loop fails over to another agent at once", async () => {
  await using it = await claudeScene(() => LIMIT, { other: true });
  const { code, events } = await it.loop();
  assertEquals(code, 0);
  assertEquals(endings(events), ["claude rate_limit", "other ok"]);
  const [first] = ofType(events, "iteration_finished");
  assert(first?.ending.kind === "rate_limit");
  const reset = new Date(first.ending.retryAt ?? 0);
  assertEquals([reset.getUTCHours(), reset.getUTCMinutes()], [hour, 0]);
  const progress = await it.progress();
  assertMatch(progress, /FAILOVER\n- \*\*From agent:\*\* claude\n/);
  assertStringIncludes(progress, words);
});

e2e(
  "claude at its usage limit, alone: the wait says until when, and ends on request",
  async () => {
    await using it = await claudeScene((request, step) => step < 2 ? LIMIT : work(request));
    const call = it.start("run", "job", "-a", "claude", "--yolo", "--json");
    const text = await seen(call, '"type":"waiting"');
    const [waiting] = ofType(eventsOf(text.slice(0, text.lastIndexOf("\n"))), "waiting");
    assertEquals(new Date(waiting?.until ?? 0).getUTCHours(), hour);
    const { sessionsDir } = sessionPaths({ HOME: it.options.home });
    await writeControl(join(sessionsDir, it.sessions()[0]?.id ?? ""), { kind: "retry" });
    const { code, stdout } = await call.result;
    await assertNothingLeft(it.options.home);
    assertEquals(code, 0);
    assertEquals(endings(eventsOf(stdout)), ["claude rate_limit", "claude ok"]);
    assertEquals(ofType(eventsOf(stdout), "waited").map(({ cancelled }) => cancelled), [true]);
  },
);

e2e(
  "claude with status 529: the loop backs off twice, and switches at the third time",
  async () => {
    await using it = await claudeScene(
      () => ({ kind: "error", status: 529, message: "Overloaded" }),
      { other: true, settings: { backoff: "0.4s" } },
    );
    const { code, events } = await it.loop();
    assertEquals(code, 0);
    assertEquals(endings(events), [
      "claude overloaded",
      "claude overloaded",
      "claude overloaded",
      "other ok",
    ]);
    assertEquals(ofType(events, "waiting").length, 2);
    assertEquals(ofType(events, "failed_over").map(({ failuresInRow }) => failuresInRow), [3]);
  },
);

e2e(
  "claude with status 401: its ten retries are cut short, and the loop fails over to another agent",
  async () => {
    await using it = await claudeScene(
      () => ({ kind: "error", status: 401, message: "invalid x-api-key" }),
      { other: true, retries: true },
    );
    const { code, events } = await it.loop();
    assertEquals(code, 0);
    assertEquals(endings(events), ["claude auth", "other ok"]);
    const [refused] = ofType(events, "iteration_finished");
    // Ten retries take three minutes.
    assert(refused !== undefined);
    assertLess(refused.durationMs, 30_000);
  },
);

e2e("claude with status 401, alone: the loop fails, and says why", async () => {
  await using it = await claudeScene(() => ({ kind: "error", status: 401, message: "no" }));
  const { code, events } = await it.loop();
  assertEquals(code, 1);
  assertEquals(endings(events), ["claude auth"]);
  const end = events.at(-1);
  assert(end?.type === "loop_finished");
  assertEquals(end.result.reason, "no agent is left");
  assertMatch(end.result.details.join("\n"), /^claude: .*401 no$/);
});

e2e("claude whose model hangs is ended with its group, and retried", async () => {
  await using it = await claudeScene(
    (request, step) => step === 0 ? { kind: "hang" } : work(request),
    { settings: { stall_timeout: "4s" } },
  );
  const { code, events } = await it.loop();
  assertEquals(code, 0);
  assertEquals(endings(events), ["claude stalled", "claude ok"]);
});

e2e("claude whose answers break off is not a success, and is retried", async () => {
  await using it = await claudeScene((request, step) =>
    // Claude Code retries without a stream after a broken one.
    step < 2 ? { kind: "truncated", text: "half an ans" } : work(request)
  );
  const { code, events } = await it.loop();
  assertEquals(code, 0);
  assertEquals(endings(events), ["claude overloaded", "claude ok"]);
});

const HANGING_TOOL: ModelReply = {
  kind: "tool",
  tool: "Bash",
  input: { command: "sleep 301 & sleep 300" },
};

e2e("claude that is silent because its tool hangs is ended with the tool's processes", async () => {
  await using it = await claudeScene(
    (request, step) => step === 0 ? HANGING_TOOL : work(request),
    { settings: { stall_timeout: "4s" } },
  );
  const { code, events } = await it.loop();
  assertEquals(code, 0);
  assertEquals(endings(events), ["claude stalled", "claude ok"]);
});

e2e("claude and its running tool are gone within a second of SIGTERM", async () => {
  await using it = await claudeScene(() => HANGING_TOOL);
  const call = it.start("run", "job", "-a", "claude", "--yolo", "--json", "--foreground");
  await until(async () =>
    (await processesOf(it.options.home)).some(({ command }) => command === "sleep 300")
  );
  const at = performance.now();
  process.kill(call.child.pid ?? 0, "SIGTERM");
  assertEquals((await call.result).code, 143);
  assertLess(performance.now() - at, 1_000);
  await assertNothingLeft(it.options.home);
});

/** Hooks of the user and of the project; each says in a file that it ran. */
async function writeHooks(it: Scene): Promise<string> {
  const ran = join(it.repo.outside, "hooks-ran");
  const settings = (whose: string, more: Record<string, unknown> = {}): string => {
    const hook = { hooks: [{ type: "command", command: `echo ${whose} >> ${ran}` }] };
    return JSON.stringify({ hooks: { Stop: [hook], SessionStart: [hook] }, ...more });
  };
  for (const folder of [it.options.home, it.repo.root]) {
    await mkdir(join(folder, ".claude"), { recursive: true });
  }
  const user = settings("user", { model: "from-user", enabledPlugins: { "a@b": true } });
  await writeFile(join(it.options.home, ".claude", "settings.json"), user);
  await writeFile(join(it.repo.root, ".claude", "settings.json"), settings("project"));
  return ran;
}

e2e(
  "point 16: the user's hooks do not run in the agent, but other settings apply",
  async () => {
    await using it = await claudeScene(work);
    const ran = await writeHooks(it);
    assertEquals((await it.loop()).code, 0);
    assertEquals(await readFile(ran, "utf8"), "project\nproject\n");
    const models = it.model.requests.flatMap(({ body }) => body.tools?.length ? [body.model] : []);
    assertEquals([...new Set(models)], ["from-user"]);
  },
);

e2e("point 16: the user's hooks run if the config asks for them", async () => {
  await using it = await claudeScene(work, {
    args: ["--setting-sources", "user,project,local"],
  });
  const ran = await writeHooks(it);
  assertEquals((await it.loop()).code, 0);
  const lines = (await readFile(ran, "utf8")).trim().split("\n").sort();
  assertEquals(lines, ["project", "project", "user", "user"]);
});

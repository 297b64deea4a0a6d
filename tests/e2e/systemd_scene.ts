/** Scenes under a systemd user manager: run by systemd_test.ts, inside systemd_user.sh. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { checkHealth } from "../../lib/agent/opencode/server/check_health.ts";
import { resolveServerAddress } from "../../lib/agent/opencode/server/address.ts";
import { readUnitState } from "../../lib/agent/opencode/server/unit_state.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import { ralph, type RalphOptions, startRalph } from "../kit/ralph_process.ts";
import { type TaskRepo, taskRepo } from "../kit/scripted_agent.ts";
import { type ChatModel, chatModel, type ChatReply, type ChatRequest } from "./opencode_model.ts";
import { configureOpencode, OPENCODE, workOnStory } from "./opencode_testing.ts";

const { HOME = "", DENO_DIR = "" } = process.env;
const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));

interface Scene extends AsyncDisposable {
  repo: TaskRepo;
  model: ChatModel;
  options: RalphOptions & { env: Record<string, string> };
  /** Runs a command line as a user would type it. */
  type(line: string): Promise<string>;
}

async function scene(
  script: readonly ChatReply[] | ((request: ChatRequest, step: number) => ChatReply),
): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const repo = stack.use(await taskRepo([{ id: "US-001" }, { id: "US-002" }, { id: "US-003" }]));
  const model = stack.use(await chatModel(script));
  await configureOpencode(HOME, model.url);
  const config = join(HOME, ".config", "ralph");
  await mkdir(config, { recursive: true });
  await writeFile(join(config, "config.toml"), 'failover = ["opencode"]\nbackoff = "0"\n');
  await writeFile(join(config, "opencode.env"), "OPENCODE_DISABLE_MODELS_FETCH=1\n");
  const bin = join(repo.outside, "bin");
  await mkdir(bin);
  await writeFile(
    join(bin, "ralph"),
    `#!/bin/sh\nexec "${process.execPath}" run -A "${CLI}" "$@"\n`,
  );
  await chmod(join(bin, "ralph"), 0o755);
  const { XDG_RUNTIME_DIR = "", DBUS_SESSION_BUS_ADDRESS = "", PATH = "" } = process.env;
  const env = {
    PATH: `${bin}:${dirname(OPENCODE.program)}:${PATH}`,
    XDG_RUNTIME_DIR,
    DBUS_SESSION_BUS_ADDRESS,
  };
  const options = { cwd: repo.root, home: HOME, env };
  const all = stack.move();
  return {
    repo,
    model,
    options,
    async type(line) {
      const shell = { cwd: repo.root, env: { ...env, HOME, DENO_DIR } };
      return (await promisify(execFile)("sh", ["-ec", line], shell)).stdout;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function install({ type }: Scene): Promise<void> {
  await type(
    "mkdir -p ~/.config/systemd/user && ralph systemd print opencode --with-password " +
      "> ~/.config/systemd/user/opencode.service",
  );
  await type("systemctl --user daemon-reload && systemctl --user start opencode");
  const address = await resolveServerAddress({
    env: {},
    configDir: sessionPaths({ HOME }).configDir,
  });
  const health = await checkHealth(address, { downMs: 30_000, startingMs: 30_000 });
  assert(health.kind === "ready", JSON.stringify(health));
}

async function unit(): Promise<
  Extract<Awaited<ReturnType<typeof readUnitState>>, { kind: "installed" }>
> {
  const state = await readUnitState({ env: process.env });
  assert(state.kind === "installed", JSON.stringify(state));
  return state;
}

async function lifecycle(): Promise<void> {
  await using it = await scene(workOnStory);
  const { options, type } = it;
  const missing = await ralph(["run", "job", "-a", "opencode", "--yolo"], options);
  assertEquals(missing.code, 5, missing.stderr);
  assertStringIncludes(missing.stderr, "OpenCode server not installed: there is no unit");
  // The three commands are typed exactly as the hint prints them.
  const [, told = ""] = missing.stderr.split("hint: ");
  const commands = told.split("\n").map((line) => line.trim()).filter(Boolean);
  assertEquals(commands.length, 4);
  for (const line of commands.slice(0, 3)) await type(line);
  const file = join(HOME, ".config", "ralph", "opencode.env");
  assertEquals((await stat(file)).mode & 0o777, 0o600);
  assertMatch(
    await readFile(file, "utf8"),
    /^OPENCODE_DISABLE_MODELS_FETCH=1\nOPENCODE_SERVER_PASSWORD=.{32}\n$/,
  );

  await type("systemctl --user stop opencode");
  const stopped = await ralph(["run", "job", "-a", "opencode", "--yolo"], options);
  assertEquals(stopped.code, 5, stopped.stderr);
  assertStringIncludes(stopped.stderr, "OpenCode server installed but not running");
  assertStringIncludes(stopped.stderr, "hint: Start with: systemctl --user start opencode");
  const doctor = await ralph(["doctor"], options);
  assertMatch(
    doctor.stdout,
    /✘ OpenCode server +installed but not running\n +Start with: systemctl/,
  );

  // A run right after the start waits for the server.
  await type("systemctl --user start opencode");
  const { code, stderr } = await ralph(["run", "job", "-a", "opencode", "--yolo"], options);
  assertEquals(code, 0, stderr);
  const healthy = await ralph(["doctor"], options);
  assertMatch(healthy.stdout, /✔ OpenCode server +\d+\.\d+\.\d+ at http:\/\/127\.0\.0\.1:14096\n/);
  assertStringIncludes(healthy.stdout, "loginctl enable-linger $USER");
  assertStringIncludes((await ralph(["status", "--all"], options)).stdout, "completed");

  await type("echo OPENCODE_SERVER_PASSWORD=another >> ~/.config/ralph/opencode.env");
  const other = await ralph(["doctor"], options);
  assertStringIncludes(other.stdout, "with a different password (401)");
}

async function untouched(): Promise<void> {
  await using it = await scene([{ kind: "hang" }]);
  await install(it);
  const { pid } = await unit();
  for (const command of ["stop", "checkpoint"]) {
    const begun = it.model.requests.length;
    await ralph(["run", "job", "-a", "opencode", "--yolo", "--detach"], it.options);
    while (it.model.requests.length === begun) await delay(50);
    if (command === "checkpoint") {
      const call = startRalph(["checkpoint", "job"], it.options);
      await ralph(["stop", "job"], it.options);
      await call.result;
    } else {
      assertEquals((await ralph([command, "job"], it.options)).code, 0);
    }
    const now = await unit();
    assertEquals([now.active, now.pid, now.restarts], ["active", pid, 0]);
  }
}

async function crash(): Promise<void> {
  await using it = await scene((request, step) =>
    step === 0 ? { kind: "hang" } : workOnStory(request)
  );
  await install(it);
  const running = ralph(["run", "job", "-a", "opencode", "--yolo", "--json"], it.options);
  await it.model.hanging;
  process.kill((await unit()).pid ?? 0, "SIGKILL");
  const { code, stdout, stderr } = await running;
  assertEquals(code, 0, stderr + stdout.slice(-3_000));
  const finished = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as LoopEvent)
    .filter((event) => event.type === "iteration_finished");
  assertEquals(finished.map(({ outcome }) => outcome), ["failed", "passed", "passed", "passed"]);
  assertEquals(finished[0]?.ending, {
    kind: "error",
    message: "The OpenCode server was ended in the middle of the turn",
  });
  assertEquals((await unit()).restarts, 1);
}

async function taken(): Promise<void> {
  await using it = await scene(workOnStory);
  const other = createServer((_, response) => response.end("something else"));
  await new Promise<void>((resolve) => other.listen(14096, "127.0.0.1", resolve));
  await it.type(
    "mkdir -p ~/.config/systemd/user && ralph systemd print opencode --with-password " +
      "> ~/.config/systemd/user/opencode.service",
  );
  await it.type("systemctl --user daemon-reload && systemctl --user start opencode");
  while ((await unit()).active !== "failed") await delay(200);
  assert((await unit()).restarts <= 5);
  const refused = await ralph(["run", "job", "-a", "opencode", "--yolo"], it.options);
  assertEquals(refused.code, 5);
  assertStringIncludes(refused.stderr, "port 14096 is taken by something else");
  other.closeAllConnections();
  await new Promise((resolve) => other.close(resolve));
  const failed = await ralph(["doctor"], it.options);
  assertStringIncludes(failed.stdout, "installed but failed");
  await it.type("systemctl --user reset-failed opencode && systemctl --user start opencode");
  const { code, stderr } = await ralph(["run", "job", "-a", "opencode", "--yolo"], it.options);
  assertEquals(code, 0, stderr);
}

const SCENES: Record<string, () => Promise<void>> = { lifecycle, untouched, crash, taken };
await SCENES[process.argv[2] ?? ""]?.();

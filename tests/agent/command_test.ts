import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAgents } from "../../lib/agent/create_agents.ts";
import { commandLine, createCommand } from "../../lib/agent/command/command.ts";
import {
  CODEX,
  COMMAND_PRESETS,
  type CommandConfig,
  GEMINI,
} from "../../lib/agent/command/command_config.ts";
import { collect, outputLines, TEST_ENV, testStart, testStory } from "../kit/agent_testing.ts";
import { tempDir } from "../kit/testing.ts";

const start = (config: CommandConfig, fields = {}) =>
  collect(createCommand("tool", config).start(testStart({ cwd: "/", ...fields })));

Deno.test("createCommand() passes the prompt on stdin, as an argument or as a file", async () => {
  const prompt = 'Say "hi" and {model}\n$HOME';
  const on = { prompt };
  const stdin = await start({ command: ["cat"] }, on);
  assertEquals(outputLines(stdin.events, "stdout"), prompt.split("\n"));
  const argument = await start({ command: ["printf", "%s"], prompt: "argument" }, on);
  assertEquals(outputLines(argument.events, "stdout"), prompt.split("\n"));
  const file = await start({ command: ["sh", "-c", "echo $0; cat $0"], prompt: "file" }, on);
  const [path = "", ...lines] = outputLines(file.events, "stdout");
  assertEquals(lines, prompt.split("\n"));
  assertEquals(await stat(path).then(() => true, () => false), false);
});

Deno.test("createCommand() recognises a success by exit code and output", async () => {
  const success = { exit_codes: [0, 7], output: "^all done$" };
  const ending = async (script: string) =>
    (await start({ command: ["sh", "-c", script], success })).result.ending;
  assertEquals(await ending("echo All done; exit 7"), { kind: "ok" });
  assertEquals(await ending("echo not yet"), {
    kind: "error",
    message: 'Exit code 0, and its output does not match "^all done$"',
  });
  assertEquals(await ending("echo all done; exit 1"), {
    kind: "error",
    message: "Exit code 1: all done",
  });
});

Deno.test("createCommand() uses the endings that its patterns name", async () => {
  const { result } = await start({
    command: ["sh", "-c", "echo 'no credits, try again in 60 seconds' >&2; exit 9"],
    patterns: [{ ending: "rate_limit", regex: "NO CREDITS" }],
  });
  assertEquals(result.ending.kind, "rate_limit");
});

Deno.test("createCommand() adds the variables of its config", async () => {
  const command = ["sh", "-c", "echo $GREETING"];
  const { events } = await start({ command, env: { GREETING: "hello" } });
  assertEquals(outputLines(events, "stdout"), ["hello"]);
});

Deno.test("commandLine() replaces placeholders once, and leaves out what has no value", () => {
  const story = testStory({ id: "US-007" });
  const config = { command: ["t", "--id={story}", "--m={model}", "{prompt}"], model_flag: "-m" };
  const line = (fields: Partial<CommandConfig>, more = {}) =>
    commandLine({ ...config, ...fields }, { prompt: "a {story}", story, ...more });
  assertEquals(line({ prompt: "argument" }), ["t", "--id=US-007", "a {story}"]);
  assertEquals(line({ prompt: "argument", model: "x" }), [
    "t",
    "--id=US-007",
    "--m=x",
    "a {story}",
  ]);
});

Deno.test("commandLine() builds the documented command lines of codex and gemini", () => {
  const start = { prompt: "p", story: testStory(), model: "m" };
  assertEquals(
    commandLine(CODEX, start).join(" "),
    "codex exec - --sandbox workspace-write --model m",
  );
  assertEquals(
    commandLine(CODEX, { ...start, yolo: true }).join(" "),
    "codex exec - --dangerously-bypass-approvals-and-sandbox --model m",
  );
  assertEquals(
    commandLine(GEMINI, { ...start, yolo: true }).join(" "),
    "gemini --skip-trust --approval-mode yolo --model m",
  );
});

Deno.test("createAgents() merges a table with its preset, and adds custom agents", async () => {
  const agents = createAgents({
    codex: { command: ["sh", "-c", "echo codex"], yolo_args: [] },
    mine: { command: ["true"] },
    opencode: { mode: "build" },
  });
  const names = ["claude", ...Object.keys(COMMAND_PRESETS), "demo", "mine", "opencode"];
  assertEquals(agents.map((it) => it.name), names);
  const mine = agents.find(({ name }) => name === "mine");
  const found = await mine?.probe({ env: { PATH: "/usr/bin:/bin" } });
  assertEquals(found?.available, true);
});

Deno.test("createAgents() names the table and the invalid field", () => {
  const message = (config: Record<string, unknown>) =>
    assertThrows(() => createAgents(config), TypeError).message;
  assertStringIncludes(message({ mine: {} }), 'Cannot use agent "mine": agents.mine.command: ');
  assertStringIncludes(message({ opencode: { port: 1 } }), 'agent "opencode": agents.opencode: ');
  assertStringIncludes(message({ claude: { tools: [] } }), 'agent "claude": agents.claude: ');
  assertStringIncludes(
    message({ mine: { command: ["x"], patterns: [{ ending: "auth", regex: "(" }] } }),
    "agents.mine.patterns.0.regex: Not a valid regular expression",
  );
  assertStringIncludes(message({ "a b": { command: ["x"] } }), 'agent "a b": expected a name');
});

Deno.test("createAgents() passes safe_args to an agent that has to ask, and yolo_args to others", async () => {
  const table = { command: ["echo", "run"], safe_args: ["--safe", "1"], yolo_args: ["--yolo"] };
  const agent = createAgents({ mine: table }).find(({ name }) => name === "mine");
  assert(agent);
  const argumentsOf = async (yolo: boolean) => {
    const { events } = await collect(agent.start(testStart({ cwd: "/", yolo })));
    return outputLines(events, "stdout");
  };
  assertEquals(await argumentsOf(false), ["run --safe 1"]);
  assertEquals(await argumentsOf(true), ["run --yolo"]);
});

Deno.test("createAgents() asks for a version with version_args, and an agent without them not at all", async () => {
  await using dir = await tempDir();
  const program = `${dir.path}/tool`;
  await writeFile(
    program,
    `#!/bin/sh\necho "$*" >> "$0.calls"\n[ "$*" = "tell version" ] && echo "tool 3.14.1 (beta)"\n`,
    { mode: 0o755 },
  );
  const probe = (table: Record<string, unknown>, version: boolean) => {
    const agents = createAgents({ mine: { command: [program, "run"], ...table } });
    return agents.find(({ name }) => name === "mine")?.probe({ env: TEST_ENV, version });
  };
  const asks = { version_args: ["tell", "version"] };
  const there = { available: true, path: program } as const;
  assertEquals(await probe({}, true), there);
  assertEquals(await probe(asks, false), there);
  assertEquals(await readdir(dir.path), ["tool"]);
  assertEquals(await probe(asks, true), { ...there, version: "3.14.1" });
  assertEquals(await readFile(`${program}.calls`, "utf8"), "tell version\n");
  assertEquals(await probe({ version_args: ["-v"] }, true), {
    available: false,
    path: program,
    reason: `"${program} -v" fails: exit code 1`,
  });
});

Deno.test("createCommand() calls only a silent first death a launch that failed", async () => {
  await using dir = await tempDir();
  const start = testStart({ cwd: dir.path });
  const kinds = async (...scripts: string[]) => {
    const steps = scripts.map((script, i) => `${i}) ${script};;`).join(" ");
    const agent = createCommand("ours", {
      command: [
        "sh",
        "-c",
        `n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) > n; case $n in ${steps} esac`,
      ],
    });
    const found: string[] = [];
    for (const _ of scripts) found.push((await collect(agent.start(start))).result.ending.kind);
    await rm(join(dir.path, "n"));
    return found;
  };
  assertEquals(await kinds("exit 1", "exit 0", "exit 1"), ["launch", "ok", "error"]);
  assertEquals(await kinds("sleep 0.3; echo boom >&2; exit 1"), ["error"]);
});

import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { appendFile, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import headless from "@xterm/headless";
import { createAgents } from "../../lib/agent/create_agents.ts";
import { classifyEnding } from "../../lib/agent/ending/classify_ending.ts";
import { createCommand } from "../../lib/agent/command/command.ts";
import { isProcessGroupAlive } from "../../lib/base/end_processes.ts";
import { openPty, type OpenPtyOptions, type Pty } from "../../lib/agent/pty/pty.ts";
import { runPty } from "../../lib/agent/pty/run_pty.ts";
import { openSignalFolder } from "../../lib/agent/pty/signal_folder.ts";
import { TailFile } from "../../lib/base/tail_file.ts";
import { embedPlugin, PLUGIN_MODULE } from "../../tools/embed_plugin.ts";
import { collect, outputLines, TEST_ENV, testStart } from "../kit/agent_testing.ts";
import { configure, ralph } from "../kit/ralph_process.ts";
import { type ScriptedAgent, taskRepo } from "../kit/scripted_agent.ts";
import { tempDir } from "../kit/testing.ts";

const open = (script: string, options: Partial<OpenPtyOptions> = {}) =>
  openPty(["sh", "-c", script], { cwd: "/", env: TEST_ENV, ...options });

/** Waits until the program says that it is ready, which it may have done before it was asked. */
async function untilReady({ terminal }: Pty): Promise<void> {
  const ready = Promise.withResolvers<void>();
  let shown = terminal.serialize();
  const look = (data: string): void => {
    shown += data;
    if (shown.includes("ready")) ready.resolve();
  };
  const stop = terminal.subscribe(look);
  look("");
  await ready.promise;
  stop();
}

Deno.test("openPty() gives the program its own terminal, session and process group", async () => {
  const pty = await open("tty; ps -o pid=,pgid=,sid= -p $$; echo $TERM; exit 3", { rows: 30 });
  assertEquals(await pty.exited, { exitCode: 3, signal: null });
  const [tty = "", ids = "", term] = pty.lines;
  assert(tty.startsWith("/dev/pts/"), tty);
  assertEquals(ids.trim().split(/\s+/).map(Number), [pty.pid, pty.pid, pty.pid]);
  assertEquals(term, "xterm-256color");
});

Deno.test("openPty() names the signal that ended the program", async () => {
  const pty = await open("sleep 60");
  process.kill(-pty.pid, "SIGKILL");
  assertEquals(await pty.exited, { exitCode: null, signal: "SIGKILL" });
  assertEquals(await isProcessGroupAlive(pty.pid), false);
});

Deno.test("openPty() yields every line, even an unterminated last one", async () => {
  const lines: string[] = [];
  const pty = await open("seq 1 5000; printf %0300d 7; printf '\\nlast'", {
    columns: 80,
    onLine: (line) => void lines.push(line),
  });
  await pty.exited;
  assertEquals(lines.length, 5002);
  assertEquals(lines[4999], "5000");
  assertEquals(lines[5000], "7".padStart(300, "0"));
  assertEquals(lines[5001], "last");
});

Deno.test("openPty() makes the program wait for a slow reader of its lines", async () => {
  let read = 0;
  const gate = Promise.withResolvers<void>();
  const pty = await open("seq 1 200000; echo end", {
    onLine: () => ++read === 100 ? gate.promise : undefined,
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  // What was under way when it had to wait is drawn; the rest is not written.
  assertLess(read, 200_000);
  gate.resolve();
  await pty.exited;
  assertEquals(read, 200_001);
});

Deno.test("openPty() types more than a PTY takes at once, and loses no key", async () => {
  const pty = await open("stty raw -echo; echo ready; head -c 200000 | sha1sum");
  await untilReady(pty);
  const text = "äöü€𝄞".repeat(20_000);
  const bytes = new TextEncoder().encode(text).subarray(0, 200_000);
  pty.terminal.write(text);
  await pty.exited;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes));
  assertEquals(pty.lines.at(-1)?.trim(), `${hash.toHex()}  -`);
});

Deno.test("openPty() types to a program that reads late and slowly, and loses no key", async () => {
  const pty = await open(
    "stty raw -echo; echo ready; sleep 0.5; head -c 100000 > /dev/null; sleep 0.2; head -c 100000 | sha1sum",
  );
  await untilReady(pty);
  const text = "0123456789".repeat(20_000);
  pty.terminal.write(text);
  await pty.exited;
  const bytes = new TextEncoder().encode(text).subarray(100_000);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes));
  assertEquals(pty.lines.at(-1)?.trim(), `${hash.toHex()}  -`);
});

Deno.test("AgentTerminal refuses keys that nobody reads, and invalid sizes", async () => {
  const pty = await open("sleep 60");
  assertThrows(() => pty.terminal.write("x".repeat(2_000_000)), RangeError, "still waiting");
  assertThrows(() => pty.terminal.resize(0, 24), RangeError, "expected numbers from 1 to 1000");
  process.kill(-pty.pid, "SIGKILL");
  await pty.exited;
  // Typing too late is not an error.
  pty.terminal.write("x");
  pty.terminal.resize(50, 20);
});

Deno.test("AgentTerminal.resize() reaches the program and the screen", async () => {
  const pty = await open("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done");
  await untilReady(pty);
  pty.terminal.resize(90, 20);
  await pty.exited;
  assertEquals(pty.lines, ["ready", "20 90"]);
  assertEquals([pty.terminal.columns, pty.terminal.rows], [90, 20]);
});

Deno.test("AgentTerminal.serialize() and later output give a late client the same screen", async () => {
  const pty = await open(
    // Nothing is drawn before somebody reads the screen.
    "read _; i=0; while [ $i -lt 400 ]; do printf '\\033[%d;%dH\\033[3%dm%d' $((i%24+1)) $((i%70+1)) $((i%8)) $i; " +
      "i=$((i+1)); done; read _",
    { columns: 80, rows: 24 },
  );
  const late = new headless.Terminal({ cols: 80, rows: 24, allowProposedApi: true });
  let joined = false;
  const drawn = Promise.withResolvers<void>();
  const stop = pty.terminal.subscribe((data) => {
    if (joined) return;
    joined = true;
    stop();
    late.write(pty.terminal.serialize());
    pty.terminal.subscribe((more) => late.write(more, () => /399/.test(more) && drawn.resolve()));
    if (data.includes("399")) drawn.resolve();
  });
  pty.terminal.write("\r");
  await drawn.promise;
  await new Promise<void>((resolve) => late.write("", resolve));
  const shown = Array.from(
    { length: 24 },
    (_, row) => late.buffer.active.getLine(row)?.translateToString(true) ?? "",
  ).filter((line) => line !== "");
  assertEquals(shown, pty.lines);
  pty.terminal.write("\r");
  await pty.exited;
  await new Promise<void>((resolve) => late.write("", resolve));
});

Deno.test("the terminal itself answers what the program asks it", async () => {
  const pty = await open("stty raw -echo; printf '\\033[6n'; dd bs=1 count=6 2>/dev/null | od -c");
  await pty.exited;
  assert(pty.lines.join(" ").includes("033"), pty.lines.join("\n"));
});

Deno.test("runPty() says that a program or a folder is not there, or an argument too long", async () => {
  const run = (command: string[], cwd = "/") =>
    runPty(command, { cwd, env: TEST_ENV, classify: classifyEnding });
  const words = async (command: string[], cwd?: string) =>
    (await collect(run(command, cwd))).result.ending;
  assertEquals(await words(["no-such-program"]), {
    kind: "launch",
    message: 'Cannot start "no-such-program": program not found',
  });
  assertEquals(await words(["echo"], "/no/such"), {
    kind: "launch",
    message: 'Cannot start "echo": the folder "/no/such" does not exist',
  });
  const long = await words(["echo", "x".repeat(200_000)]);
  assert("message" in long && long.message.includes("has 200000 bytes"), JSON.stringify(long));
});

Deno.test("runPty() ends the whole group when it is aborted, even one that ignores SIGTERM", async () => {
  const controller = new AbortController();
  const run = runPty([
    "sh",
    "-c",
    "trap '' TERM HUP; sleep 60 & echo ready; while :; do sleep 0.1; done",
  ], {
    cwd: "/",
    env: TEST_ENV,
    classify: classifyEnding,
    signal: controller.signal,
  });
  const startedAt = performance.now();
  for await (const event of run.events) if (event.kind === "output") controller.abort();
  assertEquals((await run.result).ending.kind, "aborted");
  assertLess(performance.now() - startedAt, 4_000);
});

Deno.test("runPty() ends a program that nobody reads when it is disposed of", async () => {
  const run = runPty(["yes"], { cwd: "/", env: TEST_ENV, classify: classifyEnding });
  await run[Symbol.asyncDispose]();
  assertEquals((await run.result).ending.kind, "aborted");
  assertEquals(await run.send({ kind: "message", text: "hello" }), false);
});

Deno.test("createCommand() with pty runs the program in a PTY, with its lines as output", async () => {
  const agent = createCommand("ours", {
    command: ["sh", "-c", 'test -t 0 && cat "$1"; echo "$1" >&2; exit 3', "sh", "{prompt}"],
    prompt: "file",
    pty: true,
    success: { exit_codes: [3] },
  });
  assertEquals(agent.pty, true);
  const { events, result } = await collect(agent.start(testStart({ cwd: "/", prompt: "Do it" })));
  assertEquals(result.ending, { kind: "ok" });
  const [first, path = ""] = outputLines(events, "stdout");
  assertEquals(first?.startsWith("Do it"), true);
  // The prompt had no line end, so that the path follows at once.
  assertEquals(await readFile(path || (first ?? "").slice(5)).catch(() => "gone"), "gone");
});

Deno.test("createAgents() accepts pty only for a command that can receive its prompt", () => {
  assertThrows(
    () => createAgents({ ours: { command: ["ours"], pty: true } }),
    TypeError,
    'agents.ours.pty: A PTY has no stdin to pipe the prompt into: expected prompt = "argument"',
  );
  const agents = createAgents({ claude: { pty: true } });
  assertEquals(agents.find(({ name }) => name === "claude")?.pty, true);
  assertEquals(createAgents({ claude: { pty: false } }, { pty: true })[0]?.pty, true);
});

Deno.test("TailFile gives each line once, and skips one that is too long", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "log");
  await using tail = new TailFile(path, { maxBytes: 10 });
  const read = () => Array.fromAsync(tail.read());
  assertEquals(await read(), []);
  await writeFile(path, "one\ntw");
  assertEquals(await read(), ["one"]);
  await appendFile(path, "o\n" + "x".repeat(100_000) + "\nthree €");
  assertEquals(await read(), ["two"]);
  await appendFile(path, "\n");
  assertEquals(await read(), ["three €"]);
});

Deno.test("the embedded plugin of OpenCode equals the one in plugins/", async () => {
  assertEquals(await readFile(PLUGIN_MODULE, "utf8"), await embedPlugin());
});

Deno.test("openSignalFolder() uses the session's scratch folder, and leaves nothing in it", async () => {
  await using dir = await tempDir();
  const scratchDir = join(dir.path, "log", "scratch");
  {
    await using signals = await openSignalFolder({ scratchDir });
    assertEquals((await readdir(scratchDir)).map((name) => join(scratchDir, name)), [signals.path]);
    assertEquals((await stat(scratchDir)).mode & 0o777, 0o700);
    assertEquals(await signals.read(), undefined);
  }
  assertEquals(await readdir(scratchDir), []);
});

Deno.test("ralph run --pty refuses an agent that has no PTY mode", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await configure(repo, { ours: { command: ["true"] } as ScriptedAgent });
  for (const agent of ["demo", "ours"]) {
    const { code, stderr } = await ralph(["run", "job", "--pty", "--agent", agent], options);
    assertEquals(code, 2);
    assertEquals(stderr.split("\n").slice(0, 2), [
      `error: Cannot use agent "${agent}": it has no PTY mode, which --pty requires`,
      "hint: claude, opencode and commands configured with pty = true have one",
    ]);
  }
});

Deno.test("ralph run completes a story with a command in a PTY", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const script = 'test -t 1 || exit 9; sed -i \'s/"passes":false/"passes":true/\' ' +
    "tasks/job/prd.json; git commit -qam done; echo on a terminal";
  const options = await configure(repo, {}, "failover = []");
  await writeFile(
    join(options.home, ".config", "ralph", "config.toml"),
    `[agents.ours]\ncommand = ["sh", "-c", ${
      JSON.stringify(script)
    }]\nprompt = "argument"\npty = true\n`,
  );
  const run = await ralph(["run", "job", "--pty", "--agent", "ours", "--json"], options);
  assertEquals(run.code, 0, run.stderr);
  assert(run.stdout.includes("on a terminal"));
});

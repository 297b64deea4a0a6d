import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { endProcessGroup } from "../../lib/base/end_processes.ts";
import { openPty, type Pty } from "../../lib/agent/pty/pty.ts";
import { openProject } from "../../lib/agent/opencode/server/opencode_client.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import type { Session } from "../../lib/session/model/session.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import { configure, ralph, type RalphOptions } from "../kit/ralph_process.ts";
import { type TaskRepo, taskRepo } from "../kit/scripted_agent.ts";
import { chatModel, type ChatReply, type ChatRequest } from "./opencode_model.ts";
import {
  configureOpencode,
  OPENCODE,
  opencodeEnvironment,
  type OpencodeServer,
  serveOpencode,
  workOnStory,
} from "./opencode_testing.ts";

const { ignore, why } = OPENCODE;
const PASSWORD = "a password of the server";
const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));

/** A task of two stories that OpenCode has completed. */
interface Completed extends AsyncDisposable {
  repo: TaskRepo;
  server: OpencodeServer;
  options: RalphOptions & { env: Record<string, string> };
  sessions(): Session[];
  iterations(): (string | null)[];
  attach(...args: string[]): Promise<Pty>;
}

async function completed(script: (request: ChatRequest) => ChatReply): Promise<Completed> {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(await chatModel(script));
  const repo = stack.use(await taskRepo([{ id: "US-001" }, { id: "US-002" }]));
  const plain = await configure(repo, {});
  await configureOpencode(plain.home, model.url);
  const server = stack.use(
    await serveOpencode({ home: plain.home, cwd: repo.outside, password: PASSWORD }),
  );
  const env = {
    ...opencodeEnvironment(plain.home, PASSWORD),
    PATH: `${dirname(OPENCODE.program)}:${process.env.PATH}`,
    RALPH_OPENCODE_URL: server.address.url,
  };
  const options = { ...plain, env };
  const run = await ralph(["run", "job", "-a", "opencode", "--yolo"], options);
  assertEquals(run.code, 0, run.stderr);
  const path = sessionPaths({ HOME: plain.home }).database;
  const all = stack.move();
  return {
    repo,
    server,
    options,
    sessions() {
      using registry = openRegistry({ path });
      return registry.findSessions({});
    },
    iterations() {
      using registry = openRegistry({ path });
      const [newest] = registry.findSessions({});
      return registry.listIterations(newest?.id ?? "").map((it) => it.agentSessionId);
    },
    attach(...args) {
      const { DENO_DIR = join(process.env.HOME ?? "", ".cache", "deno") } = process.env;
      return openPty([process.execPath, "run", "-A", CLI, "attach", ...args], {
        cwd: repo.root,
        env: { ...env, DENO_DIR, HOME: plain.home },
        columns: 200,
        rows: 40,
      });
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Waits until the screen shows all of these words; fails with the screen if it ends before. */
async function shows(pty: Pty, ...words: string[]): Promise<void> {
  let ended = false;
  void pty.exited.then(() => ended = true);
  for (;;) {
    const text = pty.lines.join("\n");
    if (words.every((each) => text.includes(each))) return;
    assert(!ended, text);
    await delay(50);
  }
}

async function leave(pty: Pty): Promise<void> {
  await endProcessGroup(pty.pid, { graceMs: 2_000 });
  await pty.exited;
}

const answers = (request: ChatRequest): ChatReply => {
  const reply = workOnStory(request);
  const id = /\*\*(US-\d{3}): /.exec(JSON.stringify(request.messages))?.[1];
  return reply.kind === "text" ? { kind: "text", text: `Finished ${id} by the model` } : reply;
};

Deno.test({
  name:
    `US-007, US-010, FR-5: attach shows a completed session in OpenCode, and changes nothing${why}`,
  ignore,
  async fn() {
    await using it = await completed(answers);
    const before = it.sessions();
    const [first, second] = it.iterations();
    assert(first && second);

    const newest = await it.attach("job");
    await shows(newest, "Finished US-002 by the model");
    // On the command line, every user of the machine could see it.
    const commands = await ralphChildren(newest.pid);
    assertStringIncludes(commands, `attach ${it.server.address.url} --dir ${it.repo.root}`);
    assert(!commands.includes(PASSWORD), commands);
    await leave(newest);

    const any = await it.attach();
    await shows(any, "Finished US-002 by the model");
    await leave(any);

    const specific = await it.attach("job", "--session", first);
    await shows(specific, "Finished US-001 by the model");
    await leave(specific);

    const byRalph = await it.attach("--session", before[0]?.id ?? "");
    await shows(byRalph, "Finished US-002 by the model");
    await leave(byRalph);
    assertEquals(it.sessions(), before);

    // Off a terminal and with --json nothing is handed over.
    const off = await ralph(["attach", "job"], it.options);
    assertEquals(off.code, 1);
    assertMatch(
      off.stderr,
      /^error: Session not running: job is completed .*\(every story passes\)/,
    );
    assertStringIncludes(off.stderr, "on a terminal, attach opens it in OpenCode");
    assertEquals(it.sessions(), before);
  },
});

Deno.test({
  name:
    `US-007: attach says what is wrong with the server or the session, and changes no status${why}`,
  ignore,
  async fn() {
    await using it = await completed(answers);
    const before = it.sessions();

    const unknown = await it.attach("--session", "ses_0000000000000000000000000");
    assertEquals((await unknown.exited).exitCode, 1);
    assertStringIncludes(unknown.lines.join(" "), 'has no session "ses_0000000000000000000000000"');
    assertStringIncludes(unknown.lines.join(" "), "hint: ");

    await using other = await taskRepo([{ id: "US-001" }]);
    const elsewhere = await openProject(it.server.address, other.root);
    const { id } = await elsewhere.createSession("by hand", []);
    const foreign = await it.attach("--session", id);
    assertEquals((await foreign.exited).exitCode, 1);
    assertStringIncludes(
      foreign.lines.join("").replaceAll(/\s/g, ""),
      `belongstoanotherproject,${other.root}`,
    );

    await it.server.kill();
    const gone = await it.attach("job");
    assertEquals((await gone.exited).exitCode, 5);
    assertStringIncludes(
      gone.lines.join(" "),
      "Start with: systemctl --user start opencode",
    );
    assertEquals(it.sessions(), before);
  },
});

/** The command lines of a process and its children. */
async function ralphChildren(pid: number): Promise<string> {
  const { execFile } = await import("node:child_process");
  return await new Promise((resolve) =>
    execFile("ps", ["-o", "args=", "--ppid", String(pid)], (_, stdout) => resolve(stdout))
  );
}

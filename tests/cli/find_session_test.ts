import { assertEquals, assertStringIncludes } from "@std/assert";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import { ralph } from "../kit/ralph_process.ts";
import { type Recorded, recorded } from "../kit/recorded_sessions.ts";
import { taskRepo } from "../kit/scripted_agent.ts";

/** What each command says of a session that has ended, by a reference to it. */
const COMMANDS: { command: string; args: (ref: string) => string[]; acts: boolean }[] = [
  { command: "status", args: (ref) => ["status", ref], acts: false },
  { command: "show", args: (ref) => ["show", ref], acts: false },
  { command: "history", args: (ref) => ["history", ref, "--json"], acts: false },
  { command: "logs", args: (ref) => ["logs", ref], acts: false },
  { command: "logs --session", args: (ref) => ["logs", "--session", ref], acts: false },
  { command: "attach", args: (ref) => ["attach", ref], acts: false },
  { command: "attach --session", args: (ref) => ["attach", "--session", ref], acts: false },
  { command: "rpc --observe", args: (ref) => ["rpc", "--observe", ref], acts: false },
  { command: "rpc", args: (ref) => ["rpc", ref], acts: true },
  { command: "rpc --session", args: (ref) => ["rpc", "--session", ref], acts: true },
  { command: "stop", args: (ref) => ["stop", ref], acts: true },
  { command: "checkpoint", args: (ref) => ["checkpoint", ref], acts: true },
];

/** Words that only the session of this branch, story and reason has. */
const STATUS = "stopped";

async function endedHere(home: Recorded, root: string): Promise<string> {
  const { id } = home.add(
    {
      id: "01KA3QXJ5M0000000000000001",
      task: "job",
      root,
      agentSessionId: undefined,
      end: { status: STATUS, reason: "by hand", ago: 60 },
    } as Parameters<Recorded["add"]>[0],
  );
  await home.log(id, []);
  return id;
}

Deno.test("every command finds a session by the same references", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  await using home = await recorded();
  const id = await endedHere(home, repo.root);
  const inside = { ...home.options, cwd: repo.root };
  for (const ref of ["job", "tasks/job", repo.task.dir, id, id.toLowerCase(), "01KA", "01ka3qxj"]) {
    for (const { command, args } of COMMANDS) {
      const { code, stdout, stderr } = await ralph(args(ref), inside);
      const what = `ralph ${command} ${ref}: ${stdout}${stderr}`;
      assertEquals(stderr.includes("note:"), false, what);
      // What attach and rpc need is a running one, and so they name what they found.
      assertEquals(code, /^(attach|rpc)/.test(command) ? 1 : 0, what);
      if (!command.startsWith("logs")) assertStringIncludes(stdout + stderr, STATUS, what);
    }
  }
});

Deno.test("every command refuses a reference to nothing in the same words", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  await using home = await recorded();
  await endedHere(home, repo.root);
  home.add({
    id: "01KA3QXZZZ0000000000000002",
    root: repo.root,
    end: {
      status: STATUS,
      reason: "by hand",
      ago: 60,
    },
  });
  const inside = { ...home.options, cwd: repo.root };
  for (
    const [ref, message] of [
      ["01K", 'Cannot find session "01K": 4 characters of an id are needed at least'],
      ["01KB", 'Cannot find session "01KB": no session has an id that begins like that'],
      ["01KA3QX", 'Ambiguous session id "01KA3QX": several begin like that'],
      ["jab", 'Cannot find task "jab": there is no folder tasks/jab'],
    ] as const
  ) {
    for (const { command, args } of COMMANDS) {
      const { code, stderr } = await ralph(args(ref), inside);
      assertEquals(code, 2, `ralph ${command} ${ref}: ${stderr}`);
      assertStringIncludes(stderr, message, command);
    }
  }
});

Deno.test("what is here comes first: another repository's is noted, or left to the person", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  await using home = await recorded();
  const { id } = home.add({
    task: "job",
    root: "/elsewhere",
    end: {
      status: STATUS,
      reason: "by hand",
      ago: 60,
    },
  });
  await home.log(id, []);
  const inside = { ...home.options, cwd: repo.root };
  for (const { command, args, acts } of COMMANDS) {
    const { code, stderr } = await ralph(args("job"), inside);
    const what = `ralph ${command}: ${stderr}`;
    if (acts) {
      assertEquals(code, 2, what);
      const [word] = command.split(" ");
      assertStringIncludes(stderr, `hint: ralph ${word} ${id}`, what);
    } else {
      assertStringIncludes(
        stderr,
        "note: no session of job is here; this is /elsewhere/tasks/job\n",
        what,
      );
    }
    // Its id and its path mean it and nothing else.
    for (const ref of [id, "/elsewhere/tasks/job"]) {
      const exact = await ralph(args(ref), inside);
      assertEquals(exact.code, /^(attach|rpc)/.test(command) ? 1 : 0, `${what} ${exact.stderr}`);
      assertEquals(exact.stderr.includes("note:"), false);
    }
  }
});

Deno.test("a neighbour whose log folder is a file keeps no command from a healthy session", async () => {
  for (const { command, args } of COMMANDS) {
    await using home = await recorded();
    const healthy = await endedHere(home, "/home/me/app");
    const broken = home.add({ task: "other", worker: { pid: 2 ** 22 + 1, start: "gone" } });
    const { sessionsDir } = sessionPaths({ HOME: home.options.home });
    await mkdir(sessionsDir, { recursive: true });
    await writeFile(join(sessionsDir, broken.id), "not a folder");
    const { code, stderr } = await ralph(args("job"), home.options);
    assertEquals(code, /^(attach|rpc)/.test(command) ? 1 : 0, `ralph ${command}: ${stderr}`);
    assertStringIncludes(stderr, `warning: Cannot read the log of session ${broken.id} of other`);
    assertEquals(stderr.includes("EEXIST"), false);
    assertEquals(home.get(broken.id)?.status, "failed");
    assertEquals(home.get(healthy)?.status, STATUS);
  }
});

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { execFile } from "node:child_process";
import { lstat, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import { configure, ralph, type RalphOptions, startRalph } from "../kit/ralph_process.ts";
import { scriptedAgent, taskRepo } from "../kit/scripted_agent.ts";

/** Far more than any of these commands takes on a busy machine: a named pipe blocks forever. */
const LIMIT_MS = 60_000;

async function ends(args: readonly string[], options: RalphOptions) {
  const { child, result } = startRalph(args, { ...options, detached: true });
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), "SIGKILL"), LIMIT_MS);
  const ended = await result;
  clearTimeout(timer);
  assertEquals(ended.signal, null, `ralph ${args.join(" ")} does not end`);
  return ended;
}

async function makePipe(file: string): Promise<void> {
  await rm(file, { force: true });
  await mkdir(join(file, ".."), { recursive: true });
  await promisify(execFile)("mkfifo", [file]);
}

const COMMANDS: Record<string, string[]> = {
  run: ["run", "job", "-a", "agent", "--foreground", "--iterations", "1"],
  check: ["check", "job"],
  restore: ["check", "job", "--restore"],
  tasks: ["tasks"],
  doctor: ["doctor"],
  status: ["status"],
  "stop --now": ["stop", "--now"],
};

/** The commands that need each file and have to refuse it; all others must end too. */
const FILES: [file: string, refusedBy: string[]][] = [
  ["tasks/job/prd.json", ["run", "check"]],
  ["tasks/job/progress.txt", ["run"]],
  ["tasks/job/AGENTS.md", ["run"]],
  ["tasks/job/prompt.md", ["run"]],
  ["AGENTS.md", ["run"]],
  ["CLAUDE.md", []],
  ["ralph/prompt.md", ["run"]],
  ["ralph.toml", ["run"]],
];

for (const [file, refusedBy] of FILES) {
  Deno.test(`every command ends if ${file} is a named pipe, and names it`, async () => {
    await using repo = await taskRepo([{ id: "US-001" }]);
    const agent = await scriptedAgent(join(repo.outside, "agent"), ["pass US-001; work one"]);
    const options = await configure(repo, { agent });
    await makePipe(join(repo.root, file));
    for (const [name, args] of Object.entries(COMMANDS)) {
      const { code, stdout, stderr } = await ends(args, options);
      if (!refusedBy.includes(name)) continue;
      assert(code !== 0, `ralph ${name} accepts ${file}`);
      const line = stderr.split("\n").find((line) =>
        line.includes("it is a named pipe, not a file")
      );
      assert(line?.includes(file), `${name}: ${stdout}${stderr}`);
    }
    assertEquals((await lstat(join(repo.root, file))).isFIFO(), true);
  });
}

Deno.test("a config.toml that is a named pipe is refused, and blocks nothing", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const options = await configure(repo, {});
  await makePipe(join(options.home, ".config", "ralph", "config.toml"));
  for (const args of Object.values(COMMANDS)) await ends(args, options);
  const { code, stderr } = await ends(["run", "job"], options);
  assertEquals(code, 2);
  assertMatch(stderr, /^error: Cannot use .*config\.toml: it is a named pipe, not a file\n/);
});

Deno.test("ralph stop --now ends a session whose agent has replaced its files by named pipes", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const trap = ["prd.json", "progress.txt", "AGENTS.md"].map((name) =>
    `rm -f tasks/job/${name}; mkfifo tasks/job/${name}`
  );
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    `${trap.join("; ")}; touch "${repo.outside}/trapped"; exec sleep 60`,
  ]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "--detach"], options);
  while (await lstat(join(repo.outside, "trapped")).catch(() => undefined) === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { code, stdout } = await ends(["stop", "job", "--now"], options);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "job is stopped (ralph stop");
  using registry = openRegistry({ path: sessionPaths({ HOME: options.home }).database });
  assertEquals(registry.runningSessions(), []);
});

const OUTSIDE = ["prd.json", "progress.txt", "AGENTS.md", "prompt.md"];

for (const name of OUTSIDE) {
  Deno.test(`ralph run refuses a ${name} that links out of the repository, and names the target`, async () => {
    await using repo = await taskRepo([{ id: "US-001" }]);
    const agent = await scriptedAgent(join(repo.outside, "agent"), ["pass US-001; work one"]);
    const options = await configure(repo, { agent });
    const target = join(repo.outside, `secret-${name}`);
    const file = join(repo.root, "tasks", "job", name);
    const text = name === "prd.json" ? await readFile(file, "utf8") : "The secret\n";
    await writeFile(target, text);
    await rm(file, { force: true });
    await symlink(target, file);
    const { code, stderr } = await ralph(["run", "job", "-a", "agent"], options);
    assert(code !== 0);
    assertStringIncludes(stderr, `it links out of the repository, to ${target}`);
    assertStringIncludes(stderr, "put a copy in its place");
    assertEquals(await agent.calls(), 0);
    assertEquals(await readFile(target, "utf8"), text);
  });
}

Deno.test("ralph check names the good copy of a prd.json that has lost its stories", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["work one"]);
  const options = await configure(repo, { agent });
  const good = await readFile(repo.task.prdFile, "utf8");
  const hint = "a good copy is kept: ralph check job --restore\n";
  await writeFile(repo.task.prdFile, '{"userStories":[]}');
  assertEquals((await ralph(["check", "job"], options)).stdout.includes(hint), false);
  await writeFile(repo.task.prdFile, good);
  await ralph(["run", "job", "-a", "agent", "--iterations", "1"], options);
  assertEquals((await ralph(["check", "job"], options)).stdout.includes(hint), false);
  for (const text of ['{"userStories":[]}', "", "{"]) {
    await writeFile(repo.task.prdFile, text);
    assertStringIncludes((await ralph(["check", "job"], options)).stdout, hint);
  }
  await writeFile(repo.task.prdFile, '{"userStories":[]}');
  const { stderr } = await ralph(["run", "job", "-a", "agent"], options);
  assertStringIncludes(stderr, "it has no stories\nhint: ralph check job\n");
});

Deno.test("ralph check --restore does not write through a link that leads out of the repository", async () => {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const agent = await scriptedAgent(join(repo.outside, "agent"), ["work one"]);
  const options = await configure(repo, { agent });
  await ralph(["run", "job", "-a", "agent", "--iterations", "1"], options);
  const good = await readFile(repo.task.prdFile, "utf8");
  const target = join(repo.outside, "theirs.json");
  await writeFile(target, "theirs");
  await rm(repo.task.prdFile);
  await symlink(target, repo.task.prdFile);
  const { code, stdout } = await ralph(["check", "job", "--restore"], options);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "prd.json.broken");
  assertEquals(await readFile(target, "utf8"), "theirs");
  assertEquals(await readFile(repo.task.prdFile, "utf8"), good);
  assertEquals((await lstat(repo.task.prdFile)).isSymbolicLink(), false);
});

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import { escapeJson, jsonLine } from "../../lib/cli/kit/json_line.ts";
import { safeOutput } from "../../lib/cli/main.ts";
import { configure, ralph, type RalphOptions } from "../kit/ralph_process.ts";
import { scriptedAgent, taskRepo } from "../kit/scripted_agent.ts";

/** Colours, the clipboard (OSC 52), a title, C1 codes, overwriting, bidi and other separators. */
const NASTY = [
  "\x1b[31mred",
  "\x1b]52;c;cHduZWQ=\x07",
  "\x1b]0;title\x1b\\",
  "\x9b2J\x9d52;c;eA==\x9c",
  "over\rwritten\b",
  "\u202eevil\u2066",
  "a\u2028b\u2029c\ufeff\x7f\0",
].join(" ");

/** Whatever a terminal may act on, except for the line ends that ralph writes. */
const UNSAFE =
  // deno-lint-ignore no-control-regex
  /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

function assertSafe(text: string, what: string): void {
  const at = UNSAFE.exec(text);
  if (at === null) return;
  assert(
    false,
    `${what}: ${JSON.stringify(text.slice(Math.max(0, at.index - 60), at.index + 60))}`,
  );
}

/** A repository, a log and a registry with the text wherever any text can be. */
async function scene() {
  const repo = await taskRepo([{ id: "US-001" }]);
  const nastyFile = join(repo.outside, "nasty");
  await writeFile(nastyFile, `${NASTY}\n`);
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    `cat "${nastyFile}"; cat "${nastyFile}" >&2; exit 3`,
  ]);
  const options: RalphOptions = {
    ...await configure(
      repo,
      { agent },
      `checks = [${JSON.stringify(`echo '${NASTY.replaceAll("\0", "")}'; false`)}]`,
    ),
    env: { RALPH_DEBUG: "1" },
  };
  const story = {
    id: `US-001 ${NASTY}`,
    title: NASTY,
    description: NASTY,
    acceptanceCriteria: [NASTY, { description: NASTY, passes: false }],
    notes: NASTY,
    dependsOn: [],
    blocks: [NASTY],
    priority: NASTY,
    status: NASTY,
  };
  const waiting = { decisionConfig: { status: "pending", inputFile: NASTY } };
  const prd = {
    project: NASTY,
    description: NASTY,
    type: NASTY,
    notes: NASTY,
    [NASTY]: 1,
    userStories: [story, { ...story, id: `US-002 ${NASTY}`, ...waiting }],
  };
  await writeFile(repo.task.prdFile, JSON.stringify(prd));
  const task = async (name: string, text: string) => {
    await mkdir(join(repo.root, "tasks", name), { recursive: true });
    await writeFile(join(repo.root, "tasks", name, "prd.json"), text);
  };
  await task("branch", JSON.stringify({ ...prd, branchName: NASTY, mergeTarget: NASTY }));
  await task("broken", `{"userStories": [${NASTY}`);
  await task("odd\x1b]52;c;eA==\x07\u202ename", JSON.stringify(prd));
  await task("md", JSON.stringify(prd));
  await writeFile(
    join(repo.root, "tasks", "md", "prd.md"),
    `# ${NASTY}\n\n${NASTY}\n\n## User Stories\n\n### US-001: ${NASTY}\n\n${NASTY}\n\n- [ ] ${NASTY}\n`,
  );
  return { repo, options };
}

async function addSession(options: RalphOptions, root: string): Promise<string> {
  const { database } = sessionPaths({ HOME: options.home });
  await mkdir(join(database, ".."), { recursive: true });
  using registry = openRegistry({ path: database });
  const session = registry.createSession({
    task: `row ${NASTY}`,
    taskDir: join(root, "tasks", `row ${NASTY}`),
    root: `${root} ${NASTY}`,
    branch: NASTY,
    agent: NASTY,
  });
  registry.endSession(session.id, "failed", NASTY);
  return session.id;
}

Deno.test("no command prints an escape sequence that came from outside", async () => {
  const { repo, options } = await scene();
  await using _repo = repo;
  const id = await addSession(options, repo.root);
  const run = ["run", "job", "-a", "agent", "--foreground", "--iterations", "2"];
  const commands: string[][] = [
    run,
    ["run", "branch", "-a", "agent"],
    ["run", "broken", "-a", "agent"],
    ["run", NASTY.replaceAll("\0", "")],
    ["run", "job", "-a", NASTY.replaceAll("\0", "")],
    ["check", "job"],
    ["check", "branch"],
    ["check", "broken"],
    ["tasks"],
    ["doctor"],
    ["status"],
    ["status", "--all"],
    ["status", "job"],
    ["history"],
    ["show", id],
    ["show", "job"],
    ["logs", "job"],
    ["stop", "job"],
    ["attach", "job"],
    ["convert", "md", "--output", "-"],
    ["convert", "md"],
    ["clean", "--dry-run"],
    ["init", NASTY.replaceAll("\0", "")],
    [NASTY.replaceAll("\0", "")],
    ["check", `--${NASTY.replaceAll("\0", "")}`],
  ];
  for (const args of commands) {
    const { stdout, stderr } = await ralph(args, options);
    assertNotEquals(stdout + stderr, "", args[0]);
    assertSafe(stdout, `ralph ${args.slice(0, 2).join(" ")}`);
    assertSafe(stderr, `ralph ${args.slice(0, 2).join(" ")} (stderr)`);
    if (args.includes("-")) continue;
    const json = await ralph([...args, "--json"], options);
    assertSafe(json.stdout + json.stderr, `ralph ${args.slice(0, 2).join(" ")} --json`);
    for (const line of json.stdout.split("\n").filter((each) => each !== "")) JSON.parse(line);
  }
  // In colour, ralph's own escape sequences are the only ones.
  for (const args of [run, ["doctor"]]) {
    const colored = { ...options, env: { ...options.env, FORCE_COLOR: "1" } };
    const { stdout, stderr } = await ralph(args, colored);
    // deno-lint-ignore no-control-regex
    assertSafe((stdout + stderr).replaceAll(/\x1b\[[\d;]*m/g, ""), `${args[0]} in colour`);
  }
  // What is printed as JSON means the same as what is in the file.
  const tasks = JSON.parse((await ralph(["tasks", "--json"], options)).stdout);
  assert(tasks.tasks.some(({ branch }: { branch: string | null }) => branch === NASTY));
  assert((await readFile(repo.task.prdFile, "utf8")).includes("\u202e"));
});

Deno.test("safeOutput() keeps lines and indentation, and raw writes everything", () => {
  const written: string[] = [];
  const stream = {
    write: (text: string) => written.push(text) > 0,
    on: () => {},
    off: () => {},
    isTTY: true,
    columns: 90,
  };
  const output = safeOutput(stream);
  output.write("  one\r\n\n  \x1b]52;c;eA==\x07two – ü\n");
  output.raw.write("\x1b[2J");
  assertEquals(written, ["  one\n\n  two – ü\n", "\x1b[2J"]);
  assertEquals([output.isTTY, output.columns, output.rows], [true, 90, undefined]);
});

Deno.test("jsonLine() loses nothing", () => {
  assertSafe(jsonLine({ [NASTY]: NASTY }), "jsonLine()");
  assertEquals(JSON.parse(jsonLine({ [NASTY]: [NASTY] })), { [NASTY]: [NASTY] });
  assertEquals(escapeJson('"ü – 日本"'), '"ü – 日本"');
});

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { findProgram } from "../../lib/base/find_program.ts";
import { publishBranch, type PublishBranchOptions } from "../../lib/loop/branch/publish_branch.ts";
import { type TaskRepo, taskRepo } from "../kit/scripted_agent.ts";

const BRANCH = "ralph/job";
const URL = "https://example.com/me/app/pull/7";

/** A repository whose origin is a bare one, on a branch with one commit more than main. */
interface Published extends TaskRepo {
  /** Runs git in the bare repository. */
  origin(...args: string[]): Promise<string>;
  /** The options for publishBranch(). */
  options: PublishBranchOptions;
}

async function published(): Promise<Published> {
  const repo = await taskRepo([{ id: "US-001", passes: true }]);
  const bare = join(repo.outside, "origin.git");
  const run = promisify(execFile);
  await run("git", ["init", "--quiet", "--bare", "-b", "main", bare]);
  await repo.git("remote", "set-url", "origin", bare);
  await repo.git("push", "--quiet", "origin", "main");
  await repo.git("switch", "--quiet", "--create", BRANCH);
  await repo.git("commit", "--quiet", "--allow-empty", "-m", "feat: one");
  // A PATH on which there is git, and gh only where a test puts it.
  const bin = join(repo.outside, "bin");
  await mkdir(bin);
  const git = await findProgram("git", { env: { PATH: process.env.PATH ?? "" } });
  assert(git !== undefined);
  await symlink(git, join(bin, "git"));
  const env = { PATH: bin, HOME: repo.outside };
  return {
    ...repo,
    origin: async (...args) => (await run("git", args, { cwd: bare })).stdout,
    options: { branch: BRANCH, mergeTarget: "main", title: "Job", body: "All pass.\n", env },
    [Symbol.asyncDispose]: () => repo[Symbol.asyncDispose](),
  };
}

/** Puts a `gh` on the PATH that records its arguments, and answers each subcommand with shell. */
async function scriptedGh(repo: Published, answers: Partial<Record<string, string>>) {
  const file = join(repo.outside, "bin", "gh");
  const cases = Object.entries(answers).map(([name, answer]) => `${name}) ${answer};;`);
  await writeFile(
    file,
    `#!/bin/sh
for arg in "$@"; do echo "$arg"; done >> "${repo.outside}/gh.args"
echo "prompt=$GH_PROMPT_DISABLED,$GIT_TERMINAL_PROMPT" > "${repo.outside}/gh.env"
case "$2" in
${cases.join("\n")}
*) echo 'no pull requests found for branch "ralph/job"' >&2; exit 1;;
esac
`,
  );
  await chmod(file, 0o755);
  return {
    calls: async () => {
      const text = await readFile(join(repo.outside, "gh.args"), "utf8").catch(() => "");
      return text.split(/^pr\n/m).slice(1).map((call) => call.trimEnd().split("\n").join(" "));
    },
    env: () => readFile(join(repo.outside, "gh.env"), "utf8"),
    body: () => readFile(join(repo.outside, "body"), "utf8"),
  };
}

const VIEW = "view ralph/job --json url,state,baseRefName,headRefOid";

function view(state: string, more: Record<string, string> = {}): string {
  const fields = { url: URL, state, baseRefName: "main", headRefOid: "0", ...more };
  return `echo '${JSON.stringify(fields)}'`;
}

Deno.test("publishBranch() pushes, and says how to continue by hand without gh", async () => {
  await using repo = await published();
  const report = await publishBranch(repo.task, repo.options);
  assertEquals([report.pushed, report.merged, report.problem], [true, false, undefined]);
  assertStringIncludes(report.hint ?? "", "from ralph/job into main");
  assertEquals(await repo.origin("rev-parse", BRANCH), await repo.git("rev-parse", "HEAD"));
  assertEquals(await repo.git("rev-parse", "--abbrev-ref", "@{u}"), `origin/${BRANCH}\n`);
});

Deno.test("publishBranch() opens a pull request with gh, and asks nobody", async () => {
  await using repo = await published();
  const gh = await scriptedGh(repo, {
    create: `while read -r line; do echo "$line"; done > "${repo.outside}/body"; echo ${URL}`,
  });
  const report = await publishBranch(repo.task, repo.options);
  assertEquals(report, { pushed: true, pullRequest: URL, merged: false });
  assertEquals(await gh.calls(), [
    VIEW,
    "create --base main --head ralph/job --title Job --body-file -",
  ]);
  assertEquals(await gh.body(), "All pass.\n");
  assertEquals(await gh.env(), "prompt=1,0\n");
});

Deno.test("publishBranch() uses the open pull request of the branch, and merges it", async () => {
  await using repo = await published();
  const gh = await scriptedGh(repo, { view: view("OPEN"), merge: "exit 0" });
  const report = await publishBranch(repo.task, { ...repo.options, autoMerge: true });
  assertEquals(report, { pushed: true, pullRequest: URL, merged: true });
  assertEquals(await gh.calls(), [VIEW, `merge ${URL} --merge --delete-branch`]);
});

Deno.test("publishBranch() opens a new pull request if the last one was closed", async () => {
  await using repo = await published();
  await scriptedGh(repo, { view: view("CLOSED"), create: "echo https://example.com/8" });
  const { pullRequest } = await publishBranch(repo.task, repo.options);
  assertEquals(pullRequest, "https://example.com/8");
});

Deno.test("publishBranch() merges no pull request that goes elsewhere", async () => {
  await using repo = await published();
  const gh = await scriptedGh(repo, { view: view("OPEN", { baseRefName: "next" }) });
  const report = await publishBranch(repo.task, { ...repo.options, autoMerge: true });
  assertEquals(report.merged, false);
  assertStringIncludes(report.problem ?? "", 'it goes into "next", not "main"');
  assertEquals(await gh.calls(), [VIEW]);
});

Deno.test("publishBranch() does not push a branch that the target already contains", async () => {
  await using repo = await published();
  const head = (await repo.git("rev-parse", "HEAD")).trim();
  // As after a squash: other commits, the same work.
  await scriptedGh(repo, { view: view("MERGED", { headRefOid: head }) });
  assertEquals(await publishBranch(repo.task, repo.options), {
    pushed: false,
    pullRequest: URL,
    merged: true,
  });
  await repo.git("push", "--quiet", "origin", `${BRANCH}:main`);
  assertEquals(await publishBranch(repo.task, repo.options), { pushed: false, merged: true });
  assertEquals((await repo.origin("branch", "--list", BRANCH)).trim(), "");
});

Deno.test("publishBranch() reports a failed merge, with gh's words and the command", async () => {
  await using repo = await published();
  const merge = "echo 'Pull request is not mergeable: checks are pending' >&2; exit 1";
  await scriptedGh(repo, { view: view("OPEN"), merge });
  assertEquals(await publishBranch(repo.task, { ...repo.options, autoMerge: true }), {
    pushed: true,
    pullRequest: URL,
    merged: false,
    problem:
      `Cannot merge pull request "${URL}": Pull request is not mergeable: checks are pending`,
    hint: `gh pr merge ${URL} --merge --delete-branch`,
  });
});

Deno.test("publishBranch() reports a pull request that cannot be opened, without secrets", async () => {
  await using repo = await published();
  await scriptedGh(repo, { create: 'echo "HTTP 401: bad token $GH_TOKEN" >&2; exit 1' });
  const env = { ...repo.options.env, GH_TOKEN: "very-secret-value" };
  const report = await publishBranch(repo.task, { ...repo.options, env });
  assertEquals(report, {
    pushed: true,
    merged: false,
    problem: 'Cannot open a pull request for branch "ralph/job": HTTP 401: bad token ***',
    hint: "gh pr create --base main --head ralph/job",
  });
});

Deno.test("publishBranch() reports a rejected push, and leaves both sides as they are", async () => {
  await using repo = await published();
  await repo.git("push", "--quiet", "origin", `HEAD:refs/heads/${BRANCH}`);
  const theirs = await repo.origin("rev-parse", BRANCH);
  await repo.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "feat: another");
  const gh = await scriptedGh(repo, {});
  const report = await publishBranch(repo.task, repo.options);
  assertEquals([report.pushed, report.merged], [false, false]);
  assertStringIncludes(report.problem ?? "", 'Cannot push branch "ralph/job": ! [rejected]');
  assertEquals(report.hint, "git push -u origin ralph/job");
  assertEquals(await repo.origin("rev-parse", BRANCH), theirs);
  assertEquals(await gh.calls(), [VIEW]);
});

Deno.test("publishBranch() runs the hook of a push in the environment of an agent", async () => {
  await using repo = await published();
  const hook = join(repo.root, ".git", "hooks", "pre-push");
  await mkdir(dirname(hook), { recursive: true });
  await writeFile(hook, `#!/bin/sh\nexport -p > "${repo.outside}/hook.env"\n`);
  await chmod(hook, 0o755);
  const env = { ...repo.options.env, OPENCODE_SERVER_PASSWORD: "secret-1", RALPH_X: "secret-2" };
  assertEquals((await publishBranch(repo.task, { ...repo.options, env })).pushed, true);
  const given = await readFile(join(repo.outside, "hook.env"), "utf8");
  assertStringIncludes(given, "GIT_TERMINAL_PROMPT");
  assertEquals(given.includes("secret"), false);
});

Deno.test("publishBranch() reports what a hook of the push says", async () => {
  await using repo = await published();
  const hook = join(repo.root, ".git", "hooks", "pre-push");
  await mkdir(dirname(hook), { recursive: true });
  await writeFile(hook, "#!/bin/sh\necho 'the tests fail' >&2\nexit 1\n");
  await chmod(hook, 0o755);
  const { problem } = await publishBranch(repo.task, repo.options);
  assertEquals(problem, 'Cannot push branch "ralph/job": the tests fail');
});

Deno.test("publishBranch() pushes nothing without a remote, or to the target itself", async () => {
  await using repo = await published();
  const itself = await publishBranch(repo.task, { ...repo.options, mergeTarget: BRANCH });
  assertStringIncludes(itself.problem ?? "", "it is the merge target itself");
  await repo.git("remote", "remove", "origin");
  assertEquals(await publishBranch(repo.task, repo.options), {
    pushed: false,
    merged: false,
    problem: 'Cannot push branch "ralph/job": there is no remote "origin"',
    hint: "git remote add origin URL",
  });
});

Deno.test("publishBranch() ends a push that takes too long, and says so", async () => {
  await using repo = await published();
  const hook = join(repo.root, ".git", "hooks", "pre-push");
  await mkdir(dirname(hook), { recursive: true });
  await writeFile(hook, "#!/bin/sh\nexec /bin/sleep 60\n");
  await chmod(hook, 0o755);
  const { problem } = await publishBranch(repo.task, { ...repo.options, timeoutMs: 1000 });
  assertEquals(problem, 'Cannot push branch "ralph/job": took longer than 1 s');
});

Deno.test("publishBranch() stops when it is aborted", async () => {
  await using repo = await published();
  const signal = AbortSignal.abort(new Error("enough"));
  const options = { ...repo.options, signal };
  await assertRejects(() => publishBranch(repo.task, options), Error, "enough");
});

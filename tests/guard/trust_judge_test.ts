import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Judge } from "../../lib/guard/trust/judge.ts";
import { trustJudge } from "../../lib/guard/trust/trust_judge.ts";
import { accept, type TrustRecord } from "../../lib/guard/trust/trust_record.ts";
import { openTrustStore, type TrustStore } from "../../lib/guard/trust/trust_store.ts";
import {
  contentOf,
  judgedPrd,
  type ProjectSettings,
} from "../../lib/guard/trust/trusted_content.ts";
import { readPrd } from "../../lib/task/prd/read_prd.ts";
import { type TaskRepo, taskRepo } from "../kit/scripted_agent.ts";

/** A repository in which a person has accepted the tasks `job` and `other`, and its judge. */
interface Scene extends AsyncDisposable {
  repo: TaskRepo;
  store: TrustStore;
  /** What ralph.toml says; a text cannot be read. */
  settings: ProjectSettings | string;
  judge(checks?: string[]): Judge;
  /** Lets a judge review the file as it is. */
  review(judge: Judge): Promise<{ checks: string[]; warning: string | undefined }>;
  sessions(): Promise<TrustRecord["sessions"][string][]>;
}

async function scene(settings: ProjectSettings = {}): Promise<Scene> {
  const repo = await taskRepo([{ id: "US-001" }], { checks: ["npm test"] });
  const store = await openTrustStore(repo.root, { stateDir: join(repo.outside, "state") });
  const other = join(repo.root, "tasks", "other");
  await mkdir(other);
  await writeFile(join(other, "prd.json"), '{"checks":["true"],"userStories":[{"id":"1"}]}');
  for (const dir of [repo.task.dir, other]) {
    const task = { ...repo.task, dir };
    const prd = judgedPrd(await readPrd(join(dir, "prd.json")));
    const content = await contentOf(task, { settings, prd });
    await store.update((record) => accept(record, `tasks/${dir.split("/").at(-1)}`, content));
  }
  const it: Scene = {
    repo,
    store,
    settings,
    judge: (checks) =>
      trustJudge(repo.task, {
        store,
        checks,
        readSettings: () =>
          typeof it.settings === "string"
            ? Promise.reject(new Error(it.settings))
            : Promise.resolve(it.settings),
      }),
    async review(judge) {
      const { prd, warning } = await judge.review(await readPrd(repo.task.prdFile));
      return { checks: prd.checks, warning };
    },
    sessions: async () => Object.values((await store.read()).sessions),
    [Symbol.asyncDispose]: () => repo[Symbol.asyncDispose](),
  };
  return it;
}

async function replace(file: string, from: string, to: string): Promise<void> {
  await writeFile(file, (await readFile(file, "utf8")).replace(from, to));
}

Deno.test("trustJudge() records a session while it lasts, and nothing if it changed nothing", async () => {
  await using it = await scene();
  {
    await using judge = it.judge();
    assertEquals(await it.review(judge), { checks: ["npm test"], warning: undefined });
    assertEquals(await it.sessions(), [{ root: it.repo.root }]);
  }
  assertEquals(await it.sessions(), []);
});

Deno.test("trustJudge() remembers each task whose files a session has left changed", async () => {
  await using it = await scene();
  {
    await using judge = it.judge();
    await it.review(judge);
    await replace(join(it.repo.root, "tasks", "other", "prd.json"), '"true"', '"./evil.sh"');
    it.settings = { max_cost: 9 };
    await it.review(judge);
  }
  const { root } = it.repo;
  assertEquals(await it.sessions(), [{ root, tasks: ["ralph.toml", "tasks/other"] }]);
  // The next session changes nothing, and what the first has left is still remembered.
  {
    await using judge = it.judge();
    await it.review(judge);
  }
  assertEquals(await it.sessions(), [{ root, tasks: ["ralph.toml", "tasks/other"] }]);
});

Deno.test("trustJudge() reports a change once, and a change of it again", async () => {
  await using it = await scene();
  await using judge = it.judge();
  await it.review(judge);
  await replace(it.repo.task.prdFile, "npm test", "true");
  const first = await it.review(judge);
  assertEquals(first.checks, ["npm test"]);
  assertStringIncludes(first.warning ?? "", 'check "true" of tasks/job/prd.json was added');
  assertEquals((await it.review(judge)).warning, undefined);
  await replace(it.repo.task.prdFile, '"true"', '"false"');
  assertStringIncludes((await it.review(judge)).warning ?? "", 'check "false"');
});

Deno.test("trustJudge() goes by the checks of ralph.toml in place of the user's own", async () => {
  await using it = await scene({ checks: ["npm run lint"] });
  await using judge = it.judge(["mine"]);
  assertEquals((await it.review(judge)).checks, ["npm run lint", "npm test"]);
  it.settings = { checks: [] };
  const { checks, warning } = await it.review(judge);
  assertEquals(checks, ["npm run lint", "npm test"]);
  assertStringIncludes(warning ?? "", "checks of ralph.toml was changed");
  await using plain = await scene();
  await using own = plain.judge(["mine"]);
  assertEquals((await plain.review(own)).checks, ["mine", "npm test"]);
});

Deno.test("trustJudge() goes on when an agent has broken ralph.toml", async () => {
  await using it = await scene();
  await using judge = it.judge();
  await it.review(judge);
  it.settings = "it is not valid TOML";
  const { checks, warning } = await it.review(judge);
  assertEquals(checks, ["npm test"]);
  assertStringIncludes(warning ?? "", "all that it says of ralph.toml was changed");
});

Deno.test("trustJudge() takes what a person has accepted before for the branch of the task", async () => {
  await using it = await scene();
  // Between the consent and the first review the loop has switched to the branch.
  await replace(it.repo.task.prdFile, "npm test", "npm run all");
  const prd = judgedPrd(await readPrd(it.repo.task.prdFile));
  const branch = await contentOf(it.repo.task, { settings: {}, prd });
  const main = { ...branch, prd: { ...prd, checks: ["npm test"] } };
  const both = (record: TrustRecord) =>
    accept(accept(record, "tasks/job", branch), "tasks/job", main);
  await it.store.update(both);
  await using judge = it.judge();
  assertEquals(await it.review(judge), { checks: ["npm run all"], warning: undefined });
});

Deno.test("trustJudge() ends even if its record cannot be read any more", async () => {
  await using it = await scene();
  const judge = it.judge();
  await it.review(judge);
  await rm(it.store.file);
  await mkdir(it.store.file);
  await judge[Symbol.asyncDispose]();
  await assertRejects(() => it.store.read());
});

import { assertEquals, assertMatch } from "@std/assert";
import { ralph } from "../kit/ralph_process.ts";
import { recorded } from "../kit/recorded_sessions.ts";

Deno.test("ralph history lists the sessions of a task, newest first", async () => {
  await using home = await recorded();
  const first = home.add({
    startedAgo: 7200,
    iterations: [{ outcome: "failed" }, { outcome: "passed", agent: "opencode" }],
    end: { status: "stopped", reason: "Iteration limit (2) reached", outcome: "limit", ago: 3600 },
  });
  home.add({ task: "other" });
  const second = home.add({
    startedAgo: 600,
    end: { status: "completed", reason: "Every story passes", ago: 1 },
  });
  const { stdout, stderr } = await ralph(["history", "my-feature"], home.options);
  assertEquals(stderr, "");
  assertEquals(
    stdout.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d/g, "2026-11-20 18:02"),
    `ID                           STARTED              TIME   STATUS      ITERATIONS   STORIES   AGENTS             COST   REASON
${second.id}   2026-11-20 18:02   9m 59s   completed            0      0/11   claude                —
${first.id}   2026-11-20 18:02   1h 00m   stopped              2      1/11   claude, opencode      —   Iteration limit (2) reached
`,
  );
});

Deno.test("ralph history without a task names the tasks, and -n limits the number", async () => {
  await using home = await recorded();
  home.add({ task: "one", startedAgo: 30 });
  home.add({ task: "two", startedAgo: 20 });
  home.add({ task: "three", startedAgo: 10 });
  const { stdout } = await ralph(["history", "-n", "2"], home.options);
  assertMatch(stdout, /^ID +TASK .*\n\S{26} +three .*\n\S{26} +two .*\n$/);
  const json = await ralph(["history", "--json", "--number", "1"], home.options);
  const { sessions } = JSON.parse(json.stdout);
  assertEquals(
    sessions.map((each: { task: string; agents: string[] }) => [each.task, each.agents]),
    [
      ["three", ["claude"]],
    ],
  );
  assertEquals((await ralph(["history", "-n", "0"], home.options)).code, 2);
});

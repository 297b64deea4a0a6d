import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { existsSync } from "node:fs";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expiredSessions } from "../../lib/cli/command/keep/clean.ts";
import type { Session } from "../../lib/session/model/session.ts";
import { ralph } from "../kit/ralph_process.ts";
import { type Recorded, recorded } from "../kit/recorded_sessions.ts";

const DAY = 86_400;
const ORPHAN = "01KA3QXJ5M0000000000000001";

async function ended(home: Recorded, days: number, task = "my-feature"): Promise<string> {
  const { id } = home.add({
    task,
    startedAgo: (days + 1) * DAY,
    end: { status: "stopped", reason: "SIGINT", ago: days * DAY },
  });
  const dir = await home.log(id, []);
  await writeFile(join(dir, "output.log"), "x".repeat(1000));
  return dir;
}

Deno.test("ralph clean requires a criterion", async () => {
  await using home = await recorded();
  const { code, stderr } = await ralph(["clean"], home.options);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "--older-than or --keep is required");
  assertStringIncludes(stderr, "hint: ralph clean --older-than 30d");
});

Deno.test("ralph clean deletes old sessions with their logs, and never running ones", async () => {
  await using home = await recorded();
  const old = await ended(home, 40);
  const recent = await ended(home, 10);
  const running = home.add({ startedAgo: 100 * DAY, task: "runs" });
  const dry = await ralph(["clean", "--older-than", "30d", "--dry-run"], home.options);
  assertMatch(
    dry.stdout,
    /^ID +TASK .*\n\S{26} +my-feature .*\n\nWould delete 1 session: 1\.0 kB of logs\n$/,
  );
  assertEquals(existsSync(old), true);
  const { code, stdout } = await ralph(["clean", "--older-than", "30d"], home.options);
  assertEquals([code, stdout], [0, "Deleted 1 session: 1.0 kB of logs\n"]);
  assertEquals([existsSync(old), existsSync(recent)], [false, true]);
  assertEquals(home.get(running.id)?.status, "running");
  const again = await ralph(["clean", "--older-than", "30d"], home.options);
  assertEquals(again.stdout, "Nothing to delete\n");
});

Deno.test("ralph clean --keep keeps the newest of each task", async () => {
  await using home = await recorded();
  const [oldest, , other] = [
    await ended(home, 3),
    await ended(home, 2),
    await ended(home, 9, "other"),
  ];
  const { stdout } = await ralph(["clean", "--keep", "1", "--json"], home.options);
  const { sessions, bytes, dryRun } = JSON.parse(stdout);
  assertEquals([sessions.length, bytes, dryRun], [1, 1000, false]);
  assertEquals([existsSync(oldest), existsSync(other)], [false, true]);
});

Deno.test("ralph clean deletes old logs without a session, and nothing else", async () => {
  await using home = await recorded();
  const folder = dirname(await ended(home, 1));
  const before = (await readdir(folder)).sort();
  const old = new Date(Date.now() - 2 * DAY * 1000);
  const recent = ORPHAN.replace(/1$/, "2");
  for (const name of [ORPHAN, recent, "notes"]) {
    await mkdir(join(folder, name));
    if (name !== recent) await utimes(join(folder, name), old, old);
  }
  const { stdout } = await ralph(["clean", "--older-than", "30d"], home.options);
  assertEquals(stdout, "Deleted 0 sessions and 1 log without a session: 0 bytes of logs\n");
  assertEquals((await readdir(folder)).sort(), [...before, recent, "notes"].sort());
});

Deno.test("expiredSessions() takes sessions that meet both criteria, counted for each task", () => {
  const now = 10_000;
  const session = (taskDir: string, endedAt: number | null) =>
    ({ taskDir, endedAt: endedAt === null ? null : new Date(endedAt).toISOString() }) as Session;
  const all = [session("a", null), session("a", 9000), session("b", 5000), session("a", 1000)];
  const chosen = (options: { keep?: number; olderThanMs?: number }) =>
    expiredSessions(all, { now, ...options }).map((each) => all.indexOf(each));
  assertEquals(chosen({ keep: 0 }), [1, 2, 3]);
  assertEquals(chosen({ keep: 1 }), [1, 3]);
  assertEquals(chosen({ olderThanMs: 5000 }), [2, 3]);
  assertEquals(chosen({ keep: 1, olderThanMs: 5000 }), [3]);
});

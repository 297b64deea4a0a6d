/** One round of chaos: a loop, a kill -9 at a random moment, and the invariants after it. */

import { assert, assertEquals } from "@std/assert";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { isAlive } from "../../lib/base/process_identity.ts";
import { readSessionLog } from "../../lib/session/log/read_session_log.ts";
import { type SessionPaths, sessionPaths } from "../../lib/session/model/session_paths.ts";
import { SESSION_VARIABLE } from "../../lib/worker/recover_sessions.ts";
import { configure, ralph, type RalphOptions } from "../kit/ralph_process.ts";
import { scriptedAgent, taskRepo } from "../kit/scripted_agent.ts";

/** The process to kill. */
export const VICTIMS = ["worker", "agent", "agent's group", "worker and agent"] as const;

/** What a round did. */
export interface RoundReport {
  /** The killed process; `nobody` if the loop had ended before. */
  victim: (typeof VICTIMS)[number] | "nobody";
  /** When, in milliseconds after the worker started. */
  afterMs: number;
  /** Sessions that it took to the end. */
  sessions: number;
}

const STORIES = ["US-001", "US-002", "US-003", "US-004"];

/**
 * Runs one round in a new repository, and asserts the invariants, whichever process was killed.
 *
 * @param random Source of random numbers from 0 (inclusive) to 1 (exclusive).
 */
export async function chaosRound(random: () => number): Promise<RoundReport> {
  await using repo = await taskRepo(STORIES.map((id) => ({ id })));
  // Whichever story is next: the prompt names it.
  const agent = await scriptedAgent(join(repo.outside, "agent"), [
    `id=$(sed -n 's/^\\*\\*\\(US-[0-9]*\\): .*/\\1/p' "${
      join(repo.outside, "agent")
    }/prompt.$n" | head -n 1)
sleep 0.0$n; echo "working on $id"; work "$id"; sleep 0.05; pass "$id"; git commit --quiet -am "done $id"`,
  ]);
  const options = await configure(repo, { agent }, 'stagnation = 0\ncool_down = "1s"');
  const paths = sessionPaths({ HOME: options.home });
  const run = ["run", "job", "-a", "agent", "-i", "40"];
  const started = await ralph([...run, "--detach", "--json"], options);
  assertEquals(started.code, 0, started.stderr);
  const { session, pid } = JSON.parse(started.stdout) as { session: string; pid: number };

  const afterMs = Math.round(random() * 600);
  await delay(afterMs);
  const victim = VICTIMS[Math.floor(random() * VICTIMS.length)] ?? "worker";
  const killed = kill(victim, { pid, session, paths });

  await assertStatusIsTrue(options, paths);
  // A killed agent's loop continues by itself; a second run is refused until it has ended.
  for (let attempt = 0;; attempt++) {
    const { code, stderr, stdout } = await ralph(run, options);
    await assertStatusIsTrue(options, paths);
    if (code === 0) break;
    assert(stderr.includes("already running") && attempt < 200, `exit ${code}: ${stderr}${stdout}`);
    await delay(50);
  }
  const ids = await assertHistory(paths);
  await assertNothingRuns(ids);
  return { victim: killed ? victim : "nobody", afterMs, sessions: ids.length };
}

function kill(
  victim: (typeof VICTIMS)[number],
  { pid, session, paths }: { pid: number; session: string; paths: SessionPaths },
): boolean {
  using registry = openRegistry({ path: paths.database });
  const agent = registry.getSession(session)?.agentProcess?.pid;
  const targets = {
    "worker": [pid],
    "agent": agent === undefined ? [] : [agent],
    "agent's group": agent === undefined ? [] : [-agent],
    "worker and agent": agent === undefined ? [pid] : [pid, agent],
  }[victim];
  return targets.map((target) => {
    try {
      process.kill(target, "SIGKILL");
      return true;
    } catch {
      return false;
    }
  }).includes(true);
}

/** After any kill, status shows a session as running if and only if its worker is. */
async function assertStatusIsTrue(options: RalphOptions, paths: SessionPaths): Promise<void> {
  const { code, stdout, stderr } = await ralph(["status", "--all", "--json"], options);
  assertEquals(code, 0, stderr);
  const { sessions } = JSON.parse(stdout) as { sessions: { id: string; status: string }[] };
  using registry = openRegistry({ path: paths.database });
  for (const { id, status } of sessions) {
    const session = registry.getSession(id);
    const alive = session !== undefined && session.worker !== null && isAlive(session.worker);
    // A worker that has just ended its session may still be on its way out.
    if (status === "running" && session?.status === "running") assert(alive, `${id} is dead`);
    if (status !== "running") assertEquals(session?.status, status);
  }
}

async function assertHistory(paths: SessionPaths): Promise<string[]> {
  using registry = openRegistry({ path: paths.database });
  const sessions = registry.findSessions({}).reverse();
  assertEquals(sessions.filter(({ status }) => status === "running"), []);
  const passed = sessions.flatMap(({ id }) =>
    registry.listIterations(id).flatMap((iteration) => iteration.passed)
  );
  assertEquals(passed.toSorted(), STORIES, "each story passes exactly once");
  for (const { id } of sessions) {
    const log = await Array.fromAsync(readSessionLog(join(paths.sessionsDir, id)));
    assertEquals(log.map(({ seq }) => seq), log.map((_, i) => i + 1), "no gap, no repetition");
    assertEquals(log.at(-1)?.event.type, "loop_finished");
  }
  return sessions.map(({ id }) => id);
}

async function assertNothingRuns(ids: readonly string[]): Promise<void> {
  if (process.platform !== "linux") return;
  const marks = ids.map((id) => `${SESSION_VARIABLE}=${id}`);
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    const ours = environment.split("\0").some((variable) => marks.includes(variable));
    if (!ours) continue;
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
    assert(state === "" || state === "Z" || state === "X", `process ${pid} is left: ${stat}`);
  }
}

import { mkdtemp, rm } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { openRegistry, sessionPaths } from "../../mod.ts";
import { type Bench, type BenchRow, interleave, timeProgram } from "./measure.ts";

const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));
const QUERY =
  "SELECT * FROM sessions WHERE id IN (SELECT max(id) FROM sessions GROUP BY task_dir)" +
  " ORDER BY started_at DESC";

/** How long `ralph status` takes with many sessions in the registry. */
export const STATUS_BENCH: Bench = {
  name: "ralph status",
  reference: "sqlite3 with the same query",
  async run(): Promise<BenchRow[]> {
    const rows: BenchRow[] = [];
    for (const sessions of [10, 1_000, 10_000]) {
      const home = await mkdtemp(join(tmpdir(), "ralph-bench-"));
      try {
        const { database } = sessionPaths({ HOME: home });
        fill(database, sessions);
        const { PATH = "", DENO_DIR, HOME = "" } = process.env;
        const env = { PATH, HOME: home, DENO_DIR: DENO_DIR ?? join(HOME, ".cache", "deno") };
        const ours = (): Promise<number> =>
          timeProgram([process.execPath, "run", "-A", CLI, "status"], { env, cwd: home });
        const measured = hasSqlite()
          ? await interleave(10, {
            ours,
            reference: () => timeProgram(["sqlite3", database, QUERY]),
          })
          : await interleave(10, { ours });
        rows.push({ what: `with ${sessions} sessions`, ...measured, unit: "ms" });
      } finally {
        await rm(home, { recursive: true });
      }
    }
    return rows;
  },
};

/** Ten sessions of each task, all ended. */
function fill(database: string, sessions: number): void {
  using registry = openRegistry({ path: database });
  registry.transaction(() => {
    for (let i = 0; i < sessions; i++) {
      const task = `task-${i % Math.ceil(sessions / 10)}`;
      const { id } = registry.createSession({
        task,
        taskDir: `/home/me/app/tasks/${task}`,
        root: "/home/me/app",
        agent: "claude",
        stories: { done: i % 11, total: 11 },
        limits: { iterations: 50 },
      });
      registry.endSession(id, "completed", "every story passes", { outcome: "completed" });
    }
  });
}

function hasSqlite(): boolean {
  try {
    execFileSync("sqlite3", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

import { assertEquals } from "@std/assert";
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { serverUnit } from "../../lib/agent/opencode/server/unit.ts";
import { tempDir } from "../kit/testing.ts";
import { OPENCODE } from "./opencode_testing.ts";

const MANAGER = fileURLToPath(new URL("systemd_user.sh", import.meta.url));
const SCENE = fileURLToPath(new URL("systemd_scene.ts", import.meta.url));

interface Outcome {
  code: number;
  output: string;
}

function call(program: string, args: string[], env: Record<string, string>): Promise<Outcome> {
  const { PATH = "", DENO_DIR = join(process.env.HOME ?? "", ".cache", "deno") } = process.env;
  const options = { env: { PATH, DENO_DIR, NO_COLOR: "1", ...env }, timeout: 180_000 };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? 1);
      resolve({ code: Number.isNaN(code) ? 127 : code, output: `${stdout}${stderr}` });
    });
  });
}

/** Why a systemd user manager cannot run here; empty if it can. */
async function findObstacle(): Promise<string> {
  if (OPENCODE.ignore) return OPENCODE.why;
  await using dir = await tempDir();
  const { code, output } = await call(MANAGER, [join(dir.path, "home"), "true"], {});
  if (code === 0) return "";
  return ` (skipped: no systemd user manager can run here: ${output.trim().split("\n").at(-1)})`;
}

const obstacle = await findObstacle();

function test(name: string, scene: string): void {
  Deno.test({
    name: `${name}${obstacle}`,
    ignore: obstacle !== "",
    async fn() {
      await using dir = await tempDir();
      const args = [join(dir.path, "home"), process.execPath, "run", "-A", SCENE, scene];
      const { code, output } = await call(MANAGER, args, { RALPH_TEST_OPENCODE: OPENCODE.program });
      assertEquals(code, 0, output);
    },
  });
}

test(
  "US-004, US-005, US-011, FR-1: the server is set up as ralph says, and a task runs through it",
  "lifecycle",
);
test("US-004, US-009, FR-3: stop and checkpoint leave the server running", "untouched");
test(
  "a server that is killed in an iteration is started by systemd, and the task is completed",
  "crash",
);
test("a port that is taken ends in a clear state of its own", "taken");

const analyze = await call("systemd-analyze", ["--version"], {});

Deno.test({
  name: `systemd-analyze verify accepts the unit${
    analyze.code === 0 ? "" : " (skipped: systemd-analyze is not installed)"
  }`,
  ignore: analyze.code !== 0,
  async fn() {
    await using dir = await tempDir();
    const program = join(dir.path, "open code%1");
    await writeFile(program, "", { mode: 0o755 });
    const file = join(dir.path, "opencode.service");
    await writeFile(file, serverUnit({ program, path: "/usr/bin:/home/me/a b" }));
    const runtime = join(dir.path, "runtime");
    await mkdir(runtime, { mode: 0o700 });
    const env = { XDG_RUNTIME_DIR: runtime, HOME: dir.path };
    const { code, output } = await call("systemd-analyze", ["verify", "--user", file], env);
    assertEquals([code, output], [0, ""]);
  },
});

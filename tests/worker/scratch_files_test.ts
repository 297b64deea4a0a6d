/** Private files of agents (prompts, settings with keys) go with their session, whatever happens. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import { configure, ralph } from "../kit/ralph_process.ts";
import { taskRepo } from "../kit/scripted_agent.ts";
import { tempDir } from "../kit/testing.ts";
import { until } from "./suite_scene.ts";

const SECRET = "k3y-in-the-settings";

/** Notes the file that it is given, and hangs; fails the next time. */
const PROGRAM = `#!/bin/sh
[ "$1" = --version ] && echo 1.0 && exit
file=$1
while [ $# -gt 0 ]; do [ "$1" = --settings ] && file=$2; shift; done
[ -e ../file ] && exit 3
echo "$file" > ../file.new && mv ../file.new ../file
exec sleep 60
`;

const TABLES: Record<string, (program: string) => string> = {
  claude: (program) => `[agents.claude]\nprogram = "${program}"\n`,
  ours: (program) => `[agents.ours]\ncommand = ["${program}"]\nprompt = "file"\n`,
};

for (const [agent, table] of Object.entries(TABLES)) {
  Deno.test(`files of ${agent} lie in the session's folder, and go after kill -9`, async () => {
    await using repo = await taskRepo([{ id: "US-001" }]);
    await using temp = await tempDir();
    const program = join(repo.outside, "program");
    await writeFile(program, PROGRAM);
    await chmod(program, 0o755);
    const options = await configure(repo, {});
    options.env = { ...options.env, TMPDIR: temp.path };
    await writeFile(
      join(options.home, ".config", "ralph", "config.toml"),
      `failover = []\nbackoff = "0"\n${table(program)}`,
    );
    await mkdir(join(options.home, ".claude"), { recursive: true });
    const settings = { env: { THE_API_KEY: SECRET } };
    await writeFile(join(options.home, ".claude", "settings.json"), JSON.stringify(settings));

    await ralph(["run", "job", "-a", agent, "--detach"], options);
    const noted = join(repo.outside, "file");
    const file = (await until(() => readFile(noted, "utf8").catch(() => undefined))).trim();
    assertStringIncludes(file, sessionPaths({ HOME: options.home }).sessionsDir);
    assertEquals((await stat(file)).mode & 0o777, 0o600);
    assertMatch(await readFile(file, "utf8"), agent === "claude" ? /k3y-in-the/ : /US-001/);

    process.kill(workerPid(options.home), "SIGKILL");
    assertEquals((await ralph(["run", "job", "-a", agent], options)).code, 1);
    assertEquals(await stat(dirname(file)).catch(() => "gone"), "gone");
    assertEquals((await readdir(temp.path)).filter((name) => name.startsWith("ralph")), []);
  });
}

function workerPid(home: string): number {
  using registry = openRegistry({ path: sessionPaths({ HOME: home }).database });
  const [session] = registry.findSessions({});
  if (!session?.worker) throw new Error("No worker is running");
  return session.worker.pid;
}

/**
 * Runs a loop with one chatty agent and a server that clients are connected to, and prints how long
 * it took in milliseconds: `<root> <agent> <clients>`.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createCommand } from "../../lib/agent/command/command.ts";
import { LoopControl } from "../../lib/loop/loop_control.ts";
import { runLoop } from "../../lib/loop/run_loop.ts";
import { startSessionServer } from "../../lib/rpc/server/session_server.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { Recorder } from "../../lib/session/recorder.ts";
import { openSessionLog } from "../../lib/session/log/session_log.ts";
import { resolveTask } from "../../lib/task/resolve_task.ts";

const CLIENTS = fileURLToPath(new URL("rpc_clients.ts", import.meta.url));

const [root = "", agent = "", clients = "0"] = process.argv.slice(2);
const task = await resolveTask("bench", { cwd: root });
const dir = join(root, ".git", "session");
const paths = { socketsDir: join(root, ".git", "sockets"), stateDir: join(root, ".git", "state") };
using registry = openRegistry({ path: join(root, ".git", "sessions.db") });
const session = registry.createSession({
  task: "bench",
  taskDir: task.dir,
  root,
  agent: "program",
});
await using log = await openSessionLog(dir);
await using recorder = new Recorder(session.id, { registry, log });
const control = new LoopControl();
await using server = await startSessionServer(session, { paths, dir, control });
if (clients !== "0") {
  // The work of the clients themselves is not a cost of the loop.
  const command = ["-n", "19", process.execPath, "run", "-A", CLIENTS, server.path, clients];
  const child = spawn("nice", command, { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
}
const events = runLoop({
  task,
  control,
  agents: [createCommand("program", { command: [agent] })],
  agent: "program",
  limits: { iterations: 1 },
});
const begun = performance.now();
for await (const event of events) {
  const { seq } = await recorder.write(event);
  server.write(event, seq);
}
process.stdout.write(`${performance.now() - begun}\n`);

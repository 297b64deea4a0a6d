import type { Duplex } from "node:stream";
import process from "node:process";
import { RpcConnectionError } from "../../../rpc/client/rpc_channel.ts";
import { unixTransport } from "../../../rpc/client/transports.ts";
import type { Session } from "../../../session/model/session.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { findSession, sessionRef } from "../../sessions/find_session.ts";
import { openSessions } from "../../sessions/open_sessions.ts";
import { onInterruption } from "../../terminal/signals.ts";
import { PatientOutput } from "../../terminal/patient_output.ts";

/** Sent before everything else; without an id, so that it gets no answer. */
const OBSERVE = '{"jsonrpc":"2.0","method":"hello","params":{"role":"observe"}}\n';

/** `ralph rpc`: the socket of a running session on stdin and stdout. */
export const command: Command = {
  usage: "[TASK|ID] [options]",
  description:
    "Connects stdin and stdout to a running session, for editors and scripts, here or over\n" +
    "SSH: JSON-RPC 2.0, one object a line. TASK is optional if exactly one session is running.",
  operands: 1,
  examples: [
    [`echo '{"jsonrpc":"2.0","id":1,"method":"get_status"}' | ralph rpc`, "the state of the loop"],
    ["ssh vps ralph rpc my-feature --observe", "watch a session on another host"],
  ],
  options: [
    { name: "session", value: "ID", help: "this session; 4 characters of its id are enough" },
    { name: "observe", help: "refuse everything that acts on the loop" },
    { name: "json", help: "errors as one JSON object on stdout too; the rest is JSON already" },
  ],
  notes:
    "lib/rpc/PROTOCOL.md describes the protocol. ralph rpc ends with the session, or at the end of\n" +
    "stdin if there are no subscriptions. Exit codes: 0; 1 if the session is not running; 5 if it\n" +
    "cannot be reached.",
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const ref = sessionRef(line);
    let session: Session;
    {
      using registry = await openSessions(context);
      session = await findSession(ref, {
        // Standard input is the protocol's: nobody can be asked there.
        from: { ...context, interactive: false },
        registry,
        command: "ralph rpc",
        acts: !line.has("observe"),
        running: true,
      });
    }
    const { task, status, socket: path, id } = session;
    if (status !== "running") {
      const error = new Error(`Session not running: ${task} is ${status}`);
      throw Object.assign(error, { hint: `ralph show ${id}` });
    }
    if (path === null) throw new RpcConnectionError(`Cannot reach ${task}: it has no socket`);
    using interruption = onInterruption();
    const { signal } = interruption;
    const socket = await unixTransport(path).connect(signal).catch((error: Error) => {
      throw new RpcConnectionError(`Cannot reach ${task} at "${path}": ${error.message}`);
    });
    if (line.has("observe")) socket.write(OBSERVE);
    await relay(socket, context, signal);
    return interruption.exitCode;
  },
};

/** Passes bytes on in both directions until the session ends or the reader closes. */
async function relay(
  socket: Duplex,
  { stdout }: CommandContext,
  signal: AbortSignal,
): Promise<void> {
  using output = new PatientOutput(stdout.raw, signal);
  const close = (): void => void socket.destroy();
  signal.addEventListener("abort", close, { once: true });
  // If the server disappears during a write, the other direction is closed too.
  socket.on("error", close);
  socket.setEncoding("utf8");
  process.stdin.pipe(socket);
  try {
    for await (const text of socket) if (!(await output.write(text))) break;
  } catch (error) {
    if (!socket.destroyed) throw error;
  } finally {
    signal.removeEventListener("abort", close);
    socket.destroy();
    process.stdin.unpipe(socket);
    // This must end even if stdin is never closed by the other side.
    process.stdin.destroy();
  }
}

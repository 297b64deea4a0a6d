import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { Duplex } from "node:stream";

/** How a client reaches a server. */
export interface RpcTransport {
  /** What it connects to, for messages. */
  readonly name: string;
  /** Opens a connection. To close it, destroy the stream. */
  connect(signal?: AbortSignal): Promise<Duplex>;
}

/** How much of stderr is kept to explain why a command ended, in characters. */
const STDERR_CHARS = 2000;

/**
 * Connects to a server by its unix socket.
 *
 * @example Usage
 * ```ts ignore
 * import { connectSession, unixTransport } from "@ralph/cli";
 *
 * await using session = await connectSession(unixTransport("/run/my.sock"));
 * console.log(session.session.task_name);
 * ```
 */
export function unixTransport(path: string): RpcTransport {
  return {
    name: path,
    async connect(signal?: AbortSignal): Promise<Duplex> {
      signal?.throwIfAborted();
      const socket = connect(path);
      try {
        await once(socket, "connect", signal === undefined ? {} : { signal });
        return socket;
      } catch (error) {
        socket.destroy();
        signal?.throwIfAborted();
        throw error;
      }
    },
  };
}

/**
 * Connects to a server through a command that speaks the protocol on its stdin and stdout: `ralph
 * rpc` on this host, or on another one over SSH.
 *
 * @example Usage
 * ```ts ignore
 * import { commandTransport, connectSession } from "@ralph/cli";
 *
 * const transport = commandTransport(["ssh", "vps", "ralph", "rpc", "my-feature"]);
 * await using session = await connectSession(transport);
 * ```
 *
 * @param command The program and its arguments; no shell is started.
 * @param options Where it runs.
 * @returns The transport; every connection starts another process.
 */
export function commandTransport(
  command: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): RpcTransport {
  const [program = "", ...args] = command;
  return {
    name: command.join(" "),
    async connect(signal?: AbortSignal): Promise<Duplex> {
      signal?.throwIfAborted();
      const child = spawn(program, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
      await once(child, "spawn");
      let said = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        said = (said + text).slice(-STDERR_CHARS);
      });
      const { stdin, stdout } = child;
      // Its stderr is the reason, and is complete once its streams are closed.
      const closed = once(child, "close");
      const stream = new Duplex({
        read: () => void stdout.resume(),
        write: (chunk, _, done) => void stdin.write(chunk, (error) => done(error ?? null)),
        final: (done) => void stdin.end(done),
        destroy(error, done) {
          child.kill();
          done(error);
        },
      });
      stdin.on("error", () => {});
      stdout.on("data", (chunk) => {
        if (!stream.push(chunk)) stdout.pause();
      });
      void closed.then(([code]) => {
        if (code !== 0 && said.trim() !== "") stream.destroy(new Error(said.trim()));
        else stream.push(null);
      });
      return stream;
    },
  };
}

import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import type { AgentTerminal } from "../../lib/agent/agent_terminal.ts";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import type { SessionControl } from "../../lib/rpc/server/session_hub.ts";
import {
  type SessionServer,
  type SessionServerOptions,
  startSessionServer,
} from "../../lib/rpc/server/session_server.ts";
import type { NumberedEvent } from "../../lib/event/numbered_event.ts";
import { openSessionLog, type SessionLogOptions } from "../../lib/session/log/session_log.ts";
import { tempDir } from "./testing.ts";

/** A server of a session without a loop, and a client that speaks to it line by line. */

/** The session of every test. */
export const SESSION = {
  id: "01KA3QXJ5M0000000000000000",
  task: "job",
  taskDir: "/repo/tasks/job",
  root: "/repo",
  agent: "claude",
  startedAt: "2026-11-20T18:02:11.000Z",
};

/** A terminal that records what was done to it. */
export class FakeTerminal implements AgentTerminal {
  columns = 80;
  rows = 24;
  text = "";
  typed = "";
  readonly #listeners = new Set<(data: string) => void>();
  get listeners(): number {
    return this.#listeners.size;
  }
  write(data: string): void {
    this.typed += data;
  }
  resize(columns: number, rows: number): void {
    Object.assign(this, { columns, rows });
  }
  serialize(): string {
    return this.text;
  }
  subscribe(listener: (data: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  /** What the agent prints. */
  print(data: string): void {
    this.text += data;
    for (const listener of this.#listeners) listener(data);
  }
}

/** A control that records requests. */
export class FakeControl implements SessionControl {
  readonly asked: string[] = [];
  interactive = false;
  terminal: FakeTerminal | undefined;
  requestStop(reason: string): void {
    this.asked.push(`stop: ${reason}`);
  }
  requestCheckpoint(reason: string): void {
    this.asked.push(`checkpoint: ${reason}`);
  }
  retryNow(): void {
    this.asked.push("retry");
  }
  injectPrompt(text: string): void {
    this.asked.push(`prompt: ${text}`);
  }
  setInteractive(enabled: boolean): void {
    this.interactive = enabled;
  }
}

/** A server with a log, in a temporary folder. */
export interface TestServer extends AsyncDisposable {
  server: SessionServer;
  control: FakeControl;
  /** The folder of everything. */
  path: string;
  /** The folder of the log. */
  dir: string;
  /** Records events and tells the clients, as a worker does. */
  tell(...events: LoopEvent[]): Promise<NumberedEvent[]>;
}

/** Options of a server that a test may change. */
export type TestServerOptions = Partial<SessionServerOptions> & { log?: SessionLogOptions };

/** Starts a server. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { log: logOptions, ...serverOptions } = options;
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir());
  const dir = join(path, "log");
  const log = stack.use(await openSessionLog(dir, logOptions));
  const control = new FakeControl();
  const paths = { socketsDir: join(path, "sockets"), stateDir: join(path, "state") };
  const server = stack.use(
    await startSessionServer(SESSION, { paths, dir, control, ...serverOptions }),
  );
  const all = stack.move();
  return {
    server,
    control,
    path,
    dir,
    async tell(...events) {
      const numbered = events.map((event) => log.append(event));
      await log.flush();
      for (const { event, seq } of numbered) server.write(event, seq);
      return numbered;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** A line of output of an agent, as an event. */
export function outputEvent(line: string): LoopEvent {
  const time = "2026-11-20T18:02:12.000Z";
  return { time, type: "agent", iteration: 1, event: { kind: "output", stream: "stdout", line } };
}

/** A message of a server, as a test looks at it. */
// deno-lint-ignore no-explicit-any -- a test asserts what is in it
export type Message = any;

/** A client that sees every line. */
export class LineClient implements AsyncDisposable {
  readonly socket: Socket;
  /** Messages that were not awaited yet. */
  readonly received: Message[] = [];
  #rest = "";
  #id = 0;
  #news = Promise.withResolvers<void>();
  #over = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.received.push(JSON.parse(line));
      this.#news.resolve();
    });
    socket.on("close", () => {
      this.#over = true;
      this.#news.resolve();
    });
  }

  /** Connects. */
  static async connect(path: string): Promise<LineClient> {
    const socket = connect(path);
    await once(socket, "connect");
    return new LineClient(socket);
  }

  /** Sends bytes as they are. */
  send(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** Takes the first message, received or still to come, for which a condition holds. */
  async next(wanted: (message: Message) => boolean = () => true): Promise<Message> {
    for (;;) {
      const index = this.received.findIndex(wanted);
      if (index >= 0) return this.received.splice(index, 1)[0];
      if (this.#over) throw new Error("The connection was closed");
      this.#news = Promise.withResolvers();
      await this.#news.promise;
    }
  }

  /** Calls a method and takes the answer. */
  async call(method: string, params?: unknown): Promise<Message> {
    const id = ++this.#id;
    this.send(`${JSON.stringify({ jsonrpc: "2.0", id, method, ...(params ? { params } : {}) })}\n`);
    return await this.next((message) => message.id === id);
  }

  /** Takes the next notification of a type. */
  async event(type: string): Promise<Message> {
    return (await this.next((message) => message.params?.type === type)).params;
  }

  /** Waits until the server has closed the connection. */
  async closed(): Promise<void> {
    while (!this.#over) {
      this.#news = Promise.withResolvers();
      await this.#news.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed();
  }
}

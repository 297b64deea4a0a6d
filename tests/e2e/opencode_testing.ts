/** The real OpenCode for tests: found, configured for a scripted model, served on a free port. */

import { type ChildProcess, spawn } from "node:child_process";
import { access, constants, mkdir, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { delimiter, join } from "node:path";
import process from "node:process";
import { checkHealth } from "../../lib/agent/opencode/server/check_health.ts";
import type { ServerAddress } from "../../lib/agent/opencode/server/address.ts";
import type { AgentResult, AgentRun, AgentStartOptions } from "../../lib/agent/agent.ts";
import type { AgentEvent } from "../../lib/event/agent_event.ts";
import { readPrd } from "../../lib/task/prd/read_prd.ts";
import { type TaskRepo, taskRepo } from "../kit/scripted_agent.ts";
import { type ChatModel, chatModel, type ChatReply, type ChatRequest } from "./opencode_model.ts";

/** The real OpenCode: RALPH_TEST_OPENCODE, or the one on PATH; `undefined` if there is none. */
export async function findOpencode(): Promise<string | undefined> {
  const named = process.env.RALPH_TEST_OPENCODE;
  const paths = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, "opencode"));
  for (const path of named ? [named] : paths) {
    if (await access(path, constants.X_OK).then(() => true, () => false)) return path;
  }
}

/** The real OpenCode, and how a test that needs it is declared. */
export const OPENCODE: { program: string; ignore: boolean; why: string } = await findOpencode()
  .then((program) => ({
    program: program ?? "",
    ignore: program === undefined,
    why: program === undefined ? " (skipped: no opencode on PATH or in RALPH_TEST_OPENCODE)" : "",
  }));

/** A port that nothing listens on, at least a moment ago. */
export async function freePort(): Promise<number> {
  const server = createNetServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Writes OpenCode's config for a scripted model into a home folder. */
export async function configureOpencode(
  home: string,
  modelUrl: string,
  permission: unknown = "allow",
): Promise<void> {
  const folder = join(home, ".config", "opencode");
  await mkdir(folder, { recursive: true });
  const model = { tool_call: true, limit: { context: 100_000, output: 8_000 } };
  const priced = { ...model, cost: { input: 1, output: 2 } };
  const config = {
    model: "stub/stub",
    small_model: "stub/stub",
    autoupdate: false,
    share: "disabled",
    permission,
    provider: {
      stub: {
        npm: "@ai-sdk/openai-compatible",
        options: { baseURL: modelUrl, apiKey: "x" },
        models: { stub: priced, other: model },
      },
    },
  };
  await writeFile(join(folder, "opencode.json"), JSON.stringify(config));
}

/** The environment of OpenCode's server and of its TUI. */
export function opencodeEnvironment(home: string, password?: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    HOME: home,
    OPENCODE_DISABLE_MODELS_FETCH: "1",
    // Its tools must find the user's git identity only in the repository.
    GIT_CONFIG_GLOBAL: "/dev/null",
    ...(password === undefined ? {} : { OPENCODE_SERVER_PASSWORD: password }),
  };
}

/** A running OpenCode server. */
export interface OpencodeServer extends AsyncDisposable {
  /** Where it listens. */
  address: ServerAddress;
  port: number;
  /** Kills it, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on its port. */
  restart(): Promise<void>;
}

/** Serves OpenCode on a free port. */
export async function serveOpencode(
  options: { home: string; cwd: string; password?: string; port?: number },
): Promise<OpencodeServer> {
  const { home, cwd, password } = options;
  const port = options.port ?? await freePort();
  const address: ServerAddress = {
    url: `http://127.0.0.1:${port}`,
    username: "opencode",
    ...(password === undefined ? {} : { password }),
    remote: false,
  };
  let child: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  const start = async () => {
    const started = spawn(OPENCODE.program, ["serve", "--port", String(port)], {
      cwd,
      env: opencodeEnvironment(home, password),
      stdio: "ignore",
      detached: true,
    });
    child = started;
    ended = new Promise((resolve) => started.once("exit", resolve));
    const health = await checkHealth(address, { downMs: 60_000, startingMs: 60_000 });
    if (health.kind !== "ready") throw new Error(`OpenCode is ${JSON.stringify(health)}`);
  };
  const kill = async () => {
    if (child?.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch { /* it has ended */ }
    await ended;
    child = undefined;
  };
  await start();
  return { address, port, kill, restart: start, [Symbol.asyncDispose]: kill };
}

/** A request as {@linkcode recordingProxy} saw it. */
export interface ProxiedRequest {
  method: string;
  path: string;
  directory: string | null;
}

/** A proxy in front of a server that records every request. */
export interface RecordingProxy extends AsyncDisposable {
  url: string;
  requests: ProxiedRequest[];
  /** Breaks every connection that is open now, also of event streams. */
  breakConnections(): void;
}

/** Starts a proxy in front of a server of this machine. */
export async function recordingProxy(target: ServerAddress): Promise<RecordingProxy> {
  const requests: ProxiedRequest[] = [];
  const server = createServer((incoming, response) => {
    const { method = "GET", url = "/", headers } = incoming;
    const { pathname, searchParams } = new URL(url, target.url);
    requests.push({ method, path: pathname, directory: searchParams.get("directory") });
    const outgoing = request(
      new URL(url, target.url),
      { method, headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
        answer.on("error", () => response.destroy());
      },
    );
    outgoing.on("error", () => response.destroy());
    response.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    breakConnections: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The text of the messages of a request to the model. */
export function textOf({ messages }: ChatRequest): string {
  return JSON.stringify(messages);
}

/** Does the story that the prompt names: one call that edits, marks, notes and commits. */
export function workOnStory(request: ChatRequest): ChatReply {
  const text = textOf(request);
  if (request.messages.at(-1)?.role === "tool") return { kind: "text", text: "Done" };
  const id = /\*\*(US-\d{3}): /.exec(text)?.[1] ?? "";
  const prd = /tasks\/[\w-]+\/prd\.json/.exec(text)?.[0] ?? "";
  const command = [
    `echo "# ${id}" > ${id}.md`,
    `sed -i '/"id": *"${id}"/s/"passes": *false/"passes": true/' ${prd}`,
    "git add --all",
    `git commit --quiet -m "feat: ${id}"`,
  ].join(" && ");
  return { kind: "tool", tool: "bash", input: { command, description: "Do the story" } };
}

/** A scene for one run of the agent: a repository, a model and a server. */
export interface AgentScene extends AsyncDisposable {
  repo: TaskRepo;
  model: ChatModel;
  server: OpencodeServer;
  home: string;
  /** What the agent is started with. */
  start: AgentStartOptions;
}

/** Creates a scene in which the agent can be started. */
export async function agentScene(
  script: readonly ChatReply[] | ((request: ChatRequest, step: number) => ChatReply),
  options: { permission?: unknown; password?: string } = {},
): Promise<AgentScene> {
  await using stack = new AsyncDisposableStack();
  const repo = stack.use(await taskRepo([{ id: "US-001" }]));
  const model = stack.use(await chatModel(script));
  const home = join(repo.outside, "home");
  await configureOpencode(home, model.url, options.permission);
  const { password } = options;
  const server = stack.use(
    await serveOpencode({
      home,
      cwd: repo.outside,
      ...(password === undefined ? {} : { password }),
    }),
  );
  const prd = await readPrd(repo.task.prdFile);
  const [story] = prd.stories;
  if (story === undefined) throw new Error("No story");
  const start: AgentStartOptions = {
    prompt: "Do it",
    cwd: repo.root,
    taskDir: repo.task.dir,
    prd,
    story,
    env: opencodeEnvironment(home, password),
  };
  const all = stack.move();
  return { repo, model, server, home, start, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Reads a run to its end. */
export async function readRun(
  run: AgentRun,
  onEvent: (event: AgentEvent) => void | Promise<void> = () => {},
): Promise<{ events: AgentEvent[]; result: AgentResult }> {
  await using running = run;
  const events: AgentEvent[] = [];
  for await (const event of running.events) {
    events.push(event);
    await onEvent(event);
  }
  return { events, result: await running.result };
}

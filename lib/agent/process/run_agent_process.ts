import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import type { AgentCommand, AgentResult, AgentRun } from "../agent.ts";
import type { AgentEnding, AgentEvent } from "../../event/agent_event.ts";
import { boundedLines } from "../../base/bounded_lines.ts";
import type { EndingFacts } from "../ending/classify_ending.ts";
import { drainStreams } from "../../base/drain_streams.ts";
import { launchMessage } from "./launch_message.ts";
import { RunFrame, type WorkEnd } from "./run_frame.ts";
import { TurnGate } from "./turn_gate.ts";

/** How to send commands to a program that keeps reading its stdin. */
export interface Conversation {
  /**
   * Encodes a command for the program, including the line end, and notes that the agent is busy
   * again if it is a message.
   */
  write(command: AgentCommand): string;
  /** Whether the agent is idle; called after each line of its output. */
  isIdle(): boolean;
}

/** Options for {@linkcode runAgentProcess}. */
export interface RunAgentProcessOptions {
  /** The folder in which it runs: an absolute path. */
  cwd: string;
  /** Its whole environment; values that look secret are masked in its output. */
  env: Record<string, string>;
  /** Its input on stdin, which is then closed. @default {stdin is empty} */
  stdin?: string | undefined;
  /**
   * Keeps stdin open for further commands until the agent is idle and nobody has taken it over.
   * @default {no commands}
   */
  conversation?: Conversation | undefined;
  /** Turns a line of its output into events. */
  parse: (line: string, stream: "stdout" | "stderr") => AgentEvent[];
  /** Determines how it ended, from what is known about the process. */
  classify: (facts: EndingFacts) => AgentEnding;
  /**
   * The ending of an agent that goes on although it cannot succeed, such as one that retries with a
   * key that is refused: asked after each line of its output, and if there is one the agent is
   * ended. @default {it is never ended early}
   */
  hopeless?: (() => AgentEnding | undefined) | undefined;
  /** Called when it has written anything, even half a line. */
  onOutput?: (() => void) | undefined;
  /** Runs before it is started: writes temporary files. */
  setUp?: (() => Promise<void>) | undefined;
  /** Runs when all its processes have ended: removes temporary files. */
  cleanUp?: (() => Promise<void>) | undefined;
  /**
   * Ends the process group. The ending is `signal.reason` if that is an
   * {@linkcode AgentEnding}, else `aborted`.
   */
  signal?: AbortSignal | undefined;
  /**
   * Time between SIGTERM and SIGKILL, in milliseconds; at most 600 if the ending is `aborted`.
   * @default {5000}
   */
  graceMs?: number | undefined;
}

/**
 * Runs a program as an agent: in its own process group, with its output as events.
 *
 * It has ended when its process exits, not when its pipes close: its remaining output is still
 * read, and then the whole group is ended with everything that it left behind. Reading the events
 * slowly slows the program down; memory is always bounded.
 *
 * @example Usage
 * ```ts
 * import { classifyEnding, runAgentProcess } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * await using run = runAgentProcess(["echo", "hello"], {
 *   cwd: "/",
 *   env: { PATH: "/usr/bin:/bin" },
 *   parse: (line, stream) => [{ kind: "output", stream, line }],
 *   classify: classifyEnding,
 * });
 * const events = await Array.fromAsync(run.events);
 * assertEquals(events.at(-1), { kind: "output", stream: "stdout", line: "hello" });
 * assertEquals((await run.result).ending, { kind: "ok" });
 * ```
 *
 * @param command The program and its arguments; no shell interprets them.
 * @returns The run. Never throws: a failure is the ending of the result.
 */
export function runAgentProcess(command: string[], options: RunAgentProcessOptions): AgentRun {
  const run = new ProcessRun(command, options);
  run.frame.start();
  return run;
}

class ProcessRun implements AgentRun {
  readonly frame: RunFrame;
  readonly #command: string[];
  readonly #options: RunAgentProcessOptions;
  readonly #gate = new TurnGate();
  #stdin: Writable | undefined;

  constructor(command: string[], options: RunAgentProcessOptions) {
    this.#command = command;
    this.#options = options;
    this.frame = new RunFrame(() => this.#work(), {
      ...options,
      endingOfError: async (error) => ({
        kind: "launch",
        message: await launchMessage(command, { cwd: options.cwd, error }),
      }),
    });
  }

  get events(): AsyncIterable<AgentEvent> {
    return this.frame.events;
  }

  get result(): Promise<AgentResult> {
    return this.frame.result;
  }

  send(command: AgentCommand): Promise<boolean> {
    const { conversation } = this.#options;
    if (conversation === undefined || !this.#stdin?.writable) return Promise.resolve(false);
    this.#gate.note(command);
    this.#stdin.write(conversation.write(command));
    return Promise.resolve(true);
  }

  setInteractive(enabled: boolean): void {
    this.#gate.setInteractive(enabled);
    this.#leaveIfIdle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.frame[Symbol.asyncDispose]();
  }

  async #work(): Promise<WorkEnd> {
    const { record, signal } = this.frame;
    const { cwd, env, stdin, onOutput, conversation, classify } = this.#options;
    await this.#options.setUp?.();
    signal.throwIfAborted();
    const [program = "", ...args] = this.#command;
    const child = spawn(program, args, { cwd, env, detached: true, stdio: "pipe" });
    const exited = exitOf(child);
    // A program may close its stdin without reading it, which breaks the pipe.
    child.stdin.on("error", () => {});
    child.stdin.write(stdin ?? "");
    this.#stdin = child.stdin;
    if (conversation === undefined) child.stdin.end();

    await using processes = child.pid === undefined ? undefined : this.frame.adopt(child.pid);
    const drained = drainStreams([child.stdout, child.stderr], {
      exited,
      blocked: () => record.queue.full,
      onChunk: onOutput,
      read: [(chunks) => this.#pump(chunks, "stdout"), (chunks) => this.#pump(chunks, "stderr")],
    });
    try {
      const exit = await exited;
      const { durationMs } = record;
      await drained;
      const { abortedBy } = this.frame;
      await processes?.end();
      return { ending: abortedBy ?? classify, exit: { ...exit, durationMs } };
    } finally {
      child.stdin.destroy();
    }
  }

  async #pump(chunks: AsyncIterable<Uint8Array>, stream: "stdout" | "stderr"): Promise<void> {
    for await (const line of boundedLines(chunks)) {
      this.frame.record.keepLine(line, stream);
      for (const event of this.#parse(line, stream)) {
        const wait = this.frame.record.emit(event);
        if (wait) await wait;
      }
      const hopeless = this.#options.hopeless?.();
      if (hopeless) this.frame.giveUp(hopeless);
      this.#leaveIfIdle();
    }
  }

  /** A program that keeps reading its stdin exits at the end of its input. */
  #leaveIfIdle(): void {
    if (this.#gate.open && this.#options.conversation?.isIdle()) this.#stdin?.end();
  }

  /** A parser that throws must not leave an unread process behind. */
  #parse(line: string, stream: "stdout" | "stderr"): AgentEvent[] {
    try {
      return this.#options.parse(line, stream);
    } catch (error) {
      return [{ kind: "error", message: `Cannot parse a line of ${stream}: ${error}` }];
    }
  }
}

/** Resolves when the process exits, rejects if it could not be started. */
function exitOf(child: ChildProcess): Promise<{ exitCode: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

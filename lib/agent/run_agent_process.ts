import { type ChildProcess, spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import type { AgentEnding, AgentEvent, AgentResult, AgentRun, Denial, Usage } from "./agent.ts";
import { boundedLines } from "./bounded_lines.ts";
import { BoundedQueue } from "./bounded_queue.ts";
import type { EndingFacts } from "./classify_ending.ts";
import { cutText } from "./cut_text.ts";
import { drainStreams } from "./drain_streams.ts";
import { endProcessGroup } from "./end_process_group.ts";
import { endingOfSignal } from "./ending_of_signal.ts";
import { maskEvent } from "./mask_event.ts";
import { findSecrets, maskSecrets } from "./mask_secrets.ts";

/** Options for {@linkcode runAgentProcess}. */
export interface RunAgentProcessOptions {
  /** The folder in which it runs: an absolute path. */
  cwd: string;
  /** Its whole environment; values that look secret are hidden in what it says. */
  env: Record<string, string>;
  /** What it reads on stdin, which is then closed. @default {stdin is empty} */
  stdin?: string;
  /** Turns a line of its output into events. */
  parse: (line: string, stream: "stdout" | "stderr") => AgentEvent[];
  /** Says how it ended, from what is known about the process. */
  classify: (facts: EndingFacts) => AgentEnding;
  /** Called when it has written something, also half a line. */
  onOutput?: () => void;
  /** Runs before it is started: writes temporary files. */
  setUp?: () => Promise<void>;
  /** Runs once nothing of it is left: removes temporary files. */
  cleanUp?: () => Promise<void>;
  /**
   * Ends the process group. The ending is `signal.reason` if that is an
   * {@linkcode AgentEnding}, else `aborted`.
   */
  signal?: AbortSignal;
  /**
   * Time between SIGTERM and SIGKILL, in milliseconds; 600 at most where the ending is
   * `aborted`. @default {5000}
   */
  graceMs?: number;
}

const STOP_GRACE_MS = 600;
const QUEUED_EVENTS = 64;
const TAIL_LINES = 20;
const TAIL_LINE_LENGTH = 500;

/**
 * Runs a program as an agent: in a process group of its own, its output as events.
 *
 * It has ended when its process exits, not when its pipes close: what it has written
 * is still read, and then the whole group is ended, whatever it left behind. Reading
 * the events slowly slows the program down; memory is bounded, whatever it writes.
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
 * @param command The program and its arguments; nothing is interpreted by a shell.
 * @param options Additional options.
 * @returns The run. Nothing is thrown: what goes wrong is the ending of the result.
 */
export function runAgentProcess(command: string[], options: RunAgentProcessOptions): AgentRun {
  return new ProcessRun(command, options);
}

class ProcessRun implements AgentRun {
  readonly events: AsyncIterable<AgentEvent>;
  readonly result: Promise<AgentResult>;
  readonly #options: RunAgentProcessOptions;
  readonly #queue = new BoundedQueue<AgentEvent>(QUEUED_EVENTS);
  readonly #secrets: string[];
  readonly #dispose = new AbortController();
  readonly #startedAt = performance.now();
  readonly #tails = { stdout: [] as string[], stderr: [] as string[] };
  readonly #denials: Denial[] = [];
  #usage: Usage | undefined;
  #agentSessionId: string | undefined;
  #sawOutput = false;

  constructor(command: string[], options: RunAgentProcessOptions) {
    this.#options = options;
    this.#secrets = findSecrets(options.env);
    this.events = this.#read();
    this.result = this.#run(command);
  }

  send(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#dispose.abort();
    this.#queue.discard();
    await this.result;
  }

  /** A reader that leaves early ends the agent: nobody is left to hear of it. */
  async *#read(): AsyncGenerator<AgentEvent, void, void> {
    try {
      yield* this.#queue;
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async #run(command: string[]): Promise<AgentResult> {
    const signals = [this.#dispose.signal];
    if (this.#options.signal) signals.push(this.#options.signal);
    const signal = AbortSignal.any(signals);
    try {
      await this.#options.setUp?.();
      if (signal.aborted) return this.#toResult(endingOfSignal(signal));
      return await this.#runProcess(command, signal);
    } catch (error) {
      return this.#toResult({ kind: "launch", message: await this.#launchMessage(command, error) });
    } finally {
      await this.#options.cleanUp?.().catch(() => {});
      this.#queue.close();
    }
  }

  async #runProcess([program = "", ...args]: string[], signal: AbortSignal): Promise<AgentResult> {
    const { cwd, env, stdin, onOutput, graceMs = 5000 } = this.#options;
    const child = spawn(program, args, {
      cwd,
      env,
      detached: true,
      stdio: "pipe",
    });
    const exited = exitOf(child);
    // A program that does not read its stdin breaks the pipe, which is its right.
    child.stdin.on("error", () => {});
    child.stdin.end(stdin ?? "");

    let ended: Promise<boolean> | undefined;
    const end = (withinMs = graceMs) =>
      ended ??= endProcessGroup(child.pid as number, { graceMs: withinMs });
    const onAbort = () => {
      // Where a person or the system asked for it, all has to be gone within a second.
      const asked = endingOfSignal(signal).kind === "aborted";
      void end(asked ? Math.min(graceMs, STOP_GRACE_MS) : graceMs);
    };
    if (child.pid !== undefined) {
      signal.addEventListener("abort", onAbort, { once: true });
      this.#emit({ kind: "process", pid: child.pid });
    }
    const drained = drainStreams([child.stdout, child.stderr], {
      exited,
      blocked: () => this.#queue.full,
      ...(onOutput && { onChunk: onOutput }),
      read: [(chunks) => this.#pump(chunks, "stdout"), (chunks) => this.#pump(chunks, "stderr")],
    });
    try {
      const exit = await exited;
      const durationMs = Math.round(performance.now() - this.#startedAt);
      await drained;
      const abortedBy = signal.aborted ? endingOfSignal(signal) : undefined;
      await end();
      return this.#toResult(abortedBy, { ...exit, durationMs });
    } finally {
      signal.removeEventListener("abort", onAbort);
      child.stdin.destroy();
    }
  }

  async #pump(chunks: AsyncIterable<Uint8Array>, stream: "stdout" | "stderr"): Promise<void> {
    for await (const line of boundedLines(chunks)) {
      if (stream === "stdout") this.#sawOutput = true;
      const tail = this.#tails[stream];
      if (line.trim() !== "") {
        tail.push(maskSecrets(cutText(line.trim(), TAIL_LINE_LENGTH), this.#secrets));
      }
      if (tail.length > TAIL_LINES) tail.shift();
      for (const event of this.#parse(line, stream)) {
        const wait = this.#emit(event);
        if (wait) await wait;
      }
    }
  }

  /** A parser that throws must not leave a process behind that nobody reads. */
  #parse(line: string, stream: "stdout" | "stderr"): AgentEvent[] {
    try {
      return this.#options.parse(line, stream);
    } catch (error) {
      return [{ kind: "error", message: `Cannot parse a line of ${stream}: ${error}` }];
    }
  }

  #emit(event: AgentEvent): Promise<void> | undefined {
    const masked = this.#secrets.length === 0 ? event : maskEvent(event, this.#secrets);
    if (masked.kind === "usage") this.#usage = masked.usage;
    if (masked.kind === "session") this.#agentSessionId = masked.agentSessionId;
    if (masked.kind === "denial") this.#denials.push(masked.denial);
    return this.#queue.push(masked);
  }

  #toResult(
    ending: AgentEnding | undefined,
    exit: { exitCode: number | null; signal: string | null; durationMs: number } = {
      exitCode: null,
      signal: null,
      durationMs: Math.round(performance.now() - this.#startedAt),
    },
  ): AgentResult {
    const common = { ...exit, denials: this.#denials, stderrTail: this.#tails.stderr };
    const facts = { ...common, outputTail: this.#tails.stdout, sawOutput: this.#sawOutput };
    const classified = ending ?? this.#options.classify(facts);
    return {
      ...common,
      ending: "message" in classified
        ? { ...classified, message: maskSecrets(classified.message, this.#secrets) }
        : classified,
      ...(this.#usage && { usage: this.#usage }),
      ...(this.#agentSessionId !== undefined && { agentSessionId: this.#agentSessionId }),
    };
  }

  async #launchMessage(command: string[], error: unknown): Promise<string> {
    const [program = ""] = command;
    const { code, message } = error as NodeJS.ErrnoException;
    const { cwd } = this.#options;
    const why = (words: string) => `Cannot start "${program}": ${words}`;
    // A missing working folder has the same code as a missing program.
    const folder = await stat(cwd).catch(() => undefined);
    if (!folder?.isDirectory()) return why(`the folder "${cwd}" does not exist`);
    if (code === "ENOENT") return why("program not found");
    if (code === "EACCES") return why("the file is not executable");
    if (code === "E2BIG") {
      const longest = Math.max(...command.map((it) => new TextEncoder().encode(it).length));
      return why(
        `its longest argument has ${longest} bytes, more than the system takes: ` +
          "pass the prompt on stdin or as a file",
      );
    }
    return why(message);
  }
}

/** Resolves when the process exits, rejects if it could not be started. */
function exitOf(child: ChildProcess): Promise<{ exitCode: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

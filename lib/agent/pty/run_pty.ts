import { setTimeout as sleep } from "node:timers/promises";
import type { AgentCommand, AgentResult, AgentRun } from "../agent.ts";
import type { AgentEnding, AgentEvent } from "../../event/agent_event.ts";
import type { AgentTerminal } from "../agent_terminal.ts";
import { asPaste } from "./keyboard.ts";
import type { EndingFacts } from "../ending/classify_ending.ts";
import { endAgentProcesses } from "../../base/end_processes.ts";
import { endingOfSignal } from "../ending/ending_of_signal.ts";
import { launchable, launchMessage } from "../process/launch_message.ts";
import { openPty, type OpenPtyOptions, type Pty } from "./pty.ts";
import type { PtyTurns } from "./pty_turns.ts";
import { RunRecord } from "../process/run_record.ts";
import { TurnGate } from "../process/turn_gate.ts";

/** Options for {@linkcode runPty}. */
export interface RunPtyOptions extends Pick<OpenPtyOptions, "cwd" | "env" | "columns" | "rows"> {
  /**
   * Follows the agent's turns.
   * @default {it ends when it exits, and the lines on its screen are its output}
   */
  turns?: PtyTurns;
  /**
   * Determines how it ended, from what is known about the process; not called if it was aborted.
   */
  classify: (facts: EndingFacts) => AgentEnding;
  /** Called when it has written anything, even half a line; not if its turns are followed. */
  onOutput?: () => void;
  /** Runs when all its processes have ended. */
  cleanUp?: () => Promise<void>;
  /** Ends the process group, as with `runAgentProcess`. */
  signal?: AbortSignal;
  /**
   * Time between SIGTERM and SIGKILL, in milliseconds; at most 600 for `aborted`. @default {5000}
   */
  graceMs?: number;
}

const LOOK_MS = 200;
const STOP_GRACE_MS = 600;
/** How long an idle program may take to exit before it is ended. */
const LEAVE_MS = 3000;
/** Programs treat keys that arrive at once as pasted text. */
const KEY_PAUSE_MS = 120;
/** The last input of a person may have begun a turn that is not reported yet. */
const GIVE_BACK_MS = 1000;

/**
 * Runs a program as an agent in a PTY, with a screen that a person can use.
 *
 * @example Usage
 * ```ts
 * import { classifyEnding } from "@ralph/cli";
 * import { runPty } from "./run_pty.ts";
 * import { assertEquals } from "@std/assert";
 *
 * await using run = runPty(["sh", "-c", "test -t 1 && echo a terminal"], {
 *   cwd: "/",
 *   env: { PATH: "/usr/bin:/bin" },
 *   classify: classifyEnding,
 * });
 * const events = await Array.fromAsync(run.events);
 * assertEquals(events.at(-1), { kind: "output", stream: "stdout", line: "a terminal" });
 * assertEquals((await run.result).ending, { kind: "ok" });
 * ```
 *
 * @param command The program and its arguments, or a function that prepares them.
 * @returns The run. Never throws: a failure is the ending of the result.
 */
export function runPty(
  command: string[] | (() => Promise<string[]>),
  options: RunPtyOptions,
): AgentRun {
  return new PtyRun(command, options);
}

class PtyRun implements AgentRun {
  readonly events: AsyncIterable<AgentEvent>;
  readonly result: Promise<AgentResult>;
  readonly #options: RunPtyOptions;
  readonly #record: RunRecord;
  readonly #gate = new TurnGate();
  readonly #dispose = new AbortController();
  #pty: Pty | undefined;
  #over = false;
  #givenBackAt = -Infinity;
  #news = Promise.withResolvers<void>();

  constructor(command: string[] | (() => Promise<string[]>), options: RunPtyOptions) {
    this.#options = options;
    this.#record = new RunRecord(options.env);
    this.events = this.#read();
    this.result = this.#run(command);
  }

  get terminal(): AgentTerminal | undefined {
    return this.#pty?.terminal;
  }

  async send(command: AgentCommand): Promise<boolean> {
    const { turns } = this.#options;
    if (turns === undefined || this.#pty === undefined || this.#over) return false;
    this.#gate.note(command);
    const bracketed = this.#pty.bracketedPaste;
    const keys = command.kind === "interrupt"
      ? turns.interruptKeys
      : [asPaste(command.text, { bracketed }), "\r"];
    if (command.kind === "message") turns.onCommand?.(command);
    await this.#press(this.#pty, keys);
    if (command.kind === "interrupt") turns.onCommand?.(command);
    return !this.#over;
  }

  setInteractive(enabled: boolean): void {
    this.#gate.setInteractive(enabled);
    if (!enabled) this.#givenBackAt = performance.now();
    const told = this.#options.turns?.setInteractive?.(enabled);
    told?.catch((error) => this.#record.emit({ kind: "error", message: String(error) }));
    this.#news.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#dispose.abort();
    this.#record.queue.discard();
    await this.result;
  }

  /** A reader that stops early ends the agent, as nobody reads its events any more. */
  async *#read(): AsyncGenerator<AgentEvent, void, void> {
    try {
      yield* this.#record.queue;
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async #run(command: string[] | (() => Promise<string[]>)): Promise<AgentResult> {
    const { cwd, env } = this.#options;
    const signals = [this.#dispose.signal];
    if (this.#options.signal) signals.push(this.#options.signal);
    const signal = AbortSignal.any(signals);
    let line: string[] = [];
    try {
      line = typeof command === "function" ? await command() : command;
      const program = await launchable(line, { cwd, env });
      if (signal.aborted) return this.#record.toResult(endingOfSignal(signal));
      return await this.#runProgram([program, ...line.slice(1)], signal);
    } catch (error) {
      const message = await launchMessage(line, { cwd, error });
      return this.#record.toResult({ kind: "launch", message });
    } finally {
      this.#over = true;
      await this.#options.cleanUp?.().catch(() => {});
      this.#record.queue.close();
    }
  }

  async #runProgram(command: string[], signal: AbortSignal): Promise<AgentResult> {
    const { cwd, env, columns, rows, turns, onOutput, graceMs = 5000 } = this.#options;
    const pty = this.#pty = await openPty(command, {
      cwd,
      env,
      ...(columns !== undefined && { columns }),
      ...(rows !== undefined && { rows }),
      ...(turns === undefined && { onLine: (line) => this.#onLine(line) }),
    });
    // If turns are followed, output alone is not activity: a program may draw a clock.
    if (turns === undefined && onOutput !== undefined) pty.terminal.subscribe(onOutput);
    let ended: Promise<boolean> | undefined;
    const end = (withinMs = graceMs) =>
      ended ??= endAgentProcesses(pty.pid, {
        env,
        graceMs: withinMs,
        thorough: signal.aborted,
      });
    const onAbort = () => {
      const asked = endingOfSignal(signal).kind === "aborted";
      void end(asked ? Math.min(graceMs, STOP_GRACE_MS) : graceMs);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    this.#record.emit({ kind: "process", pid: pty.pid });
    try {
      const last = turns && await this.#follow(pty, turns);
      if (last === "stuck" || (last === "idle" && !await this.#leave(pty))) await end();
      const exit = await pty.exited;
      this.#over = true;
      const abortedBy = signal.aborted ? endingOfSignal(signal) : undefined;
      const { durationMs } = this.#record;
      await end();
      const look = await turns?.look();
      for (const event of look?.events ?? []) await this.#record.emit(event);
      if (turns !== undefined && !look?.started) {
        for (const line of pty.lines) this.#record.keepLine(line, "stderr");
      }
      const stuck: AgentEnding | undefined = last === "stuck"
        ? { kind: "launch", message: `No prompt appeared: ${pty.lines.slice(0, 3).join(" ")}` }
        : undefined;
      return this.#record.toResult(abortedBy ?? stuck ?? this.#options.classify, {
        ...exit,
        durationMs,
      });
    } finally {
      signal.removeEventListener("abort", onAbort);
      await end();
    }
  }

  #onLine(line: string): Promise<void> | undefined {
    this.#record.keepLine(line, "stdout");
    return this.#record.emit({ kind: "output", stream: "stdout", line });
  }

  /** Follows the turns until the agent is no longer needed, or has ended. */
  async #follow(pty: Pty, turns: PtyTurns): Promise<"idle" | "stuck" | "ended"> {
    let running = true;
    pty.exited.then(() => {
      running = false;
      this.#news.resolve();
    });
    using _watch = turns.watch(() => this.#news.resolve());
    while (running) {
      this.#news = Promise.withResolvers();
      const { events, started, idle } = await turns.look();
      for (const event of events) await this.#record.emit(event);
      if (running && this.#gate.open) {
        if (idle && performance.now() - this.#givenBackAt > GIVE_BACK_MS) return "idle";
        if (!started && this.#record.durationMs > turns.startMs) return "stuck";
      }
      const timer = setTimeout(() => this.#news.resolve(), LOOK_MS);
      await this.#news.promise;
      clearTimeout(timer);
    }
    return "ended";
  }

  /** Asks an idle program to exit; returns whether it did. */
  async #leave(pty: Pty): Promise<boolean> {
    const { leaveKeys = [] } = this.#options.turns ?? {};
    const over = new AbortController();
    const exited = pty.exited.then(() => true);
    await this.#press(pty, leaveKeys);
    const waited = sleep(LEAVE_MS, false, { signal: over.signal }).catch(() => false);
    const gone = await Promise.race([exited, waited]);
    over.abort();
    return gone;
  }

  async #press(pty: Pty, keys: readonly string[]): Promise<void> {
    for (const [index, key] of keys.entries()) {
      if (index > 0) await sleep(KEY_PAUSE_MS);
      if (!this.#over) pty.terminal.write(key);
    }
  }
}

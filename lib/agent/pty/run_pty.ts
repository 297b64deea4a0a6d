import { setTimeout as sleep } from "node:timers/promises";
import type { AgentCommand, AgentResult, AgentRun } from "../agent.ts";
import type { AgentEnding, AgentEvent } from "../../event/agent_event.ts";
import type { AgentTerminal } from "../agent_terminal.ts";
import { asPaste } from "./keyboard.ts";
import type { EndingFacts } from "../ending/classify_ending.ts";
import { launchable, launchMessage } from "../process/launch_message.ts";
import { openPty, type OpenPtyOptions, type Pty } from "./pty.ts";
import type { PtyTurns } from "./pty_turns.ts";
import { RunFrame, type WorkEnd } from "../process/run_frame.ts";
import { TurnGate } from "../process/turn_gate.ts";

/** Options for {@linkcode runPty}. */
export interface RunPtyOptions extends Pick<OpenPtyOptions, "cwd" | "env" | "columns" | "rows"> {
  /**
   * Follows the agent's turns.
   * @default {it ends when it exits, and the lines on its screen are its output}
   */
  turns?: PtyTurns | undefined;
  /**
   * Determines how it ended, from what is known about the process; not called if it was aborted.
   */
  classify: (facts: EndingFacts) => AgentEnding;
  /** Called when it has written anything, even half a line; not if its turns are followed. */
  onOutput?: (() => void) | undefined;
  /** Runs when all its processes have ended. */
  cleanUp?: (() => Promise<void>) | undefined;
  /** Ends the process group, as with `runAgentProcess`. */
  signal?: AbortSignal | undefined;
  /**
   * Time between SIGTERM and SIGKILL, in milliseconds; at most 600 for `aborted`. @default {5000}
   */
  graceMs?: number | undefined;
}

const LOOK_MS = 200;
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
  const run = new PtyRun(command, options);
  run.frame.start();
  return run;
}

class PtyRun implements AgentRun {
  readonly frame: RunFrame;
  readonly #options: RunPtyOptions;
  readonly #gate = new TurnGate();
  /** The program and its arguments, once they are known. */
  #line: string[] = [];
  #pty: Pty | undefined;
  #over = false;
  #givenBackAt = -Infinity;
  #news = Promise.withResolvers<void>();

  constructor(command: string[] | (() => Promise<string[]>), options: RunPtyOptions) {
    const { cwd, cleanUp } = options;
    this.#options = options;
    this.frame = new RunFrame(() => this.#work(command), {
      ...options,
      endingOfError: async (error) => ({
        kind: "launch",
        message: await launchMessage(this.#line, { cwd, error }),
      }),
      cleanUp: async () => {
        this.#over = true;
        await cleanUp?.();
      },
    });
  }

  get events(): AsyncIterable<AgentEvent> {
    return this.frame.events;
  }

  get result(): Promise<AgentResult> {
    return this.frame.result;
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
    told?.catch((error) => this.frame.record.emit({ kind: "error", message: String(error) }));
    this.#news.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.frame[Symbol.asyncDispose]();
  }

  async #work(command: string[] | (() => Promise<string[]>)): Promise<WorkEnd> {
    const { record, signal } = this.frame;
    const { cwd, env, columns, rows, turns, onOutput, classify } = this.#options;
    this.#line = typeof command === "function" ? await command() : command;
    const program = await launchable(this.#line, { cwd, env });
    signal.throwIfAborted();
    const pty = this.#pty = await openPty([program, ...this.#line.slice(1)], {
      cwd,
      env,
      columns,
      rows,
      onLine: turns === undefined ? (line) => this.#onLine(line) : undefined,
    });
    // If turns are followed, output alone is not activity: a program may draw a clock.
    if (turns === undefined && onOutput !== undefined) pty.terminal.subscribe(onOutput);
    await using processes = this.frame.adopt(pty.pid);
    const last = turns && await this.#follow(pty, turns);
    if (last === "stuck" || (last === "idle" && !await this.#leave(pty))) await processes.end();
    const exit = await pty.exited;
    this.#over = true;
    const { abortedBy } = this.frame;
    const { durationMs } = record;
    await processes.end();
    const look = await turns?.look();
    for (const event of look?.events ?? []) await record.emit(event);
    if (turns !== undefined && !look?.started) {
      for (const line of pty.lines) record.keepLine(line, "stderr");
    }
    const stuck: AgentEnding | undefined = last === "stuck"
      ? { kind: "launch", message: `No prompt appeared: ${pty.lines.slice(0, 3).join(" ")}` }
      : undefined;
    return { ending: abortedBy ?? stuck ?? classify, exit: { ...exit, durationMs } };
  }

  #onLine(line: string): Promise<void> | undefined {
    this.frame.record.keepLine(line, "stdout");
    return this.frame.record.emit({ kind: "output", stream: "stdout", line });
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
      for (const event of events) await this.frame.record.emit(event);
      if (running && this.#gate.open) {
        if (idle && performance.now() - this.#givenBackAt > GIVE_BACK_MS) return "idle";
        if (!started && this.frame.record.durationMs > turns.startMs) return "stuck";
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

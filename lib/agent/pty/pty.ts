import { constants } from "node:os";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentTerminal } from "../agent_terminal.ts";
import { Keyboard } from "./keyboard.ts";
import { loadPtyPackages } from "./pty_packages.ts";
import { openScreen } from "./screen.ts";

/** Options for {@linkcode openPty}. */
export interface OpenPtyOptions {
  /** The folder in which the program runs: an absolute path. */
  cwd: string;
  /** Its whole environment; `TERM` is set. */
  env: Record<string, string>;
  /** The width of the terminal in characters. @default {120} */
  columns?: number | undefined;
  /** The height of the terminal in lines. @default {40} */
  rows?: number | undefined;
  /**
   * Called with each complete line, as plain text. The program has to wait until a promise that it
   * returned settles.
   */
  onLine?: ((line: string) => Promise<void> | undefined) | undefined;
}

/** How a program in a PTY ended. */
export interface PtyExit {
  /** Its exit code; `null` if a signal ended it. */
  exitCode: number | null;
  /** The signal that ended it, such as `SIGKILL`; `null` if none did. */
  signal: string | null;
}

/** A program in a PTY, the leader of its session and process group. */
export interface Pty {
  /** Its pid, which is also its process group. */
  readonly pid: number;
  /** Its terminal, which stays readable when the program has ended. */
  readonly terminal: AgentTerminal;
  /** Whether the program distinguishes pasted text from typed text (bracketed paste). */
  readonly bracketedPaste: boolean;
  /** The text on its screen, without empty lines. */
  readonly lines: string[];
  /** Settles when it has ended and all its output is on the screen. Never rejects. */
  readonly exited: Promise<PtyExit>;
}

/** How far the program may be ahead of the screen, in characters. */
const MOST_UNDRAWN = 256 * 1024;
const LARGEST = 1000;

/**
 * Starts a program in a PTY, and keeps its screen.
 *
 * The program is slowed down when it writes faster than the screen can be drawn. To end it, end
 * its process group, as with {@linkcode endProcessGroup}.
 *
 * @example Usage
 * ```ts
 * import { openPty } from "./pty.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const pty = await openPty(["sh", "-c", "stty size; exit 3"], {
 *   cwd: "/",
 *   env: { PATH: "/usr/bin:/bin" },
 *   columns: 100,
 *   rows: 30,
 * });
 * assertEquals(await pty.exited, { exitCode: 3, signal: null });
 * assertEquals(pty.lines, ["30 100"]);
 * ```
 *
 * @param command The program and its arguments; no shell interprets them.
 * @returns The started program.
 * @throws {MissingPackageError} If the packages that a PTY needs are not installed.
 * @throws {Error} If PTYs are not supported here. A missing program ends with exit code 1.
 */
export async function openPty(command: string[], options: OpenPtyOptions): Promise<Pty> {
  const { cwd, env, columns = 120, rows = 40, onLine } = options;
  const [program = "", ...args] = command;
  const { spawn } = await loadPtyPackages();

  let undrawn = 0;
  let paused = false;
  let exited = false;
  const busy = new Set<Promise<void>>();
  const listeners = new Set<(data: string) => void>();
  /** Output that listeners have received but the screen has not drawn yet, in order. */
  const waiting: string[] = [];
  const screen = await openScreen({
    columns,
    rows,
    onAnswer: (data) => keyboard.type(data),
    onLine: onLine && ((line) => {
      const wait = onLine(line);
      if (wait !== undefined) hold(wait);
    }),
  });
  const child = spawn(program, args, {
    name: "xterm-256color",
    cols: columns,
    rows,
    cwd,
    env,
  });
  const keyboard = new Keyboard({
    // node-pty's own write() does not tell when the PTY has taken it; its socket does.
    press: (data, taken) => (child as unknown as WithSocket)._socket.write(data, taken),
    nudge() {
      child.pause();
      if (!paused) child.resume();
    },
  });

  function hold(wait: Promise<void>): void {
    busy.add(wait);
    const done = () => {
      busy.delete(wait);
      regulate();
    };
    wait.then(done, done);
  }
  function regulate(): void {
    const tooFast = undrawn > MOST_UNDRAWN || busy.size > 0;
    if (tooFast === paused || exited) return;
    paused = tooFast;
    if (paused) child.pause();
    else child.resume();
  }
  child.onData((data) => {
    undrawn += data.length;
    waiting.push(data);
    screen.write(data, () => {
      undrawn -= data.length;
      waiting.shift();
      regulate();
    });
    // The screen is a few milliseconds late, which a typing person would notice.
    for (const listener of listeners) listener(data);
    regulate();
  });
  const ended = new Promise<PtyExit>((resolve) => {
    child.onExit(({ exitCode, signal }) => {
      exited = true;
      keyboard.close();
      resolve(signal ? { exitCode: null, signal: signalName(signal) } : { exitCode, signal: null });
    });
  });
  // It creates its process group itself shortly after the start: until then it cannot be ended.
  while (!exited && !isGroup(child.pid)) await sleep(1);
  return {
    pid: child.pid,
    get bracketedPaste() {
      return screen.bracketedPaste;
    },
    get lines() {
      return screen.lines;
    },
    terminal: new PtyTerminal({
      // Includes what is not drawn yet, so that the snapshot fits the output that follows.
      serialize: () => screen.serialize() + waiting.join(""),
      size: { columns, rows },
      listeners,
      type: (data) => keyboard.type(data),
      resize(columns, rows) {
        if (exited) return false;
        screen.resize(columns, rows);
        child.resize(columns, rows);
        return true;
      },
    }),
    exited: ended.then(async (exit) => {
      await new Promise<void>((resolve) => screen.write("", resolve));
      if (onLine !== undefined && screen.lastLine.trim() !== "") await onLine(screen.lastLine);
      await Promise.allSettled(busy);
      return exit;
    }),
  };
}

/** The part of node-pty that its types leave out. */
interface WithSocket {
  readonly _socket: { write(data: string, taken: () => void): unknown };
}

interface PtyTerminalParts {
  serialize: () => string;
  size: { columns: number; rows: number };
  listeners: Set<(data: string) => void>;
  type: (data: string) => void;
  /** Returns whether the program could be notified. */
  resize: (columns: number, rows: number) => boolean;
}

class PtyTerminal implements AgentTerminal {
  readonly #parts: PtyTerminalParts;

  constructor(parts: PtyTerminalParts) {
    this.#parts = parts;
  }

  get columns(): number {
    return this.#parts.size.columns;
  }

  get rows(): number {
    return this.#parts.size.rows;
  }

  write(data: string): void {
    this.#parts.type(data);
  }

  resize(columns: number, rows: number): void {
    for (const size of [columns, rows]) {
      if (!Number.isSafeInteger(size) || size < 1 || size > LARGEST) {
        throw new RangeError(
          `Cannot resize the terminal to ${columns} x ${rows}: expected numbers from 1 to ${LARGEST}`,
        );
      }
    }
    if (this.#parts.resize(columns, rows)) this.#parts.size = { columns, rows };
  }

  serialize(): string {
    return this.#parts.serialize();
  }

  subscribe(listener: (data: string) => void): () => void {
    // Wrapped, so that a listener that subscribes twice is called twice.
    const own = (data: string): void => listener(data);
    this.#parts.listeners.add(own);
    return () => void this.#parts.listeners.delete(own);
  }
}

function isGroup(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function signalName(number: number): string {
  const [name] = Object.entries(constants.signals).find(([, it]) => it === number) ?? [];
  return name ?? `signal ${number}`;
}

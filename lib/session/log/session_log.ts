import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { LoopEvent } from "../../event/loop_event.ts";
import { logParts, RotatingFile } from "./rotating_file.ts";
import { eventLine, type NumberedEvent } from "../../event/numbered_event.ts";
import { repairLog } from "./repair_log.ts";

/** The name of the event log in the folder of a session. */
export const EVENTS_FILE = "events.ndjson";
/** The name of the file of the agents' output in the folder of a session. */
export const OUTPUT_FILE = "output.log";

/** Options for {@linkcode openSessionLog}. */
export interface SessionLogOptions {
  /** Size of a file from which on the next part is begun, in bytes. @default {67_108_864} */
  maxBytes?: number;
  /** Parts of the event log at most, the current one included. @default {8} */
  maxFiles?: number;
  /** Parts of the output at most, the current one included. @default {2} */
  maxOutputFiles?: number;
}

/** Options for {@linkcode SessionLog.flush}. */
export interface FlushOptions {
  /** Whether to wait until the disk has it, so that even a power failure loses none. @default {false} */
  fsync?: boolean;
}

/**
 * The log of one session: its events for programs, and what its agents said for
 * people. Get one from {@linkcode openSessionLog}. A session has one writer at a time.
 */
export class SessionLog implements AsyncDisposable {
  readonly #events: RotatingFile;
  readonly #output: RotatingFile;
  /** The last number that is written, and the last that was given. */
  #written: number;
  #seq: number;
  /** What went wrong since the last flush. */
  #failure: { error: unknown } | undefined;

  /**
   * Makes a log of open files.
   *
   * @param events The event log, which ends with a whole line.
   * @param output The file of the agents' output.
   * @param seq The number of the last event; 0 if there is none.
   */
  constructor(events: RotatingFile, output: RotatingFile, seq: number) {
    this.#events = events;
    this.#output = output;
    this.#written = this.#seq = seq;
  }

  /** The number of the last event; 0 before the first. */
  get lastSeq(): number {
    return this.#seq;
  }

  /**
   * Adds an event. It is written with the next batch, see {@linkcode SessionLog.flush}.
   *
   * @param event The event.
   * @returns The event with its number.
   */
  append(event: LoopEvent): NumberedEvent {
    const numbered = { seq: this.#seq + 1, event };
    const line = eventLine(numbered);
    this.#seq++;
    this.#write(() => this.#events.append(line));
    return numbered;
  }

  /**
   * Adds text to the output. It is written with a batch, which can wait for
   * {@linkcode SessionLog.flushOutput}.
   *
   * @param lines One line or several, each with its line end.
   */
  appendOutput(lines: string): void {
    this.#output.append(lines);
  }

  /** Writes the output that is pending. */
  flushOutput(): void {
    this.#output.flush();
  }

  /**
   * Writes the events that are pending. They are with the operating system when this
   * returns, before the promise settles: the death of this process no longer matters.
   *
   * If a write failed since the last call, this rejects: the events since then have no valid
   * numbers, and those that are in no file give their numbers to the next ones.
   *
   * @param options Additional options.
   * @returns When the disk has them, with `fsync`; at once without.
   */
  async flush(options: FlushOptions = {}): Promise<void> {
    this.#write(() => this.#events.flush());
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
    if (options.fsync) await this.#events.sync();
  }

  /** Writes what is pending, waits for the disk, and closes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.flush({ fsync: true });
    } finally {
      using _events = this.#events;
      using _output = this.#output;
    }
  }

  #write(action: () => void): void {
    try {
      action();
      if (!this.#events.pending) this.#written = this.#seq;
    } catch (error) {
      this.#failure ??= { error };
      this.#seq = this.#written;
    }
  }
}

/**
 * Opens the log of a session, and creates it if it is missing. A last line that was torn
 * when its writer was killed is moved to `events.ndjson.torn`, and the numbers go on.
 *
 * @example Usage
 * ```ts
 * import { readSessionLog } from "@ralph/cli";
 * import { openSessionLog } from "./session_log.ts";
 * import { mkdtemp } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 *
 * const dir = await mkdtemp(`${tmpdir()}/ralph-`);
 * {
 *   await using log = await openSessionLog(dir);
 *   log.append({ time: new Date().toISOString(), type: "warning", message: "Low on disk" });
 * }
 * const events = await Array.fromAsync(readSessionLog(dir));
 * console.assert(events[0]?.seq === 1);
 * ```
 *
 * @param dir The folder of the session, see {@linkcode sessionLogDir}.
 * @param options Additional options.
 * @returns The log; close it with `await using`.
 */
export async function openSessionLog(
  dir: string,
  options: SessionLogOptions = {},
): Promise<SessionLog> {
  const { maxBytes = 67_108_864, maxFiles = 8, maxOutputFiles = 2 } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, EVENTS_FILE);
  let seq = 0;
  // Right after a rotation the newest part is empty, and the number is in the one before.
  for (const part of logParts(path).reverse()) {
    seq = await repairLog(part.path);
    if (seq > 0) break;
  }
  const output = new RotatingFile(join(dir, OUTPUT_FILE), {
    maxBytes,
    maxFiles: maxOutputFiles,
    heading: (dropped) =>
      dropped
        ? "--- ralph: the oldest output was dropped, what came right before is in the part before this one ---"
        : "--- ralph: earlier output is in the part before this one ---",
  });
  try {
    return new SessionLog(new RotatingFile(path, { maxBytes, maxFiles }), output, seq);
  } catch (error) {
    output[Symbol.dispose]();
    throw error;
  }
}

import { appendFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LoopEvent } from "../../event/loop_event.ts";
import { logParts, RotatingFile } from "./rotating_file.ts";
import { isNotFound } from "../../base/error_code.ts";
import { eventLine, type NumberedEvent, parseEventLine } from "../../event/numbered_event.ts";
import { repairLog } from "./repair_log.ts";

/** The name of the event log in the folder of a session. */
export const EVENTS_FILE = "events.ndjson";
/** The name of the file of the agents' output in the folder of a session. */
const OUTPUT_FILE = "output.log";

/** The name of the file of what recovery needs of the event log, of which no part is deleted. */
const MILESTONES_FILE = "milestones.ndjson";
const MILESTONES: ReadonlySet<string> = new Set<LoopEvent["type"]>([
  "loop_started",
  "iteration_started",
  "iteration_finished",
  "story_set_back",
  "failed_over",
]);

/** Reads the milestones of a session: copies of the events that tell what each part built on. */
export async function readMilestones(dir: string): Promise<NumberedEvent[]> {
  const text = await readFile(join(dir, MILESTONES_FILE), "utf8").catch((error) => {
    if (isNotFound(error)) return "";
    throw error;
  });
  return text.split("\n").map(parseEventLine).filter((each) => each !== undefined)
    .sort((a, b) => a.seq - b.seq);
}

/** Options for {@linkcode openSessionLog}. */
export interface SessionLogOptions {
  /** Size in bytes at which a file is full and the next part begins. @default {67_108_864} */
  maxBytes?: number | undefined;
  /** Maximum parts of the event log, including the current one. @default {8} */
  maxFiles?: number | undefined;
  /** Maximum parts of the output, including the current one. @default {2} */
  maxOutputFiles?: number | undefined;
}

/** Options for {@linkcode SessionLog.flush}. */
export interface FlushOptions {
  /**
   * Whether to wait until the events are on the disk, so that even a power failure loses none.
   * @default {false}
   */
  fsync?: boolean | undefined;
}

/**
 * The log of one session: its events for programs, and its agents' output for people. Get one from
 * {@linkcode openSessionLog}. A session has one writer at a time.
 */
export class SessionLog implements AsyncDisposable {
  readonly #events: RotatingFile;
  readonly #output: RotatingFile;
  /** The last number that is written, and the last that is assigned. */
  #written: number;
  #seq: number;
  /** What went wrong since the last flush. */
  #failure: { error: unknown } | undefined;
  readonly #milestones: string;
  #pendingMilestones = "";

  /** Use {@linkcode openSessionLog} instead: it repairs the files first. */
  constructor(events: RotatingFile, output: RotatingFile, seq: number, milestones: string) {
    this.#milestones = milestones;
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
   * @returns The event with its number.
   */
  append(event: LoopEvent): NumberedEvent {
    const numbered = { seq: this.#seq + 1, event };
    const line = eventLine(numbered);
    this.#seq++;
    if (MILESTONES.has(event.type)) this.#pendingMilestones += line;
    this.#write(() => this.#events.append(line));
    return numbered;
  }

  /**
   * Adds text to the output. It is written with the next batch, at the latest by
   * {@linkcode SessionLog.flushOutput}.
   *
   * @param lines One or more lines, each with its line end.
   */
  appendOutput(lines: string): void {
    this.#output.append(lines);
  }

  /** Writes the output that is pending. */
  flushOutput(): void {
    this.#output.flush();
  }

  /**
   * Writes the pending events. When this returns, even before the promise settles, the operating
   * system has them, and they survive the death of this process.
   *
   * If a write failed since the last call, this rejects: the numbers of the events since then are
   * not valid, and those of unwritten events are reused.
   *
   * @returns With `fsync`, a promise that fulfils when they are on the disk; without, at once.
   */
  async flush(options: FlushOptions = {}): Promise<void> {
    this.#write(() => this.#events.flush());
    const milestones = this.#pendingMilestones;
    this.#pendingMilestones = "";
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
    // After the events: what is only here was never written. A line that was torn ends first.
    if (milestones !== "") appendFileSync(this.#milestones, `\n${milestones}`, { mode: 0o600 });
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
 * Opens the log of a session, and creates it if it is missing. A torn last line, from a writer that
 * was killed, is moved to `events.ndjson.torn`, and the numbers continue.
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
  // Right after a rotation the newest part is empty, and the last number is in the part before.
  for (const part of logParts(path).reverse()) {
    seq = await repairLog(part.path);
    if (seq > 0) break;
  }
  const output = new RotatingFile(join(dir, OUTPUT_FILE), {
    maxBytes,
    maxFiles: maxOutputFiles,
    heading: (dropped) =>
      dropped
        ? "--- ralph: the oldest output was deleted; what came just before is in the previous part ---"
        : "--- ralph: earlier output is in the previous part ---",
  });
  try {
    return new SessionLog(
      new RotatingFile(path, { maxBytes, maxFiles }),
      output,
      seq,
      join(dir, MILESTONES_FILE),
    );
  } catch (error) {
    output[Symbol.dispose]();
    throw error;
  }
}

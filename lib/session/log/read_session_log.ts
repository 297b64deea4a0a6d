import { Buffer } from "node:buffer";
import { type FileHandle, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { logParts } from "./rotating_file.ts";
import { type NumberedEvent, parseEventLine } from "../../event/numbered_event.ts";
import { EVENTS_FILE } from "./session_log.ts";

/** Options for {@linkcode readSessionLog}. */
export interface ReadSessionLogOptions {
  /** The number of the last known event: reading begins after it. @default {0} */
  since?: number | undefined;
  /** Whether to wait for further events until `loop_finished`. @default {false} */
  follow?: boolean | undefined;
  /** How often to check for further events, in milliseconds. @default {100} */
  pollMs?: number | undefined;
  /** Stops reading, which rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Receives that a line is not an event: it is skipped then. @default {a `SyntaxError`} */
  onDamage?: ((message: string) => void) | undefined;
}

const CHUNK_BYTES = 262_144;
const NEWLINE = 10;

/** Reads the complete lines of a file that another process may be writing. */
class LineReader implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  #position = 0;
  /** The pieces of an unfinished line. */
  #rest: Buffer[] = [];

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** The identity of this file, which does not change when it is renamed. */
  async identity(): Promise<string> {
    const { dev, ino } = await this.#file.stat();
    return `${dev}:${ino}`;
  }

  /** The complete lines that follow; none at the end of the file. */
  async next(): Promise<string[]> {
    for (;;) {
      const { bytesRead } = await this.#file.read(this.#chunk, 0, CHUNK_BYTES, this.#position);
      if (bytesRead === 0) {
        // Read again later: a new writer may have removed the torn line of the last one.
        for (const piece of this.#rest) this.#position -= piece.length;
        this.#rest = [];
        return [];
      }
      this.#position += bytesRead;
      const bytes = this.#chunk.subarray(0, bytesRead);
      const end = bytes.lastIndexOf(NEWLINE);
      if (end < 0) {
        this.#rest.push(Buffer.from(bytes));
        continue;
      }
      const whole = Buffer.concat([...this.#rest, bytes.subarray(0, end)]);
      this.#rest = end + 1 < bytesRead ? [Buffer.from(bytes.subarray(end + 1))] : [];
      return whole.toString().split("\n");
    }
  }

  /** Goes back to the start. */
  rewind(): void {
    this.#position = 0;
    this.#rest = [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

async function openPart(path: string): Promise<LineReader | undefined> {
  try {
    return new LineReader(await open(path, "r"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function seqOf(line: string): number {
  return Number(/^\{"seq":(\d+)[,}]/.exec(line)?.[1] ?? NaN);
}

/**
 * Opens the newest part that begins with the event `seq` or an earlier one, or the oldest part if
 * that was deleted. Checks the contents of the parts, as the writer may rename them at any moment.
 */
async function openPartOf(path: string, seq: number): Promise<LineReader | undefined> {
  for (const part of logParts(path).reverse()) {
    const reader = await openPart(part.path);
    if (!reader) continue;
    const first = await firstSeq(reader);
    if (first !== undefined && first <= seq) {
      reader.rewind();
      return reader;
    }
    await reader[Symbol.asyncDispose]();
  }
  const oldest = logParts(path)[0];
  return oldest && await openPart(oldest.path);
}

/** The number of the first event of a part, whatever a bad disk has put before it. */
async function firstSeq(reader: LineReader): Promise<number | undefined> {
  for (let lines; (lines = await reader.next()).length > 0;) {
    const seq = lines.map(seqOf).find((each) => !Number.isNaN(each));
    if (seq !== undefined) return seq;
  }
  return undefined;
}

async function isCurrent(path: string, identity: string): Promise<boolean> {
  try {
    const { dev, ino } = await stat(path);
    return `${dev}:${ino}` === identity;
  } catch (error) {
    // There is no such file between the rename of a part and the creation of the next.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/**
 * Reads the events of a session in their order, across all parts of its log, without repetition.
 * The only possible gap is parts that were deleted because the log grew too large. An unfinished
 * last line is read later.
 *
 * @example Usage
 * ```ts ignore
 * import { readSessionLog } from "@ralph/cli";
 * import { sessionLogDir } from "../model/session_paths.ts";
 *
 * for await (const { seq, event } of readSessionLog(sessionLogDir(id), { follow: true })) {
 *   console.log(seq, event.type);
 * }
 * ```
 *
 * @param dir The folder of the session.
 * @returns The events; none if there is no log.
 * @throws {SyntaxError} If a complete line is not an event, and nobody takes such damage.
 */
export async function* readSessionLog(
  dir: string,
  options: ReadSessionLogOptions = {},
): AsyncGenerator<NumberedEvent, void, void> {
  const { follow = false, pollMs = 100, signal, onDamage } = options;
  const path = join(dir, EVENTS_FILE);
  let last = options.since ?? 0;
  let reader: LineReader | undefined;
  const pause = () => setTimeout(pollMs, undefined, signal ? { signal } : {});
  try {
    for (;;) {
      signal?.throwIfAborted();
      reader ??= await openPartOf(path, last + 1);
      if (!reader) {
        if (!follow) return;
        await pause();
        continue;
      }
      const identity = await reader.identity();
      // Read before the last check, so that no event is missed in between.
      const current = await isCurrent(path, identity);
      let lines: string[];
      while ((lines = await reader.next()).length > 0) {
        for (const line of lines) {
          const seq = seqOf(line);
          if (seq < last) continue;
          if (seq === last) {
            if (follow && parseEventLine(line)?.event.type === "loop_finished") return;
            continue;
          }
          const numbered = parseEventLine(line);
          if (!numbered) {
            const message =
              `Cannot read the log "${path}": the line after event ${last} is not an event`;
            if (onDamage === undefined) throw new SyntaxError(message);
            onDamage(message);
            continue;
          }
          last = seq;
          yield numbered;
          signal?.throwIfAborted();
          if (follow && numbered.event.type === "loop_finished") return;
        }
      }
      if (current) {
        if (!follow) return;
      } else {
        const next = await openPartOf(path, last + 1);
        if (next && await next.identity() !== identity) {
          await reader[Symbol.asyncDispose]();
          reader = next;
          continue;
        }
        // The next part is still empty.
        await next?.[Symbol.asyncDispose]();
        if (!follow) return;
      }
      await pause();
    }
  } catch (error) {
    // An aborted timer rejects with its own error, not the signal's reason.
    signal?.throwIfAborted();
    throw error;
  } finally {
    await reader?.[Symbol.asyncDispose]();
  }
}

import { stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { parsePrd } from "./parse_prd.ts";
import { type Prd, PrdError } from "./prd.ts";
import { readPrdText, reasonOf } from "./read_prd.ts";
import { writeAtomic } from "../../base/write_atomic.ts";

/** Options for {@linkcode PrdReader}. */
export interface PrdReaderOptions {
  /** Where every good text is copied to. @default {no copy is kept} */
  goodCopy?: string;
  /** How messages name the file. @default {the file as it was given} */
  name?: string;
  /** How long a file that cannot be read is tried again, in milliseconds. @default {1000} */
  retryMs?: number;
  /** The time, in milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
  /** Waits. @default {a timer} */
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** Options for {@linkcode PrdReader.read}. */
export interface PrdReaderReadOptions {
  /** Ends the read, and the wait for a good one, early. */
  signal?: AbortSignal;
}

/** What {@linkcode PrdReader.read} returns. */
export interface PrdReading {
  /** The PRD. */
  prd: Prd;
  /** The text that it was read from. */
  text: string;
  /** Why the file cannot be read now, if this is an earlier reading. */
  stale?: PrdError;
}

/** Time between two tries, in milliseconds. */
const RETRY_STEP_MS = 50;
/** A file that changed so shortly before it was read may change again at the same time stamp. */
const RACY_MS = 50;

/**
 * Reads the same prd.json again and again, while an agent may be writing it.
 *
 * A file that has not changed is not parsed again. One that cannot be read is tried again for
 * a while; after that the last good reading comes back, with the reason.
 *
 * @example Usage
 * ```ts ignore
 * import { PrdReader } from "./prd_reader.ts";
 *
 * const reader = new PrdReader("tasks/my-feature/prd.json", { goodCopy: "/tmp/prd.good.json" });
 * const { prd, stale } = await reader.read();
 * ```
 */
export class PrdReader {
  readonly #file: string;
  readonly #name: string;
  readonly #goodCopy: string | undefined;
  readonly #retryMs: number;
  readonly #now: () => number;
  readonly #sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  #good: PrdReading | undefined;
  #stamp = "";
  #bad: string | undefined;

  /**
   * Makes a reader; nothing is read yet.
   *
   * @param file The path of the prd.json.
   * @param options Additional options.
   */
  constructor(file: string, options: PrdReaderOptions = {}) {
    this.#file = file;
    this.#name = options.name ?? file;
    this.#goodCopy = options.goodCopy;
    this.#retryMs = options.retryMs ?? 1000;
    this.#now = options.now ?? Date.now;
    this.#sleep = options.sleep ??
      ((ms, signal) => delay(ms, undefined, signal ? { signal } : {}));
  }

  /**
   * Reads the file.
   *
   * @param options Additional options.
   * @returns The PRD, and `stale` if it is from an earlier reading.
   * @throws {PrdError} If the file cannot be read and never could.
   * @throws {Error} If the good copy cannot be written.
   */
  async read(options: PrdReaderReadOptions = {}): Promise<PrdReading> {
    const { signal } = options;
    const until = this.#now() + this.#retryMs;
    while (true) {
      signal?.throwIfAborted();
      try {
        return await this.#readOnce(signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof PrdError)) throw error;
        // What was given up on before, and has not been written since, is not waited for again.
        const bad = await this.#badStamp();
        if (this.#now() >= until || (this.#good && bad === this.#bad && bad !== "racy")) {
          if (!this.#good) throw error;
          this.#bad = bad;
          return { ...this.#good, stale: error };
        }
      }
      try {
        await this.#sleep(RETRY_STEP_MS, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      }
    }
  }

  async #readOnce(signal?: AbortSignal): Promise<PrdReading> {
    const stamp = await this.#stampNow();
    if (this.#good && stamp !== "" && stamp === this.#stamp) return this.#good;
    const text = await readPrdText(this.#file, { name: this.#name, ...(signal && { signal }) });
    const changed = text !== this.#good?.text;
    if (!this.#good || changed) {
      const prd = parsePrd(text, { file: this.#name });
      if (this.#goodCopy !== undefined) {
        await writeAtomic(this.#goodCopy, text, { makeDirs: true });
      }
      this.#good = { prd, text };
    }
    this.#stamp = stamp;
    return this.#good;
  }

  async #badStamp(): Promise<string> {
    return await this.#stampNow().catch(reasonOf) || "racy";
  }

  /**
   * The stamp is taken before the read: a write in between makes the next read look again. It is
   * empty, and so never the same, if the file may change once more without another time stamp.
   */
  async #stampNow(): Promise<string> {
    try {
      const { mtimeNs, ctimeNs, size, ino } = await stat(this.#file, { bigint: true });
      const age = this.#now() - Number(mtimeNs / 1_000_000n);
      return age < RACY_MS ? "" : `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
    } catch (cause) {
      throw new PrdError(`Cannot read ${this.#name}: ${reasonOf(cause)}`, {
        file: this.#name,
        cause,
      });
    }
  }
}

import { stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { parsePrd } from "./parse_prd.ts";
import { type Prd, PrdError } from "./prd.ts";
import { readPrdText, reasonOf } from "./read_prd.ts";
import { writeAtomic } from "../../base/write_atomic.ts";

/** Options for {@linkcode PrdReader}. */
export interface PrdReaderOptions {
  /** Where to copy every valid text. @default {no copy is kept} */
  goodCopy?: string | undefined;
  /** How messages name the file. @default {the file as it was given} */
  name?: string | undefined;
  /** The repository that the file belongs to: a link that leads out of it is refused. @default {none} */
  within?: string | undefined;
  /** How long to retry a file that cannot be read, in milliseconds. @default {1000} */
  retryMs?: number | undefined;
  /** The time, in milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
  /** Waits. @default {a timer} */
  sleep?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
}

/** Options for {@linkcode PrdReader.read}. */
export interface PrdReaderReadOptions {
  /** Cancels the read and its retries. */
  signal?: AbortSignal | undefined;
}

/** What {@linkcode PrdReader.read} returns. */
export interface PrdReading {
  /** The PRD. */
  prd: Prd;
  /** The text that it was read from. */
  text: string;
  /** Why the file cannot be read now, if this is the last good reading. */
  stale?: PrdError | undefined;
}

/** Time between two tries, in milliseconds. */
const RETRY_STEP_MS = 50;
/** A file that changed this shortly before the read may change again with the same time stamp. */
const RACY_MS = 50;

/**
 * Reads the same prd.json again and again, while an agent may be writing it.
 *
 * An unchanged file is not parsed again. If a file cannot be read, the read is retried for a while;
 * after that the last good reading is returned, with the reason.
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
  readonly #within: string | undefined;
  readonly #retryMs: number;
  readonly #now: () => number;
  readonly #sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  #good: PrdReading | undefined;
  #stamp = "";
  #bad: string | undefined;

  /**
   * Creates a reader without reading the file.
   *
   * @param file The path of the prd.json.
   */
  constructor(file: string, options: PrdReaderOptions = {}) {
    this.#file = file;
    this.#name = options.name ?? file;
    this.#goodCopy = options.goodCopy;
    this.#within = options.within;
    this.#retryMs = options.retryMs ?? 1000;
    this.#now = options.now ?? Date.now;
    this.#sleep = options.sleep ??
      ((ms, signal) => delay(ms, undefined, signal ? { signal } : {}));
  }

  /**
   * Reads the file.
   *
   * @returns The PRD, and `stale` if it is from an earlier reading.
   * @throws {PrdError} If the file cannot be read and there is no earlier reading.
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
        // A broken file that has not changed since it was given up on is not retried.
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
    const text = await readPrdText(this.#file, {
      name: this.#name,
      within: this.#within,
      signal,
    });
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
   * The stamp is taken before the read, so that a write in between makes the next read parse again.
   * It is empty, and so never equal, if the file may still change with the same time stamp.
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

import { Buffer } from "node:buffer";
import {
  closeSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** Options for {@linkcode RotatingFile}. */
export interface RotatingFileOptions {
  /** Size in bytes at which a part is full. */
  maxBytes: number;
  /** Maximum number of parts, including the current one. */
  maxFiles: number;
  /**
   * The first line of a new part.
   *
   * @param dropped Whether older parts have been deleted.
   */
  heading?: ((dropped: boolean) => string) | undefined;
}

/** Text is collected up to this many characters before it is written. */
const BATCH_CHARS = 65_536;

/**
 * A file to append lines to, in batches. A full part is renamed to `<path>.1`, the next one to
 * `<path>.2`, and so on: the highest number is the newest, no part is renamed twice, and the oldest
 * are deleted.
 */
export class RotatingFile implements Disposable {
  readonly #path: string;
  readonly #options: RotatingFileOptions;
  #fd: number;
  #size: number;
  #pending = "";

  /**
   * Opens the file, and creates it if it is missing.
   *
   * @param path Its path; the folder must exist.
   */
  constructor(path: string, options: RotatingFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#fd = openSync(path, "a", 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  /** Whether text waits to be written. */
  get pending(): boolean {
    return this.#pending !== "";
  }

  /**
   * Adds text; it is written when a batch is full, or by {@linkcode RotatingFile.flush}.
   *
   * @param lines One or more lines, each with its line end.
   */
  append(lines: string): void {
    this.#pending += lines;
    if (this.#pending.length >= BATCH_CHARS) this.flush();
  }

  /** Writes what is pending; if that fails, none of it is in the file. */
  flush(): void {
    if (this.#pending === "") return;
    const bytes = Buffer.from(this.#pending);
    this.#pending = "";
    if (this.#size > 0 && this.#size + bytes.length > this.#options.maxBytes) this.#rotate();
    try {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.#fd, bytes, done, bytes.length - done);
      }
      this.#size += bytes.length;
    } catch (error) {
      // A full disk may take part of a line; the next line must not be appended to it.
      ftruncateSync(this.#fd, this.#size);
      throw error;
    }
  }

  /** Waits until the current part is on the disk. */
  async sync(): Promise<void> {
    this.flush();
    const fd = this.#fd;
    await new Promise<void>((resolve, reject) =>
      fsync(fd, (error) => {
        // A part that became full meanwhile has been synced and closed.
        if (error && fd === this.#fd) reject(error);
        else resolve();
      })
    );
  }

  /** Writes what is pending, and closes the file. */
  [Symbol.dispose](): void {
    try {
      this.flush();
    } finally {
      closeSync(this.#fd);
    }
  }

  #rotate(): void {
    const full = logParts(this.#path).filter((part) => part.number !== Infinity);
    renameSync(this.#path, `${this.#path}.${(full.at(-1)?.number ?? 0) + 1}`);
    const surplus = full.slice(0, Math.max(0, full.length + 2 - this.#options.maxFiles));
    for (const part of surplus) rmSync(part.path, { force: true });
    const next = openSync(this.#path, "a", 0o600);
    fsyncSync(this.#fd);
    closeSync(this.#fd);
    this.#fd = next;
    this.#size = 0;
    const heading = this.#options.heading?.(surplus.length > 0 || (full[0]?.number ?? 1) > 1);
    if (heading !== undefined) this.#size = writeSync(next, `${heading}\n`);
  }
}

/** One part of a log. */
export interface LogPart {
  /** Its path. */
  path: string;
  /** Its number; `Infinity` for the current part. */
  number: number;
}

/**
 * Lists the parts of a log: `<path>.1`, `<path>.2`, ... and `<path>` itself.
 *
 * @param path The path of the current part.
 * @returns The existing parts, oldest first; none if the folder does not exist.
 */
export function logParts(path: string): LogPart[] {
  const name = basename(path);
  let entries: string[];
  try {
    entries = readdirSync(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const parts: LogPart[] = [];
  for (const entry of entries) {
    const number = entry === name
      ? Infinity
      : entry.startsWith(`${name}.`) && /^[1-9]\d*$/.test(entry.slice(name.length + 1))
      ? Number(entry.slice(name.length + 1))
      : undefined;
    if (number !== undefined) parts.push({ path: join(dirname(path), entry), number });
  }
  return parts.sort((a, b) => a.number < b.number ? -1 : 1);
}

import { type FileHandle, open } from "node:fs/promises";

/** Options for {@linkcode TailFile}. */
export interface TailFileOptions {
  /** Longest line in bytes; a longer one is skipped. @default {8388608} */
  maxBytes?: number | undefined;
}

const NEWLINE = 10;
const CHUNK = 64 * 1024;

/**
 * Reads the new lines of a growing file at each call.
 *
 * @example Usage
 * ```ts
 * import { TailFile } from "./tail_file.ts";
 * import { assertEquals } from "@std/assert";
 *
 * await using tail = new TailFile("/no/such/file.jsonl");
 * assertEquals(await Array.fromAsync(tail.read()), []);
 * ```
 */
export class TailFile implements AsyncDisposable {
  readonly #path: string;
  readonly #maxBytes: number;
  #file: FileHandle | undefined;
  #position = 0;
  #rest: Uint8Array[] = [];
  #size = 0;

  /**
   * Begins at the start of the file.
   *
   * @param path The file, which may not exist yet.
   */
  constructor(path: string, options: TailFileOptions = {}) {
    this.#path = path;
    this.#maxBytes = options.maxBytes ?? 8 * 1024 * 1024;
  }

  /**
   * Reads the lines that were completed since the last call.
   *
   * @returns The lines, without their ends.
   * @throws {Error} If the file exists but cannot be read.
   */
  async *read(): AsyncGenerator<string, void, void> {
    this.#file ??= await openIfThere(this.#path);
    if (this.#file === undefined) return;
    for (;;) {
      const chunk = new Uint8Array(CHUNK);
      const { bytesRead } = await this.#file.read(chunk, 0, CHUNK, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      let start = 0;
      for (let end; (end = chunk.indexOf(NEWLINE, start)) !== -1 && end < bytesRead;) {
        const line = this.#take(chunk.subarray(start, end));
        start = end + 1;
        if (line !== undefined) yield line;
      }
      this.#keep(chunk.subarray(start, bytesRead));
    }
  }

  /** Closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  /** The line that ends here; `undefined` if it is too long. */
  #take(end: Uint8Array): string | undefined {
    this.#keep(end);
    const bytes = this.#size > this.#maxBytes ? undefined : this.#rest;
    this.#rest = [];
    this.#size = 0;
    if (bytes === undefined) return;
    const decoder = new TextDecoder();
    return bytes.map((it) => decoder.decode(it, { stream: true })).join("") + decoder.decode();
  }

  #keep(part: Uint8Array): void {
    this.#size += part.length;
    if (this.#size <= this.#maxBytes) this.#rest.push(part);
    else this.#rest = [];
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
}

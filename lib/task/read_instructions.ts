import { Buffer } from "node:buffer";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { isNotFound } from "../base/error_code.ts";

/** Bytes of an AGENTS.md that go into a prompt. */
export const MOST_INSTRUCTION_BYTES: number = 64 * 1024;

/**
 * Reads the `AGENTS.md` of a folder. Of one that is over 64 KiB only the
 * beginning is read, up to the end of a line, with a note that says so.
 *
 * @param dir The folder.
 * @returns Its text; empty if there is none.
 * @throws {Error} If there is one that cannot be read.
 */
export async function readInstructions(dir: string): Promise<string> {
  const file = join(dir, "AGENTS.md");
  try {
    await using handle = await open(file, "r");
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(size, MOST_INSTRUCTION_BYTES));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    const bytes = buffer.subarray(0, bytesRead);
    if (size <= MOST_INSTRUCTION_BYTES) return bytes.toString().trim();
    const newline = bytes.lastIndexOf(10);
    const kept = newline > 0 ? bytes.subarray(0, newline) : bytes;
    const kib = (count: number) => `${Math.ceil(count / 1024)} KiB`;
    const note = `[Cut after ${kib(kept.length)} of ${kib(size)}: read the rest in the file]`;
    // A character that was cut in half at the end of one endless line.
    return `${kept.toString().replace(/\uFFFD+$/, "").trim()}\n\n${note}`;
  } catch (cause) {
    if (isNotFound(cause)) return "";
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot read "${file}": ${reason}`, { cause });
  }
}

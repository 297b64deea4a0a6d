import { Buffer } from "node:buffer";
import { type FileHandle, open } from "node:fs/promises";
import { parseEventLine } from "../../event/numbered_event.ts";

const CHUNK_BYTES = 65_536;
const NEWLINE = 10;

/** The start of the line that ends before `end`. */
async function lineStart(file: FileHandle, end: number): Promise<number> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let to = end; to > 0;) {
    const from = Math.max(0, to - CHUNK_BYTES);
    const { bytesRead } = await file.read(chunk, 0, to - from, from);
    const index = chunk.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (index >= 0) return from + index + 1;
    to = from;
  }
  return 0;
}

async function readRange(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(to - from);
  await file.read(bytes, 0, bytes.length, from);
  return bytes;
}

/**
 * Repairs an event log whose writer was killed in the middle of a line: moves the torn line to
 * `<path>.torn`, so that nothing is lost.
 *
 * @returns The number of its last event; 0 if it is empty or missing.
 */
export async function repairLog(path: string): Promise<number> {
  let file: FileHandle;
  try {
    file = await open(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
  try {
    const { size } = await file.stat();
    let end = size;
    let seq = 0;
    while (end > 0 && seq === 0) {
      const tail = await readRange(file, end - 1, end);
      const start = await lineStart(file, end - 1);
      // A power failure can leave a complete line of zeros, which is not an event.
      if (tail[0] === NEWLINE) {
        seq = parseEventLine((await readRange(file, start, end)).toString())?.seq ?? 0;
      }
      if (seq === 0) end = tail[0] === NEWLINE ? start : await lineStart(file, end);
    }
    if (end < size) {
      await using torn = await open(`${path}.torn`, "a", 0o600);
      await torn.write(Buffer.concat([await readRange(file, end, size), Buffer.from("\n")]));
      await torn.sync();
      await file.truncate(end);
      await file.sync();
    }
    return seq;
  } finally {
    await file.close();
  }
}

/** Options for {@linkcode boundedLines}. */
export interface BoundedLinesOptions {
  /** Longest line in bytes; the rest of a longer one is skipped. @default {1048576} */
  maxBytes?: number | undefined;
}

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/**
 * Splits bytes into lines without ever holding more than one line of `maxBytes`.
 *
 * Lines end with LF or CRLF; a last line without an end counts. Bytes that are not
 * UTF-8 become U+FFFD, NUL bytes stay. A longer line is cut at a whole character.
 *
 * @example Usage
 * ```ts
 * import { boundedLines } from "./bounded_lines.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new TextEncoder().encode("one\r\ntwo, which is long\nthree");
 * assertEquals(await Array.fromAsync(boundedLines([bytes], { maxBytes: 5 })), ["one", "two, ", "three"]);
 * ```
 *
 * @param chunks The bytes, in chunks of any size.
 * @returns The lines, without their ends.
 */
export async function* boundedLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: BoundedLinesOptions = {},
): AsyncGenerator<string, void, void> {
  const { maxBytes = 1024 * 1024 } = options;
  let parts: Uint8Array[] = [];
  let size = 0;
  let cut = false;

  const keep = (part: Uint8Array) => {
    const room = maxBytes - size;
    // One more byte for the CR of a CRLF, which does not count.
    if (part.length > room + 1) cut = true;
    const kept = part.subarray(0, Math.min(part.length, room + 1));
    if (kept.length === 0) return;
    parts.push(kept);
    size += kept.length;
  };
  const take = (): string => {
    let line = join(parts, size);
    if (!cut && line.at(-1) === CARRIAGE_RETURN) line = line.subarray(0, -1);
    const tooLong = line.length > maxBytes;
    // A streaming decoder leaves out a character that was cut in half.
    const text = new TextDecoder().decode(line.subarray(0, maxBytes), { stream: tooLong });
    parts = [];
    size = 0;
    cut = false;
    return text;
  };

  for await (const chunk of chunks) {
    let start = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, start)) !== -1; start = end + 1) {
      keep(chunk.subarray(start, end));
      yield take();
    }
    // Copied, as the rest of a line may outlive its buffer.
    if (start < chunk.length) {
      keep(chunk.slice(start, start + Math.max(0, maxBytes - size) + 2));
    }
  }
  if (size > 0) yield take();
}

function join(parts: Uint8Array[], size: number): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

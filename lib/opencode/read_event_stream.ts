/** Options for {@linkcode readEventStream}. */
export interface ReadEventStreamOptions {
  /** An event with more characters is dropped. @default {16_777_216} */
  maxLength?: number;
}

/**
 * Reads server-sent events whose data is JSON. Memory is bounded: an event that is too long,
 * or no JSON, is passed over.
 *
 * @example Usage
 * ```ts
 * import { readEventStream } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = new Response('data: {"type":"a"}\n\n: beat\n\ndata: {"type":"b"}\n\n').body;
 * const events = await Array.fromAsync(readEventStream(stream));
 * assertEquals(events, [{ type: "a" }, { type: "b" }]);
 * ```
 *
 * @param stream The body of the response; it is cancelled when the reader leaves early.
 * @param options Additional options.
 * @returns The data of each event that is an object, parsed.
 */
export async function* readEventStream(
  stream: ReadableStream<Uint8Array> | null,
  options: ReadEventStreamOptions = {},
): AsyncGenerator<object, void, void> {
  const { maxLength = 16 * 1024 * 1024 } = options;
  if (stream === null) return;
  const decoder = new TextDecoder();
  let line = "";
  let isBlank = true;
  let data = "";
  let isDropped = false;
  for await (const chunk of stream) {
    const pieces = decoder.decode(chunk, { stream: true }).split("\n");
    for (const [i, piece] of pieces.entries()) {
      isBlank &&= piece === "" || piece === "\r";
      if (!isDropped) line += piece;
      if (data.length + line.length > maxLength) {
        isDropped = true;
        line = "";
        data = "";
      }
      if (i === pieces.length - 1) break;
      if (isBlank) {
        const value = parse(data);
        if (typeof value === "object" && value !== null) yield value;
        data = "";
        isDropped = false;
      } else if (line.startsWith("data:")) {
        data += `${line.slice("data:".length).trim()}\n`;
      }
      line = "";
      isBlank = true;
    }
  }
}

function parse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH = 14;

/**
 * Makes the id of a message as OpenCode makes it: ids sort by time, and the server compares the id of
 * its answer with that of the question. An id from a clock that is ahead of the server's, or of
 * another form, would make it answer for ever.
 *
 * @example Usage
 * ```ts
 * import { messageId } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(messageId(1795202496214).slice(0, 16), "msg_1fa6836d6001");
 * ```
 *
 * @param time The time on the server's clock, in milliseconds since the epoch.
 * @returns The id.
 */
export function messageId(time: number): string {
  const stamp = (BigInt(Math.floor(time)) * 4096n + 1n) & 0xffffffffffffn;
  const random = crypto.getRandomValues(new Uint8Array(RANDOM_LENGTH));
  const tail = Array.from(random, (byte) => ALPHABET[byte % ALPHABET.length]).join("");
  return `msg_${stamp.toString(16).padStart(12, "0")}${tail}`;
}

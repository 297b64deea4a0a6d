import process from "node:process";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

function base32(value: bigint, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest >>= 5n) {
    text = ALPHABET.charAt(Number(rest & 31n)) + text;
  }
  return text;
}

/**
 * Makes the id of an old row: a ULID whose time is the row's start and whose random
 * part is a hash of its key, so that every attempt to take it over gives the same.
 *
 * @param startedAt When it started, in milliseconds since the epoch; 0 if that is not known.
 * @param key What told the row from others in its old table.
 * @returns The ULID.
 */
export function legacyId(startedAt: number, key: string): string {
  // Loaded only here: it takes longer to load than everything else of the registry.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 20);
  const time = Math.min(Math.max(Math.trunc(startedAt), 0), 2 ** 48 - 1);
  return base32(BigInt(time), 10) + base32(BigInt(`0x${hash}`), 16);
}

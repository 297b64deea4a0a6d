// Valid in JSON, and read by some terminals as control sequences, or reordering the text.
const UNSAFE = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Writes a value as one line of JSON that is safe on a terminal and loses nothing. */
export function jsonLine(value: unknown): string {
  return `${escapeJson(JSON.stringify(value))}\n`;
}

/** Escapes what JSON allows and a terminal may interpret: the text means the same to a parser. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

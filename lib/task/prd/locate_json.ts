import { findNodeAtLocation, parseTree, visit } from "jsonc-parser";

/** A place in a text. */
export interface TextPosition {
  /** The line, from 1. */
  line: number;
  /** The column, from 1, in UTF-16 code units. */
  column: number;
}

/** A syntax error in a JSON text, and what was expected. */
export interface JsonSyntaxError extends TextPosition {
  /** What was expected there, in words. */
  expected: string;
}

/** A key that appears more than once in the same object. */
export interface RepeatedKey extends TextPosition {
  /** The path of the key. */
  path: (string | number)[];
}

const STRICT = { disallowComments: true, allowTrailingComma: false };

// The numbers are jsonc-parser's ParseErrorCode, a const enum that cannot be imported as a value.
const EXPECTED: Record<number, string> = {
  1: "a value",
  2: "a number",
  3: "a key in double quotes",
  4: "a value",
  5: '":"',
  7: '"," or "}"',
  8: '"," or "]"',
  9: "nothing more",
  10: "no comments",
  11: "the end of a comment",
  12: "the end of a string",
  13: "the end of a number",
  14: "four hexadecimal digits",
  15: 'an escape such as \\n or \\"',
  16: "control characters to be escaped",
};

/**
 * Turns an offset into a line and a column.
 *
 * @param offset The offset, in UTF-16 code units.
 */
function positionAt(text: string, offset: number): TextPosition {
  let line = 1;
  let start = 0;
  for (const match of text.matchAll(/\r\n|\r|\n/g)) {
    if (match.index + match[0].length > offset) break;
    line++;
    start = match.index + match[0].length;
  }
  return { line, column: offset - start + 1 };
}

/**
 * Finds the first syntax error of a JSON text, with the same wording on every runtime.
 *
 * @returns The error; `undefined` if there is none.
 */
export function findJsonSyntaxError(text: string): JsonSyntaxError | undefined {
  const open: ("}" | "]")[] = [];
  let found: { offset: number; expected: string } | undefined;
  unlessTooDeep(() =>
    visit(text, {
      onObjectBegin: () => void open.push("}"),
      onObjectEnd: () => void open.pop(),
      onArrayBegin: () => void open.push("]"),
      onArrayEnd: () => void open.pop(),
      onError: (code, offset) => {
        if (found && found.offset <= offset) return;
        const expected = Number(code) === 6
          ? `"," or "${open.at(-1) ?? "}"}"`
          : EXPECTED[Number(code)] ?? "valid JSON";
        found = { offset, expected };
      },
    }, STRICT)
  );
  return found && { ...positionAt(text, found.offset), expected: found.expected };
}

/**
 * Creates a function that finds the positions of values in a JSON text. The text is parsed once, at
 * the first call.
 *
 * @returns A function from a JSON path to the position of the value, or of the nearest one around
 * it.
 */
export function jsonLocator(
  text: string,
): (path: readonly (string | number)[]) => TextPosition {
  let root: ReturnType<typeof parseTree> | null = null;
  return (path) => {
    if (root === null) root = unlessTooDeep(() => parseTree(text));
    if (!root) return { line: 1, column: 1 };
    for (let length = path.length; length >= 0; length--) {
      const node = findNodeAtLocation(root, path.slice(0, length));
      if (node) return positionAt(text, node.offset);
    }
    return { line: 1, column: 1 };
  };
}

/**
 * Finds keys that appear more than once in one object: JSON parsers silently take the last one.
 *
 * @returns Every repetition, in the order of the text.
 */
export function findRepeatedKeys(text: string): RepeatedKey[] {
  const open: Set<string>[] = [];
  const repeated: RepeatedKey[] = [];
  unlessTooDeep(() =>
    visit(text, {
      onObjectBegin: () => void open.push(new Set()),
      onObjectEnd: () => void open.pop(),
      onObjectProperty: (key, offset, _length, _line, _column, path) => {
        const keys = open.at(-1);
        if (keys?.has(key)) {
          repeated.push({ ...positionAt(text, offset), path: [...path(), key] });
        }
        keys?.add(key);
      },
    })
  );
  return repeated;
}

/** The parser is recursive: thousands of nested brackets overflow the stack. */
function unlessTooDeep<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * Formats a JSON path for people.
 *
 * @example Usage
 * ```ts
 * import { formatJsonPath } from "./locate_json.ts";
 * import { assertEquals } from "@std/assert";
 * assertEquals(formatJsonPath(["userStories", 3, "priority"]), "userStories[3].priority");
 * ```
 *
 * @param path The keys and indexes from the root.
 * @returns The path, such as `userStories[3].priority`; empty for the root.
 */
export function formatJsonPath(path: readonly (string | number)[]): string {
  let out = "";
  for (const part of path) {
    if (typeof part === "number") out += `[${part}]`;
    else if (!/^[A-Za-z_$][\w$]*$/.test(part)) out += `[${JSON.stringify(part)}]`;
    else out += out === "" ? part : `.${part}`;
  }
  return out;
}

/**
 * Describes a JSON value in a message: short values as JSON, long ones by their kind.
 *
 * @param value The value that was found.
 * @returns A description, such as `"yes"`, `a list` or `missing`.
 */
export function describeJson(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const written = JSON.stringify(value);
  return written.length > 60 ? `${written.slice(0, 56)}..."` : written;
}

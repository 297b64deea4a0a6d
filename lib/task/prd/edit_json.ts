import {
  applyEdits,
  type Edit,
  findNodeAtLocation,
  modify,
  type Node,
  parseTree,
} from "jsonc-parser";

/**
 * Changes one value of a JSON text, or adds one key to one of its objects, and leaves every other
 * byte as it was. Pure.
 *
 * A new key comes after the last one, with the object's own line ends, indentation and spaces. A
 * byte order mark is kept.
 *
 * @example Usage
 * ```ts
 * import { editJson } from "./edit_json.ts";
 * import { assertEquals } from "@std/assert";
 * assertEquals(editJson('{ "id":"A" }', ["passes"], true), '{ "id":"A", "passes":true }');
 * ```
 *
 * @param path The keys and indexes of the value; only its last key may be missing.
 * @param value The new value: anything that JSON can hold.
 * @throws {RangeError} If there is no object or list to hold the value.
 * @throws {TypeError} If JSON cannot hold the value.
 * @throws {SyntaxError} If the text is not JSON.
 */
export function editJson(text: string, path: readonly (string | number)[], value: unknown): string {
  if (JSON.stringify(value) === undefined) throw new TypeError("JSON cannot hold this value");
  const bom = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  const json = text.slice(bom.length);
  JSON.parse(json);
  const root = parseTree(json);
  const node = root && findNodeAtLocation(root, [...path]);
  if (node) {
    const edits = modify(json, [...path], value, {});
    // A list or an object is formatted like the rest of the file.
    return bom + applyEdits(
      json,
      edits.map((edit) => ({
        ...edit,
        content: layOut(value, indentBefore(json, node.offset), json),
      })),
    );
  }
  const parent = root && findNodeAtLocation(root, path.slice(0, -1));
  const key = path.at(-1);
  if (parent?.type !== "object" || typeof key !== "string") {
    throw new RangeError("There is no object to hold this value");
  }
  return bom + applyEdits(json, [insertion(json, parent, key, value)]);
}

function insertion(json: string, object: Node, key: string, value: unknown): Edit {
  const properties = object.children ?? [];
  const last = properties.at(-1);
  const quoted = JSON.stringify(key);
  if (!last) {
    const content = `${quoted}: ${layOut(value, indentBefore(json, object.offset), json)}`;
    return { offset: object.offset + 1, length: 0, content };
  }
  const beforeLast = properties.at(-2);
  const separator = beforeLast
    ? json.slice(endOf(beforeLast), last.offset)
    : `,${json.slice(object.offset + 1, last.offset)}`;
  const [lastKey, lastValue] = last.children ?? [];
  const colon = lastKey && lastValue ? json.slice(endOf(lastKey), lastValue.offset) : ": ";
  const content = `${separator}${quoted}${colon}${
    layOut(value, indentBefore(json, last.offset), json)
  }`;
  return { offset: endOf(last), length: 0, content };
}

function endOf(node: Node): number {
  return node.offset + node.length;
}

function indentBefore(json: string, offset: number): string {
  const lineStart = Math.max(
    json.lastIndexOf("\n", offset - 1),
    json.lastIndexOf("\r", offset - 1),
  );
  return /^[ \t]*/.exec(json.slice(lineStart + 1, offset))?.[0] ?? "";
}

function layOut(value: unknown, indent: string, json: string): string {
  const style = jsonStyle(json);
  return JSON.stringify(value, null, style.indent).replaceAll("\n", style.lineEnd + indent);
}

/** The formatting of a JSON text. */
export interface JsonStyle {
  /** One step of indentation; empty if the text is on one line. */
  indent: string;
  /** The line end. */
  lineEnd: string;
}

/** Detects the formatting of a JSON text from its first indented line. */
export function jsonStyle(text: string): JsonStyle {
  const lineEnd = /\r\n|\r|\n/.exec(text.trimEnd())?.[0];
  if (lineEnd === undefined) return { indent: "", lineEnd: "\n" };
  return { indent: /[\r\n]([ \t]+)\S/.exec(text)?.[1] ?? "  ", lineEnd };
}

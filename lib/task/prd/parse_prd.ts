import { describeJson, findJsonSyntaxError, formatJsonPath, jsonLocator } from "./locate_json.ts";
import { normalizePrd } from "./normalize_prd.ts";
import { type Prd, PrdError } from "./prd.ts";
import { checkPrdInput } from "./prd_input.ts";

/** Options for {@linkcode parsePrd}. */
export interface ParsePrdOptions {
  /** How messages name the file. @default {"prd.json"} */
  file?: string | undefined;
}

/** What {@linkcode inspectPrd} finds in a text. */
export interface PrdInspection {
  /** The value that the text holds; absent if it is not valid JSON. */
  data?: unknown | undefined;
  /** The normal form; absent if there are errors. */
  prd?: Prd | undefined;
  /** Every error; values of the same list are in the order of the text. */
  errors: PrdError[];
}

/**
 * Reads the text of a prd.json, in any of its dialects, into its normal form. Pure.
 *
 * The root may be a list of stories; the list may be called `userStories`, `stories`, `features` or
 * `tasks`; see {@linkcode Prd} for what the fields of the normal form hold. Unknown keys are
 * ignored. Ids are taken as they are, even duplicates.
 *
 * @example Usage
 * ```ts
 * import { parsePrd } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const prd = parsePrd('[{ "description": "Send a message", "passes": true }]');
 * assertEquals(prd.stories[0]?.id, "1");
 * assertEquals(prd.stories[0]?.title, "Send a message");
 * ```
 *
 * @param text The text; a leading byte order mark is ignored.
 * @throws {PrdError} If it is empty, not valid JSON, or has an invalid value.
 */
export function parsePrd(text: string, options: ParsePrdOptions = {}): Prd {
  const { prd, errors } = inspectPrd(text, options);
  if (prd) return prd;
  throw errors[0] ?? new Error("A PRD is either read or has an error");
}

/**
 * Reads the text of a prd.json like {@linkcode parsePrd}, and returns every error instead of
 * throwing the first.
 *
 * @returns The value and the PRD, as far as they could be read, and the errors.
 */
export function inspectPrd(text: string, options: ParsePrdOptions = {}): PrdInspection {
  const file = options.file ?? "prd.json";
  let data: unknown;
  try {
    data = parseJson(text, file);
  } catch (error) {
    if (error instanceof PrdError) return { errors: [error] };
    throw error;
  }
  const input = checkPrdInput(data);
  if (!("issues" in input)) return { data, prd: normalizePrd(input), errors: [] };
  const locate = jsonLocator(stripBom(text));
  const errors = input.issues.map((issue) => {
    const path = formatJsonPath(issue.path);
    const found = describeJson(valueAt(data, issue.path));
    return new PrdError(
      `${file}${path === "" ? "" : `: ${path}`} is ${found}, expected ${issue.expected}`,
      { file, path, ...locate(issue.path) },
    );
  });
  return { data, errors };
}

/**
 * Parses JSON; its errors have a line and a column on every runtime.
 *
 * @param text The text; a leading byte order mark is ignored.
 * @param file How messages name the file.
 * @throws {PrdError} If the text is empty or not valid JSON.
 */
export function parseJson(text: string, file: string): unknown {
  const json = stripBom(text);
  try {
    return JSON.parse(json);
  } catch (cause) {
    if (json.trim() === "") {
      throw new PrdError(`${file} is empty, expected a PRD`, { file, line: 1, column: 1, cause });
    }
    const at = findJsonSyntaxError(json);
    if (!at) throw new PrdError(`${file} is not valid JSON`, { file, cause });
    const { line, column, expected } = at;
    throw new PrdError(
      `${file} is not valid JSON at line ${line}, column ${column}: expected ${expected}`,
      { file, line, column, cause },
    );
  }
}

/**
 * Looks up a value by its JSON path.
 *
 * @returns The value; `undefined` if there is none.
 */
export function valueAt(data: unknown, path: readonly (string | number)[]): unknown {
  let value = data;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) {
      return undefined;
    }
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** Removes a leading byte order mark. */
export function stripBom(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

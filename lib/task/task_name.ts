/** Thrown if a text is neither a valid task name nor a path. */
export class InvalidTaskNameError extends Error {
  /** The name of the class. */
  override name = "InvalidTaskNameError";
  /** The name as it was given. */
  readonly given: string;

  /** `reason` is what is wrong with the name. */
  constructor(given: string, reason: string) {
    super(`Cannot use ${JSON.stringify(given)} as a task name: ${reason}`);
    this.given = given;
  }
}

/** The result of {@linkcode parseTaskName}. */
export type TaskReference =
  /** The name of a folder in `tasks/`. */
  | { kind: "name"; name: string }
  /** A path; `explicit` if it begins with `/`, `./` or `../`, as no name does. */
  | { kind: "path"; path: string; explicit: boolean };

/**
 * Tells a task's name from a path, and refuses what can be neither. Reads no files.
 *
 * @example Usage
 * ```ts
 * import { parseTaskName } from "./task_name.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseTaskName("my-feature"), { kind: "name", name: "my-feature" });
 * assertEquals(parseTaskName("./x").kind, "path");
 * ```
 *
 * @returns A name or a path.
 * @throws {InvalidTaskNameError} If it is empty, begins with `-`, or has control characters,
 * `..` or slashes in odd places.
 */
export function parseTaskName(given: string): TaskReference {
  if (given.trim() === "") throw new InvalidTaskNameError(given, "it is empty");
  if (given.startsWith("-")) throw new InvalidTaskNameError(given, 'it begins with "-"');
  if (/\p{Cc}/u.test(given)) {
    throw new InvalidTaskNameError(given, "it contains a control character");
  }
  if (given === "." || /^(\.{0,2}[/\\]|[A-Za-z]:[/\\])/.test(given)) {
    return { kind: "path", path: given, explicit: true };
  }
  if (given.includes("..")) throw new InvalidTaskNameError(given, 'it contains ".."');
  if (/[/\\]{2}/.test(given)) {
    throw new InvalidTaskNameError(given, "it contains two slashes in a row");
  }
  if (/[/\\]/.test(given)) return { kind: "path", path: given, explicit: false };
  return { kind: "name", name: given };
}
